/** The grounds of a finding `same`. */
import type { ObjectState } from '../../model/ports.ts';
import type { Task } from '../../model/task.ts';
import { contentProof, type Digest, sameDigest } from '../../replica/proof.ts';
import { receiptCovers, type VersionReceipts } from '../../replica/version-receipt.ts';
import type { CompareCounters } from '../run.ts';

/**
 * The proofs that a replica has the bytes of its source, strongest first: the bytes of both sides were read, there is a receipt of the
 * write of exactly this version, or S3 stores the same digest on both sides.
 */
export type Basis = 'bytes' | 'receipt' | Digest;

/** The ground for the finding that two versions are the same. `presumed`: they look the same, and nothing proves it. */
export type Ground = Basis | 'presumed';

const STRONGEST_FIRST: readonly Ground[] = ['bytes', 'receipt', 'sha', 'md5', 'crc', 'presumed'];

/**
 * Returns the weaker of two grounds, because the finding about a history rests on the weakest ground of its versions. `null`:
 * nothing has to be proven.
 */
export const weakest = (one: Ground | null, other: Ground | null): Ground | null => {
  if (one === null || other === null) return one ?? other;
  return STRONGEST_FIRST.indexOf(one) > STRONGEST_FIRST.indexOf(other) ? one : other;
};

/** The counter of the keys with each ground. */
export const COUNTER_OF = {
  bytes: 'byBytes',
  receipt: 'byReceipt',
  sha: 'bySha',
  md5: 'byMd5',
  crc: 'byCrc',
} as const satisfies Record<Basis, keyof CompareCounters>;

/** A source version and the version at the destination that looks like its replica. */
export interface VersionPair {
  source: ObjectState;
  replica: ObjectState;
}

/**
 * Resolves to the ground for the pair. Resolves to `differs` if the digests differ, and to `faked` if the bytes differ although a digest
 * or the stamp claims that they are the same.
 */
export type ProvePair = (task: Task, pair: VersionPair) => Promise<Ground | 'differs' | 'faked'>;

/** Which pairs are read on both sides. A pair is `weak` if its only ground would be a CRC, or nothing. */
export type Reading = 'none' | 'weak' | 'all';

/**
 * Looks for a receipt only if no digest can be compared, so most keys need no call. Somebody else may have put other bytes under
 * the same stamp, but not under the version id that the receipt names, because S3 gives each id to one version.
 */
export const proveBy =
  (receipts: Pick<VersionReceipts, 'find'>): ProvePair =>
  async (task, { source, replica }) => {
    const content = contentProof(replica, source);
    if (content !== 'unknown') return sameDigest(replica, source) ?? 'differs';
    const receipt = await receipts.find(task.destination, task.replicaKey, replica.versionId);
    return receiptCovers(receipt, task, source) ? 'receipt' : 'presumed';
  };
