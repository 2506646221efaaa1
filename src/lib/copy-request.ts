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
} from './ports.ts';
import type { Proof } from './proof.ts';

export interface CopyRequest {
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
}

/** What was written, and the proof that it equals the source. */
export interface Copied {
  written: Written;
  proof: Proof;
}
