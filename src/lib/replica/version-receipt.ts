/**
 * The receipt of one version at the destination: durable proof that the replicator wrote it, and that S3 checked its bytes on the
 * way. A receipt is kept only if no digest of the replica can be compared with the source later, because then nothing at the
 * destination can prove the bytes.
 */
import { createHash } from 'node:crypto';
import type { ObjectState } from '../model/ports.ts';
import type { Destination } from '../model/rule.ts';
import type { Task } from '../model/task.ts';
import type { Proof } from './proof.ts';
import { namesOneState } from './stamp.ts';

export interface VersionReceipt {
  /** Identifies the source version, with its bucket and key. */
  from: string;
  /** What proved the copy. */
  proof: Proof;
}

export interface VersionReceipts {
  /** Keeps the receipt of a version. Never throws. If the receipt cannot be kept, a later verify counts the key as presumed. */
  keep(destination: Destination, key: string, versionId: string, receipt: VersionReceipt): Promise<void>;
  /**
   * Finds the receipt of a version. Resolves to null if there is no receipt, if the version has no id of its own, or if receipts
   * may not be read.
   */
  find(destination: Destination, key: string, versionId: string | null): Promise<VersionReceipt | null>;
}

export const receiptFrom = (
  { rule, key }: Pick<Task, 'rule' | 'key'>,
  { versionId, etag, lastModifiedMs }: ObjectState,
): string => digestOf([rule.source.bucket, key, versionId, etag, Math.floor(lastModifiedMs / 1_000)]);

export const receiptCovers = (
  receipt: VersionReceipt | null,
  task: Pick<Task, 'rule' | 'key'>,
  source: ObjectState,
): boolean => receipt?.from === receiptFrom(task, source);

/**
 * Returns the id of the receipt, or null if the version may be overwritten in place. A receipt of such a version would prove
 * nothing.
 */
export const receiptId = (
  { bucket }: Pick<Destination, 'bucket'>,
  key: string,
  versionId: string | null,
): string | null =>
  namesOneState({ versionId, etag: '' }) ? `version#${digestOf([bucket, key, versionId])}` : null;

const digestOf = (facts: readonly (string | number | null)[]): string =>
  createHash('sha256').update(JSON.stringify(facts)).digest('base64url');
