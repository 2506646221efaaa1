/** The input of converge besides the task. */
import type { Copied, CopyContext } from '../copy/request.ts';
import type { Brake } from '../model/brake.ts';
import type { Buckets, HistoryEntry, ObjectState } from '../model/ports.ts';
import type { ReplicationError } from '../model/errors.ts';
import { bucketsOf, type Task } from '../model/task.ts';
import type { GetSigner } from '../replica/stamp-signature.ts';
import type { VersionReceipts } from '../replica/version-receipt.ts';
import type { KnownStack } from './stack-listing.ts';

export interface ConvergeContext extends CopyContext {
  versionReceipts: Pick<VersionReceipts, 'keep'>;
  passOver: PassOver;
  signer: GetSigner;
  brake: Brake;
  /**
   * Announces a version. Called after the copy of the version is proven. Throws if no service accepted the event. Left out:
   * nothing is announced.
   */
  replicated?: (version: ObjectState, copied: Copied) => Promise<void>;
  /** The last listing that this execution environment remembers of a key with many versions. Left out: nothing is remembered. */
  stack?: KnownStack;
  /**
   * Resolves to the history of the key in a listing that several keys share, or to null if there is no such listing. The listing is
   * not older than the hint, but may be older than the task.
   */
  listedBefore?: () => Promise<HistoryEntry[] | null>;
  /**
   * Resolves to true if the source was read after the call, and shows this version as the current one of the key. Left out, or
   * resolved to false: converge reads the key itself.
   */
  stillShows?: (key: string, version: ObjectState) => Promise<boolean>;
}

/**
 * Reports a version that is passed over. Resolves when the report is stored where a person will see it. No newer version is
 * written before that. Throws the error of the version if it is too early to pass the version over.
 */
export type PassOver = (version: PassedOver) => Promise<void>;

/** A version that is left out of the replica's history because it cannot be read. Newer versions are still replicated. */
export interface PassedOver {
  versionId: string;
  error: ReplicationError;
}

/** Returns the input of converge for a task: the task's two buckets, and the parts of the invocation that converge may use. */
export const contextOf = (
  task: Task,
  deps: Omit<ConvergeContext, 'source' | 'destination' | 'passOver'> & { buckets: Buckets },
  passOver: PassOver,
): ConvergeContext => {
  const { invocation, clock, transfers, leftovers, serverSide, signer, versionReceipts, brake, stack } = deps;
  const parts = { invocation, clock, transfers, serverSide, signer, versionReceipts, brake };
  return {
    ...bucketsOf(task, deps.buckets),
    ...parts,
    ...(leftovers === undefined ? {} : { leftovers }),
    ...(stack === undefined ? {} : { stack }),
    passOver,
  };
};
