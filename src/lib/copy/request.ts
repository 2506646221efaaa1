/** What the ways of copying are given, and what they give back. */
import type { Readable } from 'node:stream';
import type {
  BothBuckets,
  Clock,
  Invocation,
  ObjectState,
  Precondition,
  ReplicaAttributes,
  Written,
} from '../model/ports.ts';
import type { Task } from '../model/task.ts';
import type { Proof } from '../replica/proof.ts';
import type { Transfers } from './transfer/transfer.ts';
import type { ServerSide } from './way.ts';

/** The part of an invocation that a copy uses. */
export interface CopyContext extends BothBuckets {
  invocation: Invocation;
  clock: Clock;
  transfers: Transfers;
  serverSide: ServerSide;
}

/** One version to copy. */
export interface CopyRequest extends CopyContext {
  task: Task;
  /** Pins every read. */
  version: ObjectState;
  /** The body of a GET of exactly this version that is already under way; the first attempt uses it. */
  opened: Readable | Buffer | null;
  attributes: ReplicaAttributes;
  precondition: Precondition;
}

/** What was written, and the proof that it equals the source. */
export interface Copied {
  written: Written;
  proof: Proof;
  /** Whether the attributes are as old as the beginning of a transfer: tags may have changed since. */
  byTransfer: boolean;
}

/** Closes a body that was not used up. */
export const discardBody = ({ opened }: Pick<CopyRequest, 'opened'>): void => {
  if (opened !== null && !Buffer.isBuffer(opened)) opened.destroy();
};
