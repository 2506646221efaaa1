import { attributeGetsOf, usedBy } from '../../lib/runs/estimate/estimate.ts';
import { withoutEarlierFailures } from '../../lib/runs/failures.ts';
import type { RunStore } from '../../lib/runs/run-store.ts';
import { mapConcurrently } from '../../lib/model/concurrency.ts';
import { progressOf } from '../../lib/runs/progress.ts';
import { type CopyCounters, isActive, isListing, type Run } from '../../lib/runs/run.ts';
import type { ListedRun, RunState } from './run-text.ts';

/** Loads the state of a run. Resolves to null when the run does not exist. */
export const loadState = async (id: string, store: RunStore, nowMs: number): Promise<RunState | null> => {
  const run = await store.progress(id);
  if (run === null) return null;
  const copied = await store.copied(id);
  const open = isListing(run.phase) ? await store.openRanges(run) : [];
  const shown = withoutEarlierFailures(copied, run);
  return { ...runStateOf(run, shown, nowMs), progress: progressOf(run, copied, open, nowMs) };
};

/** Adds the progress to each run that is active. The progress of all other runs is null. */
export const withProgress = async (
  runs: readonly Run[],
  store: RunStore,
  nowMs: number,
): Promise<ListedRun[]> =>
  await mapConcurrently(runs, RUNS_AT_ONCE, async (run) => {
    const now = isActive(run) ? ((await store.progress(run.id)) ?? run) : run;
    const progress = isActive(now) ? progressOf(now, await store.copied(run.id), [], nowMs) : null;
    return { ...publicRun(now), progress };
  });

/** How many runs are read at once. */
const RUNS_AT_ONCE = 8;

/** Returns the run without the fields that only the backfill function needs. */
export const publicRun = ({
  id,
  spec,
  scope,
  phase,
  work,
  failure,
  createdMs,
  endedMs,
  history,
  openRanges,
  epoch,
  compared,
  checked,
  estimate,
  still,
  digests,
  limits,
}: Run): Run => ({
  id,
  spec,
  scope,
  phase,
  work,
  failure,
  createdMs,
  endedMs,
  history,
  openRanges,
  epoch,
  compared,
  checked,
  estimate,
  still,
  digests,
  ...(limits === undefined ? {} : { limits }),
});

const runStateOf = (run: Run, copied: CopyCounters, nowMs: number): Omit<RunState, 'progress'> => {
  const { compared, checked, createdMs, endedMs, spec, estimate } = run;
  const used = usedBy(
    { compared, copied, checked, beganMs: createdMs, endedMs: endedMs ?? nowMs },
    // Only the estimate shows whether bytes cross regions. Without an estimate, the cost of transfer between regions is left out. The
    // report of a run also leaves this cost out.
    {
      versions: spec.versions,
      isBetweenRegions: (estimate?.dollars['transfer'] ?? 0) > 0,
      // The rules are not loaded here. Therefore requests that read grants are not counted, even if the rule replicates grants.
      attributeGets: attributeGetsOf(spec, { tags: 'replicate', acl: 'ignore' }),
    },
  );
  return { ...publicRun(run), copied, used };
};
