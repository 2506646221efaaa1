/** Small objects: what each one costs, and how many a second one execution environment moves. */
import { cost, type Figure, rate, type Section, value } from './figure.ts';
import type { Code } from './artifact.ts';
import { type FunctionProcess, startFunction } from './function-process.ts';
import type { Job, Stand } from './stand.ts';

const OBJECT = { sizeBytes: 16 * 1024, partBytes: 0 };
/** replication.yml's default. */
const BATCH_SIZE = 10;
/** What a call to S3 or DynamoDB may take from within a region. */
const SERVICE_DELAY_MS = 20;

interface Effort {
  warmUpBatches: number;
  batches: number;
  rounds: number;
}

/** One environment given batch after batch, everything it calls answering at once; then with a service's delay. */
export const measureSmallObjects = async function* (stand: Stand, isShort: boolean): AsyncGenerator<Section> {
  const effort: Effort = isShort
    ? { warmUpBatches: 60, batches: 40, rounds: 2 }
    : { warmUpBatches: 150, batches: 100, rounds: 5 };
  const { artifact } = stand;
  const floor = await series(stand, artifact.floor, (jobs) => stand.floorEvent(jobs, 'https'), effort);
  const replicated = await series(stand, artifact.replicate, stand.replicateEvent, effort);
  yield {
    title: `Objects of 16 KiB, new keys, batches of ${BATCH_SIZE}, one environment, https`,
    figures: [
      ...figuresOf('floor: http.get piped into http.request', floor),
      ...figuresOf('replicate function', replicated),
    ],
  };
  yield {
    title: `The same, each call to S3 and DynamoDB taking ${SERVICE_DELAY_MS} ms longer`,
    figures: await withDelay(stand, effort),
  };
};

interface Series {
  objectsPerSecond: number[];
  cpuMsPerObject: number[];
  peakRssBytes: number;
}

const series = async (
  stand: Stand,
  code: Code,
  event: (jobs: Job[]) => unknown,
  { warmUpBatches, batches, rounds }: Effort,
): Promise<Series> => {
  const process = await startFunction(code, stand.variables('https'));
  try {
    await runBatches(stand, process, event, warmUpBatches);
    const measured: { objectsPerSecond: number; cpuMsPerObject: number }[] = [];
    for (let round = 0; round < rounds; round++) {
      measured.push(await runBatches(stand, process, event, batches));
    }
    return {
      objectsPerSecond: measured.map((each) => each.objectsPerSecond),
      cpuMsPerObject: measured.map((each) => each.cpuMsPerObject),
      peakRssBytes: await process.peakRssBytes(),
    };
  } finally {
    await process.stop();
  }
};

const runBatches = async (
  stand: Stand,
  process: FunctionProcess,
  event: (jobs: Job[]) => unknown,
  batches: number,
): Promise<{ objectsPerSecond: number; cpuMsPerObject: number }> => {
  let seconds = 0;
  let cpuSeconds = 0;
  for (let batch = 0; batch < batches; batch++) {
    const jobs = Array.from({ length: BATCH_SIZE }, () => stand.job(OBJECT));
    const measured = await process.invoke(event(jobs));
    seconds += measured.seconds;
    cpuSeconds += measured.cpuSeconds;
  }
  const objects = batches * BATCH_SIZE;
  await stand.counterpart.expectBytes(objects * OBJECT.sizeBytes);
  return { objectsPerSecond: objects / seconds, cpuMsPerObject: (cpuSeconds * 1_000) / objects };
};

const figuresOf = (name: string, { objectsPerSecond, cpuMsPerObject, peakRssBytes }: Series): Figure[] => [
  rate(`${name}: rate`, 'objects/s', objectsPerSecond),
  cost(`${name}: CPU`, 'CPU-ms/object', cpuMsPerObject),
  value(`${name}: peak RSS`, 'MB', peakRssBytes / 1e6),
];

const withDelay = async (stand: Stand, effort: Effort): Promise<Figure[]> => {
  await stand.counterpart.setDelay(SERVICE_DELAY_MS);
  try {
    const { objectsPerSecond } = await series(stand, stand.artifact.replicate, stand.replicateEvent, {
      warmUpBatches: 30,
      batches: 20,
      rounds: effort.rounds,
    });
    return [rate('replicate function: rate', 'objects/s', objectsPerSecond)];
  } finally {
    await stand.counterpart.setDelay(0);
  }
};
