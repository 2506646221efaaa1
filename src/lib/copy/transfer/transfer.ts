/**
 * A transfer: a large object moved by many invocations. Its multipart upload is the checkpoint: what is done is asked of
 * ListParts, never remembered. Plain JSON throughout, as it is kept in the table of transfers.
 */
import type { Reason } from '../../model/reasons.ts';
import type { ObjectState } from '../../model/ports.ts';
import type { Concern } from '../../model/work.ts';
import type { PartLayout, TransferVersion, Way } from '../part-layout.ts';

export interface Transfer {
  /** One for each key at a destination; see `transferId`. */
  id: string;
  uploadId: string;
  /** Ids in `replication.yml`. */
  rule: string;
  destination: string;
  bucket: string;
  key: string;
  /** Whose bucket the upload is in, and under which key. */
  destinationBucket: string;
  replicaKey: string;
  version: TransferVersion;
  way: Way;
  layout: PartLayout;
  /** How the bytes are proven: which of the ways in `part-plan.ts`. */
  provenBy: 'checksum' | 'etag' | 'computed';
  /** Milliseconds since the epoch. */
  startedMs: number;
  /** The run whose hint began it; null: none. */
  run: string | null;
  /** What the hint that began it knew of who wrote the version: whether a replicator; null: nothing. */
  byReplicator: boolean | null;
  /** What that hint was about: one that a verify sent may have the replica of this very version written again. */
  concern: Concern;
  /** When all of this attempt's ranges were in the queue; null: not yet. */
  sentMs: number | null;
  /** Goes up each time they are to be sent again: what is left of earlier attempts is then let go. */
  attempt: number;
  /** Why it waits for a person; null: it goes on. */
  failure: { reason: Reason; detail: string } | null;
  /** What ListParts last said, for those who watch. */
  seen: { parts: number; bytes: number; atMs: number } | null;
  /** How often in a row somebody looked after it and found that nothing had moved. */
  fruitless: number;
}

/** A slice of a transfer's parts, both ends included. */
export interface PartRange {
  firstPart: number;
  lastPart: number;
}

/** In the transfer queue. It says enough to begin anew where the record is lost. */
export interface RangeMessage extends PartRange, Pick<Transfer, 'id' | 'uploadId' | 'attempt'> {
  rule: string;
  destination: string;
  bucket: string;
  key: string;
  run: string | null;
}

/** The table of transfers. Throws {@link ReplicationError}. Reads are consistent. */
export interface TransferStore {
  load(id: string): Promise<Transfer | null>;
  /** Where there is none with this id, or the one with the upload `replaces`. False: somebody else was first. */
  begin(transfer: Transfer, replaces: string | null): Promise<boolean>;
  /** Changes fields of the one with this upload. False: it is not there any more, or `expecting` (its attempt) is not so. */
  change(
    transfer: Pick<Transfer, 'id' | 'uploadId'>,
    fields: Partial<Pick<Transfer, 'sentMs' | 'attempt' | 'failure' | 'seen' | 'fruitless'>>,
    expecting?: { attempt: number; failed: boolean },
  ): Promise<boolean>;
  /** Removes the one with this upload; succeeds too where it is gone. */
  end(transfer: Pick<Transfer, 'id' | 'uploadId'>): Promise<void>;
  all(): AsyncIterable<Transfer>;
  /** Bytes per second that one invocation last moved to this bucket in this way; null: nobody has measured. */
  rate(destinationBucket: string, way: Way): Promise<number | null>;
  measured(destinationBucket: string, way: Way, bytesPerSecond: number): Promise<void>;
}

export interface TransferQueue {
  /** Resolves when SQS has accepted all of them. At least once, in no order. */
  send(messages: readonly RangeMessage[]): Promise<void>;
  /** About how many are in the queue: visible, delayed and in flight. */
  waiting(): Promise<number>;
}

/** What converge needs to begin, resume and finish transfers. */
export interface Transfers {
  store: TransferStore;
  queue: TransferQueue;
  /** How many invocations work on ranges at once. */
  concurrency: number;
}

/** One transfer at a time for each key at a destination. */
export const transferId = (destinationBucket: string, replicaKey: string): string =>
  `${destinationBucket}/${replicaKey}`;

/** Does the transfer move this very version? An ETag comes back with the same bytes; the time does not, or seldom. */
export const isOfVersion = (
  { version }: Pick<Transfer, 'version'>,
  state: Pick<ObjectState, 'versionId' | 'etag' | 'sizeBytes' | 'lastModifiedMs'>,
): boolean =>
  version.versionId === state.versionId &&
  version.etag === state.etag &&
  version.sizeBytes === state.sizeBytes &&
  version.lastModifiedMs === state.lastModifiedMs;
