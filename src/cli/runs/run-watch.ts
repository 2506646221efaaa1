import { byteText, countText } from '../../lib/text/amounts.ts';
import { ReplicationError } from '../../lib/model/errors.ts';
import { RunRefusedError } from '../../lib/runs/control.ts';
import { withoutEarlierFailures } from '../../lib/runs/failures.ts';
import { progressOf, type RunProgress } from '../../lib/runs/progress.ts';
import type { RunRecord, RunStore } from '../../lib/runs/run-store.ts';
import { type CopyCounters, isActive } from '../../lib/runs/run.ts';
import type { CliIo } from '../terminal/io.ts';
import { createProgress } from '../terminal/progress.ts';
import { progressLine } from './run-progress-text.ts';

/** How often the record of a run is read. A run progresses in pages and batches, so more frequent reads would show nothing new. */
const WATCH_POLL_MS = 3_000;
/** Maximum number of reads that may fail in a row. After that many failures, the command stops watching, but the run itself continues. */
const MAX_FAILED_READS = 20;

/**
 * Shows the progress of a run until the run stops. Resolves to null when the command is interrupted. An interruption does not stop the run.
 */
export const watchRun = async (id: string, store: RunStore, io: CliIo): Promise<RunRecord | null> => {
  const progress = createProgress(io);
  const meter = createMeter();
  try {
    for (let failures = 0; !io.interrupted.aborted;) {
      try {
        const run = await store.progress(id);
        if (run === null) throw new RunRefusedError(`there is no run ${id}`, id);
        if (!isActive(run)) return run;
        progress.update(`${id} ${meter(run, await store.copied(id), io.now())}`);
        failures = 0;
      } catch (error) {
        failures += 1;
        const mayPass = error instanceof ReplicationError && error.disposition === 'retry';
        if (!mayPass || failures > MAX_FAILED_READS) throw error;
      }
      await io.sleep(WATCH_POLL_MS);
    }
    return null;
  } finally {
    progress.end();
  }
};

/** How far back the rate looks. The work of an hour ago says little about the next minutes. */
const WINDOW_MS = 2 * 60_000;

interface Reading {
  work: string;
  keys: number;
  bytes: number;
  atMs: number;
}

/** Returns a function that describes the progress of the run. Its rates cover the last minutes of the observed progress. */
const createMeter = (): ((run: RunRecord, copied: CopyCounters, nowMs: number) => string) => {
  let readings: Reading[] = [];
  return (run, copied, nowMs) => {
    const progress = progressOf(run, copied, [], nowMs);
    if (progress === null) return run.phase;
    const now = { work: run.work, keys: progress.keys.done, bytes: progress.bytes.done, atMs: nowMs };
    readings = [...readings.filter(({ work, atMs }) => work === run.work && atMs >= nowMs - WINDOW_MS), now];
    const [first = now] = readings;
    return progressLine(withRates(progress, first, now), run.phase, besidesOf(run, copied));
  };
};

const withRates = (progress: RunProgress, first: Reading, now: Reading): RunProgress => {
  const seconds = (now.atMs - first.atMs) / 1_000;
  const rate = (name: 'keys' | 'bytes'): number | null =>
    seconds > 0 && now[name] > first[name] ? (now[name] - first[name]) / seconds : null;
  const keys = { ...progress.keys, perSecond: rate('keys') };
  const bytes = { ...progress.bytes, perSecond: rate('bytes') };
  const lefts = [keys, bytes].flatMap(({ done, total, perSecond }) =>
    total === null || perSecond === null ? [] : [(total - done) / perSecond],
  );
  return { ...progress, keys, bytes, secondsLeft: lefts.length === 0 ? null : Math.max(...lefts) };
};

const besidesOf = (run: RunRecord, copied: CopyCounters): string => {
  const { work, compared, checked } = run;
  switch (work) {
    case 'comparing':
      return `${countText(compared?.hints ?? 0)} to do (${byteText(compared?.hintBytes ?? 0)})`;
    case 'copying':
      return `${countText(withoutEarlierFailures(copied, run).failed)} failed`;
    case 'checking':
      return `${countText((checked?.keys ?? 0) - (checked?.same ?? 0))} differ`;
  }
};
