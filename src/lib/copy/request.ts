/** What one copy needs to know; shared by the ways of copying. */
import type { Readable } from 'node:stream';
import type {
  Clock,
  DestinationBucket,
  Invocation,
  ReplicaAttributes,
  ObjectState,
  Precondition,
  SourceBucket,
  Written,
} from '../model/ports.ts';
import type { Proof } from '../replica/proof.ts';
import type { ServerSide } from './way.ts';
import type { Transfers } from './transfer/transfer.ts';
import type { Work } from '../model/work.ts';

export interface CopyRequest {
  work: Pick<Work, 'rule' | 'destination' | 'run' | 'byReplicator' | 'concern'>;
  source: SourceBucket;
  destination: DestinationBucket;
  sourceKey: string;
  replicaKey: string;
  /** Pins every read. */
  version: ObjectState;
  /** The body of a GET of exactly this version that is already under way; used for the first attempt. */
  opened: Readable | Buffer | null;
  attributes: ReplicaAttributes;
  precondition: Precondition;
  invocation: Invocation;
  clock: Clock;
  transfers: Transfers;
  serverSide: ServerSide;
}

/** What was written, and the proof that it equals the source. */
export interface Copied {
  written: Written;
  proof: Proof;
  /** Whether the attributes are from when the transfer was begun: tags may have changed since. */
  byTransfer: boolean;
}
