/**
 * Simulates a deployment in model time: messages, batches, environments and calls. The simulation shows how long objects take at a given
 * rate of events, latency and share of refused calls. The CPU time of one object is not simulated but measured (`small-objects.ts`).
 */
import { randomOf } from './listing-keys.ts';
import { ascending, createHeap } from './lag-heap.ts';
import { retryDelaySeconds } from '../src/lib/delivery/backoff.ts';

export interface LagSetting {
  /** The times at which events arrive in the queue, in milliseconds, ascending. */
  arrivalsMs: ArrayLike<number>;
  environments: number;
  batchSize: number;
  windowMs: number;
  /** How much CPU time an object takes on the one core of its environment. */
  cpuMs: number;
  /** How many calls an object takes, one after the other. */
  calls: number;
  /** The median latency of a call. One call in ten takes twice as long, and one in a thousand ten times as long. */
  callMs: number;
  /** How much longer one call in ten thousand takes, because of an SDK time-out and a new connection. */
  stallMs: number;
  /** The share of calls that S3 refuses with SlowDown. */
  refused: number;
}

export interface Lags {
  /** The time from event to proof of each object, in milliseconds, ascending. */
  sortedMs: Float64Array;
  /** When the last object was proven. */
  endMs: number;
  invocations: number;
  /** The sum of the times during which the environments were at work, in milliseconds. */
  busyMs: number;
}

/** How many times the SDK sends a call. */
export const SDK_ATTEMPTS = 3;
/** The base of the SDK's backoff. */
export const SDK_BACKOFF_MS = 100;
/**
 * How many batches Lambda runs at once at first, and how many more each second ("Configuring scaling behavior for SQS event source
 * mappings").
 */
const FIRST_ENVIRONMENTS = 5;
const MORE_PER_SECOND = 5;
/** How long a new environment takes to begin, and how long a message takes from the queue to the function. */
const COLD_START_MS = 500;
const POLL_MS = 15;

interface Waiting {
  dueMs: number;
  sinceMs: number;
  failures: number;
}

export const simulateLags = (setting: LagSetting, seed = 1): Lags => {
  const random = randomOf(seed);
  const { arrivalsMs, environments, batchSize, windowMs } = setting;
  const again = createHeap<Waiting>((one, other) => one.dueMs - other.dueMs);
  const free = createHeap<number>(ascending);
  const firstMs = arrivalsMs[0] ?? 0;
  for (let each = 0; each < environments; each++) {
    const rampMs = (Math.max(0, each - FIRST_ENVIRONMENTS + 1) * 1_000) / MORE_PER_SECOND;
    free.push(firstMs + rampMs + COLD_START_MS);
  }
  const lags: number[] = [];
  const result = { endMs: 0, invocations: 0, busyMs: 0 };
  let next = 0;
  /** Takes the message that was due first, if it is due by the given time. */
  const take = (byMs: number): Waiting | null => {
    const retried = again.peek();
    const arrivalMs = arrivalsMs[next];
    if (arrivalMs !== undefined && (retried === undefined || arrivalMs <= retried.dueMs)) {
      if (arrivalMs > byMs) return null;
      next += 1;
      return { dueMs: arrivalMs, sinceMs: arrivalMs, failures: 0 };
    }
    return retried !== undefined && retried.dueMs <= byMs ? (again.pop() ?? null) : null;
  };
  for (let first = take(Infinity); first !== null; first = take(Infinity)) {
    const idleMs = Math.max(free.pop() ?? 0, first.dueMs);
    const batch = [first];
    let startMs = idleMs;
    while (batch.length < batchSize) {
      const more = take(idleMs + windowMs);
      if (more === null) {
        // A batch that is not full waits for the whole window.
        startMs = idleMs + windowMs;
        break;
      }
      startMs = Math.max(startMs, more.dueMs);
      batch.push(more);
    }
    const ends = work(setting, batch, startMs + POLL_MS, random);
    for (const [index, { endMs, isRefused }] of ends.entries()) {
      const { sinceMs, failures } = batch[index]!;
      const delayMs = retryDelaySeconds(failures + 1, random()) * 1_000;
      if (isRefused) again.push({ dueMs: endMs + delayMs, sinceMs, failures: failures + 1 });
      else lags.push(endMs - sinceMs);
    }
    const endMs = Math.max(...ends.map((end) => end.endMs));
    free.push(endMs);
    result.endMs = Math.max(result.endMs, endMs);
    result.invocations += 1;
    result.busyMs += endMs - startMs;
  }
  return { ...result, sortedMs: Float64Array.from(lags).sort() };
};

/** All objects of a batch wait for their calls at the same time, but share one core. */
const work = (
  { calls, callMs, stallMs, refused, cpuMs }: LagSetting,
  batch: Waiting[],
  startMs: number,
  random: () => number,
): { endMs: number; isRefused: boolean }[] =>
  batch.map((_message, index) => {
    let waitedMs = 0;
    let isRefused = false;
    for (let call = 0; call < calls && !isRefused; call++) {
      let attempt = 1;
      waitedMs += latencyMs(callMs, stallMs, random);
      while (random() < refused) {
        isRefused = attempt === SDK_ATTEMPTS;
        if (isRefused) break;
        waitedMs += random() * SDK_BACKOFF_MS * 2 ** attempt + latencyMs(callMs, stallMs, random);
        attempt += 1;
      }
    }
    return { endMs: startMs + waitedMs + (index + 1) * cpuMs, isRefused };
  });

export const latencyMs = (callMs: number, stallMs: number, random: () => number): number => {
  const draw = random();
  if (draw < 0.0001) return callMs + stallMs;
  if (draw < 0.001) return 10 * callMs;
  if (draw < 0.1) return 2 * callMs;
  return callMs * (0.5 + random());
};

/** Returns random times of events, on average `perSecond` in each second. */
export const arrivalsOf = (perSecond: number, endMs: number, random: () => number): Float64Array => {
  const arrivals: number[] = [];
  for (let ms = 0; ms < endMs;) {
    ms += (-Math.log(1 - random()) * 1_000) / perSecond;
    if (ms < endMs) arrivals.push(ms);
  }
  return Float64Array.from(arrivals);
};

/** Returns the value below which a share of the sorted values lies. */
export const percentile = (sorted: Float64Array, share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN;
