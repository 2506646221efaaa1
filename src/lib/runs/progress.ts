/** The progress of a run, its recent rate, and the event for which it waits. */
import { opensMs } from '../model/run-limits.ts';
import type { OpenRange } from './run-store.ts';
import { type CopyCounters, isActive, isListing, type Run } from './run.ts';
import { LOST_AMONG_OTHERS_MS, LOST_MS, resendMs } from './waiting-times.ts';

/** The progress of the work under way. `backfill status --json` prints this shape, so the names must not change. */
export interface RunProgress {
  keys: Amount;
  bytes: Amount;
  /**
   * The remaining time at the recent rate of keys or of bytes, whichever takes longer; null: unknown. This is an upper estimate,
   * because some keys turn out to need no copy.
   */
  secondsLeft: number | null;
  /** When the run was last seen to advance, ISO 8601; null: not yet. */
  lastActivity: string | null;
  /** The number of ranges or keys that must be finished before the run continues. */
  waitsFor: { what: 'ranges' | 'keys'; count: number };
  /** When the run acts by itself if nothing moves until then, ISO 8601; null: work is moving. */
  nextCheck: string | null;
  /** When the hours of the run begin, ISO 8601; null: it may work now. */
  opens: string | null;
}

interface Amount {
  done: number;
  /** The expected total; null: unknown. The bytes to copy are approximate, as listings show them. */
  total: number | null;
  /** The rate of the last ten minutes at most; null: nothing moved. */
  perSecond: number | null;
}

type Reading = Pick<
  Run,
  'phase' | 'work' | 'openRanges' | 'compared' | 'checked' | 'estimate' | 'history' | 'still' | 'limits'
>;

/** Returns the progress of a run, or null if the run is not at work. */
export const progressOf = (
  run: Reading,
  copied: CopyCounters,
  open: readonly OpenRange[],
  nowMs: number,
): RunProgress | null => {
  if (!isActive(run)) return null;
  const counts = run.work === 'copying' ? copying(run, copied, nowMs) : listing(run, nowMs);
  const lefts = [counts.keys, counts.bytes].flatMap(secondsLeftOf);
  const lastMs = isListing(run.phase) ? lastStep(open) : lastEnd(run, copied);
  return {
    ...counts,
    secondsLeft: lefts.length === 0 ? null : Math.max(...lefts),
    lastActivity: isoOrNull(lastMs),
    waitsFor: isListing(run.phase)
      ? { what: 'ranges', count: run.openRanges }
      : { what: 'keys', count: Math.max(0, copied.sent - endedOf(copied)) },
    nextCheck: isoOrNull(isListing(run.phase) ? nextResend(open) : nextComparison(run, nowMs)),
    opens: isoOrNull(opensMs(run.limits, nowMs)),
  };
};

/** How long ago work counts as recent. The functions count by the minute. */
const RECENT_MS = 10 * 60_000;

const copying = (run: Reading, copied: CopyCounters, nowMs: number): Record<'keys' | 'bytes', Amount> => {
  const fromMs = Math.max(beganMs(run), nowMs - RECENT_MS);
  const recent = copied.minutes.filter(({ minuteMs }) => minuteMs >= fromMs - 60_000);
  const perSecond = (amount: number): number | null => rateOf(amount, nowMs - fromMs);
  const ended = endedOf(copied);
  return {
    keys: {
      done: ended,
      total: Math.max(ended, copied.sent),
      perSecond: perSecond(recent.reduce((sum, { done }) => sum + done, 0)),
    },
    bytes: {
      done: copied.bytes,
      total: run.compared === null ? null : Math.max(copied.bytes, run.compared.hintBytes),
      perSecond: perSecond(recent.reduce((sum, { bytes }) => sum + bytes, 0)),
    },
  };
};

/** Returns the rate of a listing. A listing has no counts by the minute, so its rate is the average since it began. */
const listing = (run: Reading, nowMs: number): Record<'keys' | 'bytes', Amount> => {
  const { compared, checked, estimate, work } = run;
  const now = work === 'checking' ? checked : compared;
  const expected = work === 'checking' ? (compared ?? estimate) : estimate;
  const amount = (name: 'keys' | 'bytes'): Amount => {
    const done = now?.[name] ?? 0;
    const total = expected === null ? null : Math.max(done, Math.round(expected[name]));
    return { done, total, perSecond: rateOf(done, nowMs - beganMs(run)) };
  };
  return { keys: amount('keys'), bytes: amount('bytes') };
};

const beganMs = ({ history }: Reading): number => history.at(-1)?.beganMs ?? 0;

const rateOf = (amount: number, ms: number): number | null =>
  amount > 0 && ms > 0 ? amount / (ms / 1_000) : null;

const secondsLeftOf = ({ done, total, perSecond }: Amount): number[] =>
  total === null || perSecond === null ? [] : [(total - done) / perSecond];

const endedOf = ({ done, failed, dropped }: CopyCounters): number => done + failed + dropped;

const lastStep = (open: readonly OpenRange[]): number | null =>
  open.length === 0 ? null : Math.max(...open.map(({ movedMs }) => movedMs));

/** Returns the last minute in which a hint ended, or the time since which the schedule has seen no hint end. */
const lastEnd = ({ still }: Reading, { minutes }: CopyCounters): number | null =>
  still?.sinceMs ?? minutes.at(-1)?.minuteMs ?? null;

const nextResend = (open: readonly OpenRange[]): number | null =>
  open.length === 0 ? null : Math.min(...open.map(resendMs));

const nextComparison = ({ still }: Reading, nowMs: number): number | null => {
  if (still === null) return null;
  const soonMs = still.sinceMs + LOST_MS;
  return soonMs > nowMs ? soonMs : still.sinceMs + LOST_AMONG_OTHERS_MS;
};

const isoOrNull = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString());
