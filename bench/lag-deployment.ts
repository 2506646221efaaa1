/**
 * Runs the function's own handling of batches in model time, with its receipts, circuits and waiting queues. Measures how long each
 * object takes from its event to its proof. Buckets and tables are in memory. Every call takes some time, and the objects of an
 * environment share its one core.
 */
import { isolationWorld } from '../tests/model/isolation-world.ts';
import type { Weather } from '../tests/model/isolation-buckets.ts';
import { latencyMs, SDK_ATTEMPTS, SDK_BACKOFF_MS } from './lag-simulation.ts';
import { randomOf } from './listing-keys.ts';

export interface LagRun {
  perSecond: number;
  /** The factor by which the rate of events rises in the burst. The next field is the length of the burst. */
  times: number;
  burstSeconds: number;
  /** How many seconds the usual rate lasts. Half of them are before the burst. */
  steadySeconds: number;
  cpuMs: number;
  callMs: number;
  stallMs: number;
  /** The share of calls that S3 refuses with SlowDown. */
  refused: number;
}

const RULE = 'measured';
const STEP_MS = 1_000;
/**
 * How many batches Lambda runs at once at first, and how many more each second ("Configuring scaling behavior for SQS event source
 * mappings").
 */
const FIRST_ENVIRONMENTS = 5;
const MORE_PER_SECOND = 5;
/** How long a new environment takes to begin. */
const COLD_START_MS = 500;

/** Resolves to the lags in milliseconds, ascending. Throws if an object was not replicated. */
export const lagsOfDeployment = async (run: LagRun): Promise<Float64Array> => {
  const lags: number[] = [];
  const world = isolationWorld([RULE], {
    weather: weatherOf(run),
    cpuMs: run.cpuMs,
    readyMs: (slot) => COLD_START_MS + (Math.max(0, slot - FIRST_ENVIRONMENTS + 1) * 1_000) / MORE_PER_SECOND,
    keeps({ ending, key, firstSeen }) {
      if (ending !== 'done' || key === null) return false;
      lags.push(world.time.now() - Date.parse(firstSeen ?? ''));
      // The objects are removed, because hundreds of thousands of them would need gigabytes of memory.
      for (const bucket of [world.source, world.replicas.get(RULE)]) bucket?.history.delete(key);
      return false;
    },
  });
  const write = async (perSecond: number, seconds: number): Promise<void> => {
    for (let second = 0; second < seconds; second += 1) {
      await world.write(perSecond, world.time.now() + STEP_MS);
      world.receipts.clear();
    }
  };
  await write(run.perSecond, run.steadySeconds / 2);
  await write(run.perSecond * run.times, run.burstSeconds);
  await write(run.perSecond, run.steadySeconds / 2);
  while (lags.length < world.written() && world.dead.length === 0)
    await world.time.runUntil(world.time.now() + STEP_MS);
  const written = world.written();
  if (lags.length !== written) throw new Error(`${lags.length} of ${written} objects were replicated`);
  return Float64Array.from(lags).sort();
};

/** Only a few refusals reach the function, because the SDK sends a refused call again. */
const weatherOf = ({ callMs, stallMs, refused }: LagRun): Weather => {
  const random = randomOf(1);
  return {
    callMs() {
      let ms = latencyMs(callMs, stallMs, random);
      for (let attempt = 1; attempt < SDK_ATTEMPTS && random() < refused; attempt += 1)
        ms += random() * SDK_BACKOFF_MS * 2 ** attempt + latencyMs(callMs, stallMs, random);
      return ms;
    },
    isRefused: () => random() < refused ** SDK_ATTEMPTS,
  };
};
