/** The input and the result of a copy. */
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
import type { Leftovers } from './leftovers.ts';
import type { Transfers } from './transfer/transfer.ts';
import type { ServerSide } from './way.ts';

/** Everything that a copy needs besides the version to copy: both buckets, and the dependencies of the current invocation. */
export interface CopyContext extends BothBuckets {
  invocation: Invocation;
  clock: Clock;
  /**
   * The transfers by which many invocations share the copy of a large object; null: this process copies objects of every size by
   * itself.
   */
  transfers: Transfers | null;
  /** The unfinished uploads that may be continued. Left out: every upload is begun anew, and is aborted if it fails. */
  leftovers?: Leftovers;
  serverSide: ServerSide;
}

/** One version to copy. */
export interface CopyRequest extends CopyContext {
  task: Task;
  /** The source version, to which every read is pinned. */
  version: ObjectState;
  /** The body of exactly this version, from a GET that was already sent; null: none. The first attempt uses this body. */
  opened: Readable | Buffer | null;
  attributes: ReplicaAttributes;
  precondition: Precondition;
}

/** A copy that many invocations may share. */
export type SharedCopyRequest = CopyRequest & { transfers: Transfers };

/** The stored object, and the proof that it equals the source. */
export interface Copied {
  written: Written;
  proof: Proof;
  /**
   * Whether a transfer made the copy. A transfer reads the attributes when it begins, so the tags may have changed since then.
   */
  byTransfer: boolean;
}

/** Closes the opened body if it is a stream. */
export const discardBody = ({ opened }: Pick<CopyRequest, 'opened'>): void => {
  if (opened !== null && !Buffer.isBuffer(opened)) opened.destroy();
};
