/**
 * A transfer: a large object moved by many invocations. Its multipart upload is the checkpoint: ListParts says what is
 * done, nothing else remembers it. The records are plain JSON, as the table of transfers keeps them.
 */
import type { ObjectState } from '../../model/ports.ts';
import type { Reason } from '../../model/reasons.ts';
import type { Concern, Task } from '../../model/task.ts';
import type { PartLayout, ProvenBy, TransferVersion, Way } from '../part-layout.ts';

export interface Transfer {
  /** One for each key at a destination; see `transferIdOf`. */
  id: string;
  uploadId: string;
  /** The ids of rule and destination in `replication.yml`. */
  rule: string;
  destination: string;
  /** The source. */
  bucket: string;
  key: string;
  /** The bucket and key of the upload. */
  destinationBucket: string;
  replicaKey: string;
  version: TransferVersion;
  way: Way;
  layout: PartLayout;
  provenBy: ProvenBy;
  /** Milliseconds since the epoch. */
  startedMs: number;
  /** The run whose hint began the transfer; null: none. */
  run: string | null;
  /** Whether a replicator wrote the version, as far as the hint that began the transfer knew; null: unknown. */
  byReplicator: boolean | null;
  /** The concern of that hint: the hint of a verify may have the replica of this very version written again. */
  concern: Concern;
  /** When all part ranges of this attempt were in the queue; null: not yet. */
  sentMs: number | null;
  /** Grows each time the part ranges are sent again; messages of earlier attempts are dropped then. */
  attempt: number;
  /** Why the transfer waits for a person; null: it continues. */
  failure: { reason: Reason; detail: string } | null;
  /** The last answer of ListParts, for observers. */
  seen: { parts: number; bytes: number; atMs: number } | null;
  /** How many sweeps in a row found that nothing had moved. */
  fruitless: number;
}

/** A slice of a transfer's parts, both ends included. */
export interface PartRange {
  firstPart: number;
  lastPart: number;
}

/** A message in the transfer queue. It says enough to begin anew if the record is lost. */
export interface PartRangeMessage extends PartRange, Pick<Transfer, 'id' | 'uploadId' | 'attempt'> {
  rule: string;
  destination: string;
  bucket: string;
  key: string;
  run: string | null;
}

/** The table of transfers. Its functions throw {@link ReplicationError}; reads are consistent. */
export interface TransferStore {
  load(id: string): Promise<Transfer | null>;
  /** Writes the record if there is none with this id, or if the existing one has the upload `replaces`. False: another was first. */
  begin(transfer: Transfer, replaces: string | null): Promise<boolean>;
  /** Changes fields of the record with this upload. False: it is gone, or `expecting` does not describe it. */
  change(
    transfer: Pick<Transfer, 'id' | 'uploadId'>,
    fields: Partial<Pick<Transfer, 'sentMs' | 'attempt' | 'failure' | 'seen' | 'fruitless'>>,
    expecting?: { attempt: number; failed: boolean },
  ): Promise<boolean>;
  /** Removes the record with this upload; succeeds too if it is gone. */
  end(transfer: Pick<Transfer, 'id' | 'uploadId'>): Promise<void>;
  all(): AsyncIterable<Transfer>;
  /** Bytes per second that one invocation last moved to this bucket in this way; null: never measured. */
  rate(destinationBucket: string, way: Way): Promise<number | null>;
  measured(destinationBucket: string, way: Way, bytesPerSecond: number): Promise<void>;
}

export interface TransferQueue {
  /** Resolves when SQS has accepted all messages. SQS delivers each at least once, in no order. */
  send(messages: readonly PartRangeMessage[]): Promise<void>;
  /** Approximately how many messages are in the queue: visible, delayed and in flight. */
  waiting(): Promise<number>;
}

/** Everything converge needs to begin, resume and finish transfers. */
export interface Transfers {
  store: TransferStore;
  queue: TransferQueue;
  /** How many invocations move part ranges at once. */
  concurrency: number;
}

/** The id of a transfer: only one at a time may write to a key at a destination. */
export const transferIdOf = ({ destination, replicaKey }: Pick<Task, 'destination' | 'replicaKey'>): string =>
  `${destination.bucket}/${replicaKey}`;

/** True: the transfer moves this very version. The same bytes bring back an ETag, but hardly ever the time. */
export const isOfVersion = (
  { version }: Pick<Transfer, 'version'>,
  state: Pick<ObjectState, 'versionId' | 'etag' | 'sizeBytes' | 'lastModifiedMs'>,
): boolean =>
  version.versionId === state.versionId &&
  version.etag === state.etag &&
  version.sizeBytes === state.sizeBytes &&
  version.lastModifiedMs === state.lastModifiedMs;
