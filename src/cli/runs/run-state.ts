import { attributeGetsOf, usedBy } from '../../lib/runs/estimate/estimate.ts';
import type { RunStore } from '../../lib/runs/run-store.ts';
import type { CopyCounters, Run } from '../../lib/runs/run.ts';
import type { RunState } from './run-text.ts';

/** Loads the state of a run. Resolves to null when the run does not exist. */
export const loadState = async (id: string, store: RunStore, nowMs: number): Promise<RunState | null> => {
  const run = await store.progress(id);
  return run === null ? null : runStateOf(run, await store.copied(id), nowMs);
};

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
});

const runStateOf = (run: Run, copied: CopyCounters, nowMs: number): RunState => {
  const { compared, checked, createdMs, endedMs, spec, estimate } = run;
  const used = usedBy(
    { compared, copied, checked, beganMs: createdMs, endedMs: endedMs ?? nowMs },
    // Only the estimate shows whether bytes cross regions. Without an estimate, the cost of transfer between regions is left out. The
    // report of a run also leaves this cost out.
    {
      versions: spec.versions,
      isBetweenRegions: (estimate?.dollars['transfer'] ?? 0) > 0,
      // The rules are not loaded here, so the reads of grants, if the rule replicates them, are not counted.
      attributeGets: attributeGetsOf(spec, { tags: 'replicate', acl: 'ignore' }),
    },
  );
  return { ...publicRun(run), copied, used };
};
