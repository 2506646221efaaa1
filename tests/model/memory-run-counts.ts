import type { RunCounts, RunPiece } from '../../src/lib/delivery/run-counts.ts';

/** Creates the counts of runs in memory. The set `stopped` contains the runs that are paused or cancelled. */
export const createMemoryRunCounts = (): RunCounts & {
  counted: { run: string; piece: RunPiece }[];
  stopped: Set<string>;
} => {
  const waiting: { run: string; piece: RunPiece }[] = [];
  const counted: typeof waiting = [];
  const stopped = new Set<string>();
  return {
    counted,
    stopped,
    isStopped: async (run) => stopped.has(run),
    count: (run, piece) => void waiting.push({ run, piece }),
    flush: async () => void counted.push(...waiting.splice(0)),
  };
};

/** The counts of a deployment that has no runs. */
export const noRuns: RunCounts = {
  isStopped: async () => false,
  count: () => undefined,
  flush: async () => undefined,
};
