/**
 * Prints how long objects take from event to proof during bursts and with slow or refused calls. Also prints how long a million messages
 * take to drain.
 */
import { type Figure, type Section, value } from './figure.ts';
import { lagsOfDeployment } from './lag-deployment.ts';
import { arrivalsOf, percentile, simulateLags } from './lag-simulation.ts';
import { randomOf } from './listing-keys.ts';
import { functionCost } from './prices.ts';
import { BATCH_SIZE, SERVICE_DELAY_MS } from './small-objects.ts';

/** An object of 1 KiB with `versions: latest` needs three calls to S3 and two to DynamoDB. The part `small` measures its CPU time. */
const CALLS = 5;
const CPU_MS = 2.3;
const MINUTE_MS = 60_000;
/** The defaults of replication.yml. */
const ENVIRONMENTS = 50;
const PER_SECOND = 100;
const LARGE_BATCH = 100;
const WINDOW_MS = 1_000;
/** S3 Replication Time Control: "99.99 percent of those objects within 15 minutes" (S3 User Guide, "Using S3 Replication Time Control"). */
const PROMISE_MS = 15 * MINUTE_MS;
const MILLION = 1_000_000;

const USUAL = {
  environments: ENVIRONMENTS,
  batchSize: BATCH_SIZE,
  windowMs: 0,
  cpuMs: CPU_MS,
  calls: CALLS,
  callMs: SERVICE_DELAY_MS,
  stallMs: 3_000,
  refused: 0,
};

const RUN = {
  perSecond: PER_SECOND,
  cpuMs: USUAL.cpuMs,
  callMs: USUAL.callMs,
  stallMs: USUAL.stallMs,
  refused: USUAL.refused,
};

const WEATHERS: { name: string; change: Partial<typeof RUN> }[] = [
  { name: 'calls of 20 ms', change: {} },
  { name: 'calls of 100 ms, 3 % answered with SlowDown', change: { callMs: 100, refused: 0.03 } },
];

export async function* measureLag(_stand: unknown, isShort: boolean): AsyncGenerator<Section> {
  const burstSeconds = isShort ? 2 : 60;
  for (const times of [1, 10, 100]) {
    const figures: Figure[] = [];
    for (const { name, change } of WEATHERS) {
      const run = { ...RUN, ...change, times, burstSeconds, steadySeconds: isShort ? 20 : 240 };
      figures.push(...lagFigures(name, await lagsOfDeployment(run)));
    }
    yield {
      title: `From event to proof, the function's own code in model time: ${PER_SECOND} events/s, ${times === 1 ? 'steady' : `${times} times as many for ${burstSeconds} s`}, ${ENVIRONMENTS} environments, batches of ${BATCH_SIZE}`,
      figures,
    };
  }
  yield {
    title: `A window of ${WINDOW_MS / 1_000} s and batches of ${LARGE_BATCH}, simulated: what it costs in time and saves of Lambda`,
    figures: windowFigures(isShort),
  };
  yield { title: 'A million messages in the queue, simulated', figures: drainFigures() };
}

const lagFigures = (name: string, sortedMs: Float64Array): Figure[] => {
  const within = sortedMs.filter((ms) => ms <= PROMISE_MS).length / sortedMs.length;
  return [
    ...([0.5, 0.99, 0.9999] as const).map((share) =>
      value(`${name}: p${share * 100}`, 's', percentile(sortedMs, share) / 1_000),
    ),
    value(
      `${name}: within 15 minutes, of ${sortedMs.length.toLocaleString('en-US')}`,
      '%',
      within * 100,
      `99.99 (S3 with RTC)`,
    ),
  ];
};

/**
 * Compares batches with and without a window at three rates. The rates partly fill batches of the default size, fill them, and exceed
 * what such batches can handle.
 */
const windowFigures = (isShort: boolean): Figure[] =>
  [10, 100, 1_000].flatMap((perSecond) =>
    [
      { name: `${perSecond} events/s, no window`, change: {} },
      { name: `${perSecond} events/s, window`, change: { batchSize: LARGE_BATCH, windowMs: WINDOW_MS } },
    ].flatMap(({ name, change }) => {
      const events = arrivalsOf(perSecond, (isShort ? 4 : 20) * MINUTE_MS, randomOf(1));
      const { sortedMs, busyMs, invocations } = simulateLags({ ...USUAL, ...change, arrivalsMs: events });
      const price = functionCost({ seconds: busyMs / 1_000, invocations });
      return [
        value(`${name}: p50`, 's', percentile(sortedMs, 0.5) / 1_000),
        value(`${name}: p99`, 's', percentile(sortedMs, 0.99) / 1_000),
        value(`${name}: Lambda, per million objects`, 'US$', (price / events.length) * MILLION),
      ];
    }),
  );

/** How many writes a second S3 takes for each prefix of keys ("Best practices design patterns", S3 User Guide). */
const WRITES_PER_SECOND = 3_500;

const drainFigures = (): Figure[] => [
  value('S3 itself, all keys with one prefix', 's', MILLION / WRITES_PER_SECOND),
  ...[
    { name: `batches of ${BATCH_SIZE}`, change: {} },
    {
      name: `batches of ${LARGE_BATCH}, with a window`,
      change: { batchSize: LARGE_BATCH, windowMs: WINDOW_MS },
    },
  ].flatMap(({ name, change }) => {
    const setting = { ...USUAL, ...change, arrivalsMs: new Float64Array(MILLION) };
    const { endMs, busyMs, invocations } = simulateLags(setting);
    return [
      value(`${name}: time to the last proof`, 's', endMs / 1_000),
      value(`${name}: objects/s of one environment`, 'objects/s', MILLION / (busyMs / 1_000)),
      value(`${name}: Lambda`, 'US$', functionCost({ seconds: busyMs / 1_000, invocations })),
    ];
  }),
];
