/**
 * Keeps a run below its rate, over all of its workers. All work of a run begins at the workers that list. They make the requests of
 * listings and closer looks themselves, and send the hints that the replicate function works on. So only these workers account for
 * the work: once for each step and once for each group of hints, never for each object.
 *
 * The account of a run is a single time: the time until which its rate is used up. A worker that has done a step moves this time by
 * as long as the step takes at the rate, and continues when the time has come. Each hint is sent with a delay until its own time.
 */
import type { Hint } from '../hint/hint.ts';
import { durationAt, hasRate, type RunLimits, type Work } from '../model/run-limits.ts';
import type { CopyCounters, RunSpec } from './run.ts';
import type { RunStore } from './run-store.ts';

/** Maximum delay of a message of SQS, in seconds. */
export const MAX_DELAY_SECONDS = 900;
/** How long a worker itself waits until it may continue. If it has to wait longer, it ends and sends its message with a delay. */
export const PATIENT_MS = 5_000;
/**
 * How many requests a second one worker makes at most, approximately. With more workers than needed, a run would begin with a
 * burst.
 */
const WORKER_REQUESTS_PER_SECOND = 10;
/** How many workers list for a run whose bytes are limited. Each may be ahead of the rate by one page of hints. */
const MOST_WITH_BYTES = 20;
/** How many requests a closer look makes, approximately. */
export const LOOK_REQUESTS = 3;

/** How many workers may list at once for a run with these limits. */
export const listersOf = (limits: RunLimits | undefined, listingConcurrency: number): number => {
  if (!hasRate(limits)) return listingConcurrency;
  const { requestsPerSecond, bytesPerSecond } = limits;
  return Math.min(
    listingConcurrency,
    requestsPerSecond === null ? Infinity : Math.ceil(requestsPerSecond / WORKER_REQUESTS_PER_SECOND),
    bytesPerSecond === null ? Infinity : MOST_WITH_BYTES,
  );
};

/**
 * Returns how many requests the replicate function makes for a hint of the run, judged by the hints so far: two for each version,
 * and one look at each side. With all versions, the history is listed too.
 */
export const requestsPerHint = (
  { versions }: Pick<RunSpec, 'versions'>,
  { copies, done }: Pick<CopyCounters, 'copies' | 'done'>,
): number => (versions === 'all' ? 3 : 2) + 2 * (done === 0 ? 1 : copies / done);

export interface PacedHint {
  hint: Hint;
  delaySeconds: number;
}

/**
 * Accounts for hints, and gives each hint the delay after which it may be worked on. `sizes` are the bytes that each hint causes to
 * be copied.
 */
export const paceHints = async (
  { id, limits, perHint }: { id: string; limits: RunLimits; perHint: number },
  { hints, sizes }: { hints: readonly Hint[]; sizes: readonly number[] },
  { store, nowMs }: { store: Pick<RunStore, 'charge'>; nowMs: number },
): Promise<PacedHint[]> => {
  const took = hints.map((_, index) => durationAt(limits, { requests: perHint, bytes: sizes[index] ?? 0 }));
  const sum = took.reduce((all, ms) => all + ms, 0);
  let atMs = await store.charge(id, sum, nowMs);
  return hints.map((hint, index) => {
    const seconds = Math.max(0, Math.floor((atMs - nowMs) / 1_000));
    const notBeforeMs = Math.floor(atMs);
    atMs += took[index] ?? 0;
    return seconds <= MAX_DELAY_SECONDS
      ? { hint, delaySeconds: seconds }
      : { hint: { ...hint, notBeforeMs }, delaySeconds: MAX_DELAY_SECONDS };
  });
};

/** Accounts for the requests that a worker makes itself. Resolves to how long the worker has to wait, in milliseconds. */
export const accountFor = async (
  { id, limits }: { id: string; limits: RunLimits },
  work: Work,
  { store, nowMs }: { store: Pick<RunStore, 'charge'>; nowMs: number },
): Promise<number> => Math.max(0, (await store.charge(id, durationAt(limits, work), nowMs)) - nowMs);
