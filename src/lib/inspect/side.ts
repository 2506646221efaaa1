/** One side of a key, as an operator sees it: the current object, and the newest versions. */
import type { BothBuckets, Current, HistoryEntry, ObjectState, Tags } from '../model/ports.ts';
import { ReplicationError } from '../model/errors.ts';
import type { Task } from '../model/task.ts';

/** A failed read, with the reason that the function would report. */
export interface Problem {
  reason: string;
  detail: string;
}

export interface SideView {
  /** What the key shows; null: it could not be read. */
  current: Current | null;
  /** The tags of the object; null: there is no object, or they could not be read. */
  tags: Tags | null;
  /** The latest versions and delete markers, newest first; null: they were not listed, or could not be listed. */
  versions: HistoryEntry[] | null;
  /** Whether there are older versions. */
  hasOlder: boolean;
  /** The first thing that could not be read; null: everything was read. */
  problem: Problem | null;
}

/** Maximum number of versions in a view. */
export const MAX_VERSIONS = 20;

export const viewSource = async (task: Task, { source }: BothBuckets): Promise<SideView> => {
  const { rule, key } = task;
  const view = emptyView();
  await noting(view, async () => (view.current = await source.look(key)));
  const state = stateIn(view.current);
  if (state !== null && state.tagCount > 0)
    await noting(view, async () => (view.tags = await source.tags(key, state.versionId)));
  // The function may list the versions only for rules that need them.
  if (rule.versions === 'all' || rule.deletes === 'replicate') {
    let count = 0;
    await noting(view, async () => keep(view, await source.history(key, () => ++count > MAX_VERSIONS)));
  }
  return view;
};

export const viewReplica = async ({ replicaKey }: Task, { destination }: BothBuckets): Promise<SideView> => {
  const view = emptyView();
  await noting(view, async () => (view.current = await destination.look(replicaKey)));
  const state = stateIn(view.current);
  if (state !== null && state.tagCount > 0)
    await noting(view, async () => (view.tags = await destination.tags(replicaKey, state.versionId)));
  await noting(view, async () => {
    const entries: HistoryEntry[] = [];
    for await (const entry of destination.history(replicaKey)) if (entries.push(entry) > MAX_VERSIONS) break;
    keep(view, entries);
  });
  return view;
};

export const stateIn = (current: Current | null): ObjectState | null =>
  current?.kind === 'object' ? current.state : null;

export const problemOf = (error: ReplicationError): Problem => ({
  reason: error.reason,
  detail: error.message,
});

const emptyView = (): SideView => ({
  current: null,
  tags: null,
  versions: null,
  hasOlder: false,
  problem: null,
});

const keep = (view: SideView, entries: HistoryEntry[]): void => {
  view.versions = entries.slice(0, MAX_VERSIONS);
  view.hasOlder = entries.length > MAX_VERSIONS;
};

/** Makes a read. A failed read is recorded in the view, and the rest is still read. */
const noting = async (view: SideView, look: () => Promise<unknown>): Promise<void> => {
  try {
    await look();
  } catch (error) {
    if (!(error instanceof ReplicationError)) throw error;
    view.problem ??= problemOf(error);
  }
};
