/** One version of the source that a request names, and its replica. */
import type { BothBuckets, ObjectState } from '../model/ports.ts';
import { ReplicationError } from '../model/errors.ts';
import type { Task } from '../model/task.ts';
import { names, replicaPlace, stampOn } from '../replica/stamp.ts';
import { MAX_VERSIONS, type Problem, problemOf } from './side.ts';

export interface VersionView {
  id: string;
  /** The version at the source; null: it is gone, or could not be read. */
  state: ObjectState | null;
  /** The version at the destination whose stamp names this source version; null: none of the newest versions has such a stamp. */
  replicaVersion: string | null;
  problem: Problem | null;
}

export const viewVersion = async (
  task: Task,
  { source, destination }: BothBuckets,
  id: string,
): Promise<VersionView> => {
  const view: VersionView = { id, state: null, replicaVersion: null, problem: null };
  try {
    view.state = await source.head(task.key, id);
    if (view.state !== null) view.replicaVersion = await replicaOf(task, destination, view.state);
  } catch (error) {
    if (!(error instanceof ReplicationError)) throw error;
    view.problem = problemOf(error);
  }
  return view;
};

/** Finds the replica of the version by its stamp. Looks at the newest versions only, because each costs a request. */
const replicaOf = async (
  task: Task,
  destination: BothBuckets['destination'],
  version: ObjectState,
): Promise<string | null> => {
  let heads = 0;
  for await (const entry of destination.history(task.replicaKey)) {
    if (entry.kind === 'marker') continue;
    if (++heads > MAX_VERSIONS) return null;
    const state = await destination.head(task.replicaKey, entry.versionId);
    const stamp = state === null ? null : stampOn(state, replicaPlace(task));
    if (stamp !== null && names(stamp, version)) return entry.versionId;
  }
  return null;
};
