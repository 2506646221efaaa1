/** The input of converge besides the task. */
import type { CopyContext } from '../copy/request.ts';
import type { Buckets } from '../model/ports.ts';
import type { ReplicationError } from '../model/errors.ts';
import { bucketsOf, type Task } from '../model/task.ts';

export interface ConvergeContext extends CopyContext {
  passOver: PassOver;
}

/**
 * Reports a version that is passed over. Resolves when the report is stored where a person will see it. No newer version is
 * written before that. Throws the error of the version if it is too early to pass the version over.
 */
export type PassOver = (version: PassedOver) => Promise<void>;

/** A version that is left out of the replica's history because it cannot be read. Newer versions are replicated all the same. */
export interface PassedOver {
  versionId: string;
  error: ReplicationError;
}

/** Returns the input of converge for a task: the task's two buckets, and the parts of the invocation that converge may use. */
export const contextOf = (
  task: Task,
  deps: Omit<CopyContext, 'source' | 'destination'> & { buckets: Buckets },
  passOver: PassOver,
): ConvergeContext => {
  const { invocation, clock, transfers, serverSide } = deps;
  return { ...bucketsOf(task, deps.buckets), invocation, clock, transfers, serverSide, passOver };
};
