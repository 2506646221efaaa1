/**
 * A transfer: a large object that many invocations move. Its multipart upload is the checkpoint: ListParts shows which parts are
 * done, and no other record of the progress is relied on. The records are plain JSON, because the table of transfers stores them.
 */
import type { TransferChain } from '../../model/chain.ts';
import type { ObjectState } from '../../model/ports.ts';
import type { Reason } from '../../model/reasons.ts';
import type { Concern, Task } from '../../model/task.ts';
import type { PartLayout, ProvenBy, TransferVersion, Way } from '../part-layout.ts';

export interface Transfer {
  /** The id. All transfers to the same key of a destination bucket have the same id (see `transferIdOf`). */
  id: string;
  uploadId: string;
  /** The ids of rule and destination in `replication.yml`. */
  rule: string;
  destination: string;
  /** The bucket and key of the source object. */
  bucket: string;
  key: string;
  /** The bucket and key of the upload. */
  destinationBucket: string;
  replicaKey: string;
  version: TransferVersion;
  way: Way;
  layout: PartLayout;
  provenBy: ProvenBy;
  /** Whether the upload itself is locked, so that S3 accepts a streamed part only with a checksum in its header. */
  isLocked: boolean;
  /** How many other ways to prove the bytes remain. Each of them needs a new upload. */
  plansLeft: number;
  /** Whether S3 refused the first part, so that the next plan has to be tried. */
  isRefused: boolean;
  /** Milliseconds since the epoch. */
  startedMs: number;
  /** The chain of transfers of the key, including this one. */
  chain: TransferChain;
  /** The run whose hint began the transfer; null: none. */
  run: string | null;
  /** Whether a replicator wrote the version, according to the hint that began the transfer; null: unknown. */
  byReplicator: boolean | null;
  /**
   * The concern of the hint that began the transfer. If a verify sent the hint, the replica may have to be written again although
   * it holds the same version.
   */
  concern: Concern;
  /** When all part ranges of this attempt were in the queue, in milliseconds since the epoch; null: not yet. */
  sentMs: number | null;
  /**
   * A number that increases each time the part ranges, or the hint to commit the transfer, are sent again. Messages of earlier
   * attempts are then ignored.
   */
  attempt: number;
  /** Why, and since when (milliseconds since the epoch), the transfer waits for a person; null: the transfer continues. */
  failure: { atMs: number; reason: Reason; detail: string } | null;
  /** The result of the last ListParts, for display only; null: none yet. */
  seen: { parts: number; bytes: number; atMs: number } | null;
  /** The last attempt at which a worker took up a part range; null: none was taken up. */
  tried: number | null;
  /** How many consecutive attempts were tried and moved no part. */
  fruitless: number;
}

/** Consecutive parts of a transfer, both ends included. */
export interface PartRange {
  firstPart: number;
  lastPart: number;
}

/** A message in the transfer queue. Its fields are enough to begin a new transfer if the record is lost. */
export interface PartRangeMessage extends PartRange, Pick<Transfer, 'id' | 'uploadId' | 'attempt' | 'chain'> {
  rule: string;
  destination: string;
  bucket: string;
  key: string;
  run: string | null;
}

/** The table of transfers. Its functions throw {@link ReplicationError}. Reads are strongly consistent. */
export interface TransferStore {
  load(id: string): Promise<Transfer | null>;
  /**
   * Writes the record if no record has this id, or if the record with this id belongs to the upload `replaces`. Resolves to false
   * if another invocation was faster.
   */
  begin(transfer: Transfer, replaces: string | null): Promise<boolean>;
  /**
   * Changes fields of the record with this upload. Resolves to false if there is no such record, or if `expecting` does not match
   * the record.
   */
  change(
    transfer: Pick<Transfer, 'id' | 'uploadId'>,
    fields: Partial<
      Pick<Transfer, 'sentMs' | 'attempt' | 'failure' | 'seen' | 'tried' | 'fruitless' | 'isRefused'>
    >,
    expecting?: { attempt: number; failed: boolean },
  ): Promise<boolean>;
  /** Removes the record with this upload. Also succeeds if there is no such record. */
  end(transfer: Pick<Transfer, 'id' | 'uploadId'>): Promise<void>;
  /** Leaves out the transfers of a newer release, and calls `onNewer` with the upload of each. */
  all(onNewer?: (uploadId: string) => void): AsyncIterable<Transfer>;
  /**
   * Resolves to the rate at which one invocation last moved bytes to this bucket in this way, in bytes per second, or to null if
   * it was never measured.
   */
  rate(destinationBucket: string, way: Way): Promise<number | null>;
  measured(destinationBucket: string, way: Way, bytesPerSecond: number): Promise<void>;
}

export interface TransferQueue {
  /** Resolves when SQS has accepted all messages. SQS delivers each message at least once, in any order. */
  send(messages: readonly PartRangeMessage[]): Promise<void>;
  /** Approximately how many messages are in the queue: visible, delayed and in flight. */
  waiting(): Promise<number>;
}

/** Everything that converge needs to begin, resume and finish transfers. */
export interface Transfers {
  store: TransferStore;
  queue: TransferQueue;
  /** How many invocations move part ranges at once. */
  concurrency: number;
}

/** Returns the id of the transfer to a key at a destination. Only one transfer at a time may write to that key. */
export const transferIdOf = ({ destination, replicaKey }: Pick<Task, 'destination' | 'replicaKey'>): string =>
  `${destination.bucket}/${replicaKey}`;

/**
 * Returns true if the transfer moves this version. The same bytes have the same ETag when they are written again, but hardly ever
 * the same time, so the time is compared too.
 */
export const isOfVersion = (
  { version }: Pick<Transfer, 'version'>,
  state: Pick<ObjectState, 'versionId' | 'etag' | 'sizeBytes' | 'lastModifiedMs'>,
): boolean =>
  version.versionId === state.versionId &&
  version.etag === state.etag &&
  version.sizeBytes === state.sizeBytes &&
  version.lastModifiedMs === state.lastModifiedMs;
