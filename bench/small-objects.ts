/** Measures the cost of each small object, and how many small objects one execution environment replicates per second. */
import { cost, type Figure, rate, type Section, value } from './figure.ts';
import type { Code } from './artifact.ts';
import { type FunctionProcess, startFunction } from './function-process.ts';
import type { CounterpartObject } from './counterpart-object.ts';
import type { Job, Stand } from './stand.ts';

const KIB = 1024;
const SIZES = [
  { size: '1 KiB', sizeBytes: KIB, share: 1, inShort: true },
  { size: '16 KiB', sizeBytes: 16 * KIB, share: 1, inShort: false },
  // A 1 MiB object takes longer than a smaller one, so fewer batches are enough for a measurement.
  { size: '1 MiB', sizeBytes: 1024 * KIB, share: 0.25, inShort: true },
];
/** The batch size, which is the default in replication.yml. */
export const BATCH_SIZE = 10;
/** How long a call to S3 or DynamoDB typically takes within a region, milliseconds. */
export const SERVICE_DELAY_MS = 20;

export interface Effort {
  warmUpBatches: number;
  batches: number;
  rounds: number;
}

/**
 * Measures one execution environment that works on one batch after another. In the first measurement all calls return immediately. In the
 * second measurement each call takes as long as a call to a real service.
 */
export const measureSmallObjects = async function* (stand: Stand, isShort: boolean): AsyncGenerator<Section> {
  for (const { size, sizeBytes, share } of isShort ? SIZES.filter(({ inShort }) => inShort) : SIZES) {
    const effort: Effort = isShort
      ? { warmUpBatches: Math.ceil(50 * share), batches: Math.ceil(30 * share), rounds: 1 }
      : { warmUpBatches: Math.ceil(150 * share), batches: Math.ceil(100 * share), rounds: 5 };
    const object = { sizeBytes, partBytes: 0 };
    const floor = await runSeries(stand, {
      code: stand.artifact.floor,
      event: (jobs) => stand.floorEvent(jobs, 'https'),
      object,
      effort,
    });
    const replicated = await runSeries(stand, replicating(stand, object, effort));
    yield {
      title: `Objects of ${size}, new keys, batches of ${BATCH_SIZE}, one environment, https`,
      figures: [
        ...figuresOf('floor: http.get piped into http.request', floor),
        ...figuresOf('replicate function', replicated),
      ],
    };
    if (isShort && sizeBytes > KIB) continue;
    yield {
      title: `The same, each call to S3 and DynamoDB taking ${SERVICE_DELAY_MS} ms longer`,
      figures: await withDelay(stand, object, effort),
    };
  }
};

const replicating = (stand: Stand, object: CounterpartObject, effort: Effort): Workload => ({
  code: stand.artifact.replicate,
  event: (jobs) => stand.replicateEvent(jobs),
  object,
  effort,
});

export interface Workload {
  code: Code;
  event: (jobs: Job[]) => unknown;
  object: CounterpartObject;
  effort: Effort;
  /** How many bytes of each object the function itself writes; default: all bytes. */
  movedBytes?: number;
  /** Default: {@link BATCH_SIZE}. */
  batchSize?: number;
}

export interface Series extends Record<keyof Batches, number[]> {
  peakRssBytes: number;
}

/** Runs the workload in a new process. Throws if the function did not write exactly `movedBytes` bytes for each object. */
export const runSeries = async (stand: Stand, workload: Workload): Promise<Series> => {
  const { code, object, effort, movedBytes = object.sizeBytes, batchSize = BATCH_SIZE } = workload;
  const process = await startFunction(code, stand.variables('https'));
  const run = async (count: number): Promise<Batches> => {
    const measured = await runBatches(stand, process, workload, count);
    await stand.counterpart.expectBytes(count * batchSize * movedBytes);
    return measured;
  };
  try {
    await run(effort.warmUpBatches);
    const measured: Batches[] = [];
    for (let round = 0; round < effort.rounds; round++) measured.push(await run(effort.batches));
    return {
      objectsPerSecond: measured.map((each) => each.objectsPerSecond),
      unhinderedPerSecond: measured.map((each) => each.unhinderedPerSecond),
      cpuMsPerObject: measured.map((each) => each.cpuMsPerObject),
      peakRssBytes: await process.peakRssBytes(),
    };
  } finally {
    await process.stop();
  }
};

interface Batches {
  objectsPerSecond: number;
  /** The same without the time in which the function was ready to work and other programs had the cores. */
  unhinderedPerSecond: number;
  cpuMsPerObject: number;
}

const runBatches = async (
  stand: Stand,
  process: FunctionProcess,
  { event, object, batchSize = BATCH_SIZE }: Workload,
  batches: number,
): Promise<Batches> => {
  let seconds = 0;
  let cpuSeconds = 0;
  let waitedSeconds = 0;
  for (let batch = 0; batch < batches; batch++) {
    const jobs = Array.from({ length: batchSize }, () => stand.job(object));
    const measured = await process.invoke(event(jobs));
    seconds += measured.seconds;
    cpuSeconds += measured.cpuSeconds;
    waitedSeconds += measured.waitedSeconds;
  }
  const objects = batches * batchSize;
  return {
    objectsPerSecond: objects / seconds,
    unhinderedPerSecond: objects / (seconds - waitedSeconds),
    cpuMsPerObject: (cpuSeconds * 1_000) / objects,
  };
};

const figuresOf = (name: string, { objectsPerSecond, cpuMsPerObject, peakRssBytes }: Series): Figure[] => [
  rate(`${name}: rate`, 'objects/s', objectsPerSecond),
  cost(`${name}: CPU`, 'CPU-ms/object', cpuMsPerObject),
  value(`${name}: peak RSS`, 'MB', peakRssBytes / 1e6),
];

const withDelay = async (stand: Stand, object: CounterpartObject, { rounds }: Effort): Promise<Figure[]> => {
  await stand.counterpart.setDelay(SERVICE_DELAY_MS);
  try {
    const effort = { warmUpBatches: rounds === 1 ? 5 : 30, batches: rounds === 1 ? 10 : 20, rounds };
    const { objectsPerSecond } = await runSeries(stand, replicating(stand, object, effort));
    return [rate('replicate function: rate', 'objects/s', objectsPerSecond)];
  } finally {
    await stand.counterpart.setDelay(0);
  }
};
