/** Measures the time and the CPU that the steps of a backfill take. Prints them when BACKFILL_VERSIONS is set. */
import type { RunsStage } from '../stages/runs.ts';

export interface Times {
  /** Prints the step and the time since the previous call. */
  note(what: string): void;
  text(on: RunsStage): string;
}

export const createTimes = (): Times => {
  let lastMs = performance.now();
  return {
    note(what) {
      const nowMs = performance.now();
      const rssMb = Math.round(process.memoryUsage.rss() / 1e6);
      tell(`${((nowMs - lastMs) / 1_000).toFixed(1)} s: ${what} (local AWS and test: ${rssMb} MB)`);
      lastMs = nowMs;
    },
    text: ({ aws, names }) =>
      [names.backfillFunction, names.replicateFunction]
        .map((name) => {
          const { invocations, cpuMs, coldStarts } = aws.lambda.usage(name);
          return `${name}: ${invocations} invocations, ${coldStarts} environments, ${(cpuMs / 1_000).toFixed(1)} s of CPU`;
        })
        .join('\n'),
  };
};

/** Prints the line when BACKFILL_VERSIONS is set. */
export const tell = (line: string): void => {
  if (process.env['BACKFILL_VERSIONS'] !== undefined) process.stderr.write(`${line}\n`);
};
