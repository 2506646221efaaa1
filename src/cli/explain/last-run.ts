/** Finds the newest run that covers the explained key, or the permission that the operator lacks to read the runs. */
import type { Explanation, PlaceView } from '../../lib/inspect/explain.ts';
import { agrees } from '../../lib/runs/report/comparison-text.ts';
import type { Run } from '../../lib/runs/run.ts';
import type { Readable } from '../../lib/state/deployment-state.ts';
import { timeText } from './facts.ts';

export type LastRun = { text: string } | { problem: string };

/** Returns one entry for each place. An entry is null if no run has included the key. */
export const lastRuns = (
  { key, places }: Pick<Explanation, 'key' | 'places'>,
  runs: Readable<readonly Run[]>,
): (LastRun | null)[] =>
  places.map((place) => {
    if ('notReadable' in runs) return { problem: `you may not ${runs.notReadable}` };
    const run = runs.find((each) => covers(each, place, key));
    return run === undefined ? null : { text: runText(run) };
  });

/**
 * Returns whether a run includes the key. Dry runs are left out: the verify of `backfill start --dry-run` compares everything, but it
 * only counts.
 */
const covers = ({ spec }: Run, { rule, destination }: PlaceView, key: string): boolean =>
  spec.rule === rule && spec.destination === destination && key.startsWith(spec.prefix) && !spec.isDryRun;

const runText = ({ id, spec, phase, createdMs, endedMs, checked, failure }: Run): string => {
  const began = `${spec.kind} ${id} since ${timeOf(createdMs)}`;
  if (failure !== null) return `${began}: failed (${failure.reason})`;
  if (endedMs === null) return `${began}: ${phase}`;
  const ended = `${spec.kind} ${id} ended ${timeOf(endedMs)}`;
  if (phase !== 'finished' || checked === null) return `${ended}: ${phase}`;
  return `${ended}: both sides ${agrees(spec, checked) ? 'agreed' : 'differed'}`;
};

const timeOf = (ms: number): string => timeText(new Date(ms).toISOString());
