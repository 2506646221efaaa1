import { byteText, countText } from '../../lib/text/amounts.ts';
import { duration } from '../../lib/text/duration.ts';
import { ReplicationError } from '../../lib/model/errors.ts';
import { RunRefusedError } from '../../lib/runs/control.ts';
import type { RunRecord, RunStore } from '../../lib/runs/run-store.ts';
import { type CopyCounters, isActive } from '../../lib/runs/run.ts';
import type { CliIo } from '../terminal/io.ts';
import { createProgress } from '../terminal/progress.ts';

/** How often the record of a run is read. A run progresses in pages and batches, so more frequent reads would show nothing new. */
const WATCH_POLL_MS = 3_000;
/** Maximum reads that may fail in a row. After that many failures, the command stops watching, but the run itself continues. */
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

interface Amount {
  what: string;
  done: number;
  /** Null if the total is unknown. */
  total: number | null;
  besides: string;
}

/**
 * Returns a function that describes the progress of the run's current phase. The rate is the average since that function first saw the
 * phase.
 */
const createMeter = (): ((run: RunRecord, copied: CopyCounters, nowMs: number) => string) => {
  let first: { work: string; done: number; atMs: number } | null = null;
  return (run, copied, nowMs) => {
    const { what, done, total, besides } = amountOf(run, copied);
    if (first?.work !== run.work) first = { work: run.work, done, atMs: nowMs };
    const seconds = (nowMs - first.atMs) / 1_000;
    const perSecond = seconds > 0 ? Math.max(0, done - first.done) / seconds : 0;
    const left = total === null ? 0 : Math.max(0, total - done);
    return [
      `${bar(done, total)}${run.phase}: ${countText(done)}${total === null ? '' : ` of ${countText(Math.max(done, total))}`} ${what}`,
      ...(perSecond > 0 ? [`${perSecond < 10 ? perSecond.toFixed(1) : countText(perSecond)}/s`] : []),
      ...(perSecond > 0 && left > 0 ? [`${duration(left / perSecond)} left`] : []),
      besides,
    ].join(', ');
  };
};

const amountOf = (run: RunRecord, copied: CopyCounters): Amount => {
  const { work, compared, checked, estimate } = run;
  const expected = estimate === null ? null : estimate.keys;
  switch (work) {
    case 'comparing': {
      const besides = `${countText(compared?.hints ?? 0)} to do`;
      return { what: 'keys', done: compared?.keys ?? 0, total: expected, besides };
    }
    case 'copying':
      return {
        what: 'keys',
        done: copied.done + copied.failed + copied.dropped,
        total: copied.sent,
        besides: `${byteText(copied.bytes)} copied, ${countText(copied.failed)} failed`,
      };
    case 'checking': {
      const done = checked?.keys ?? 0;
      const differing = done - (checked?.same ?? 0);
      return {
        what: 'keys',
        done,
        total: compared?.keys ?? expected,
        besides: `${countText(differing)} differ`,
      };
    }
  }
};

const BAR = 20;

const bar = (done: number, total: number | null): string => {
  if (total === null || total === 0) return '';
  const share = Math.min(1, done / total);
  const filled = Math.floor(share * BAR);
  return `[${'#'.repeat(filled)}${'-'.repeat(BAR - filled)}] ${Math.floor(share * 100)} % `;
};
