/** Detects replicas among the source objects, so that two replicators do not send an object round and round. */
import type { ObjectState } from '../model/ports.ts';
import type { Task } from '../model/task.ts';
import { identityOf, namesOneState, sourcePlace, type Stamp, stampOn } from '../replica/stamp.ts';
import type { ConvergeContext } from './context.ts';
import type { Shown } from './protocol.ts';

/**
 * Whether a replicator wrote this source version. The stamp says so, unless the event knows who wrote this very version. Even
 * where the rule replicates replicas, an object that came from this destination does not go back there.
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
  // A version without an id may have been replaced by a replica since: the event is not about that one.
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
