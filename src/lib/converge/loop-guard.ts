/** Detects replicas among the source objects, so that two replicators do not copy an object back and forth without end. */
import type { ObjectState } from '../model/ports.ts';
import type { Task } from '../model/task.ts';
import { identityOf, namesOneState, sourcePlace, type Stamp, stampOn } from '../replica/stamp.ts';
import type { ConvergeContext } from './context.ts';
import type { Shown } from './protocol.ts';

/**
 * Resolves to true if a replicator wrote this source version, so that it must not be replicated. The stamp of the version shows
 * this. The stamp does not count if the event names another writer of exactly this version. If the rule replicates replicas, only
 * an object that came from this destination is left out.
 */
export const isEcho = async (
  task: Task,
  context: ConvergeContext,
  version: ObjectState,
  shown: Shown | null,
): Promise<boolean> => {
  const stamp = stampOn(version, sourcePlace(task));
  if (stamp === null) return false;
  if (task.rule.replicas === 'replicate') return await cameFromThere(task, context, stamp, shown);
  // A version without an id may since have been replaced by a replica, and the event is not about that replica.
  return !(task.byReplicator === false && namesOneState(version) && task.versionId === version.versionId);
};

const cameFromThere = async (
  { replicaKey }: Task,
  { destination }: ConvergeContext,
  stamp: Stamp,
  shown: Shown | null,
): Promise<boolean> => {
  if (shown !== null && stamp.identity === identityOf(shown)) return true;
  for await (const entry of destination.history(replicaKey)) {
    if (entry.kind === 'version' && identityOf(entry) === stamp.identity) return true;
  }
  return false;
};
