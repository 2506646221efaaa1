/** Measures what it costs to move a byte of a large object, compared with the lowest possible cost. */
import { cost, type Figure, rate, type Section, value } from './figure.ts';
import type { TwoAccounts } from '../demo/two-accounts.ts';
import type { Code } from './artifact.ts';
import { DESTINATION_BUCKET, SOURCE_BUCKET } from './configuration.ts';
import { follow } from './follow.ts';
import { type CounterpartObject, partsCount } from './counterpart-object.ts';
import { type Measured, startFunction } from './function-process.ts';
import type { Job, Stand, Transport } from './stand.ts';

const MIB = 1024 ** 2;
const GIB = 1024 ** 3;
const PART_BYTES = 16 * MIB;

/** A way of copying one object. */
interface Copier {
  name: string;
  code: Code;
  event(job: Job, transport: Transport): unknown;
}

interface Run {
  megabytesPerSecond: number;
  cpuSecondsPerGigabyte: number;
  peakRssBytes: number;
}

/** How many small objects are copied before the measurement, so that V8 has compiled the code. One larger object is copied after them. */
const WARM_UP_COPIES = 100;
/** Minimum bytes of one measurement. A small object is copied several times in a row, so that the measurement takes long enough. */
const LEAST_BYTES = 256 * MIB;
const MOST_COPIES = 200;

/** Measures each size with the replicate function, the floor and lib-storage, in turns. */
export const measureLargeObjects = async function* (stand: Stand, isShort: boolean): AsyncGenerator<Section> {
  for (const transport of isShort ? (['https'] as const) : (['https', 'http'] as const)) {
    const inOnePut: Compared[] = [];
    for (const { size, object, rounds } of isShort ? SHORT : FULL) {
      const runs = await compare(stand, { object, transport }, rounds);
      if (object.partBytes === 0) inOnePut.push({ object, runs });
      yield { title: `${size}, ${shapeOf(object)}, ${transport}`, figures: figuresOfAll(runs) };
    }
    yield apart(inOnePut, transport, await runOnce(stand, copiers(stand)[1], { object: ALONE, transport }));
  }
};

/** The invocation and the calls of an object are all that its copy costs. */
const ALONE = { sizeBytes: 1024, partBytes: 0 };
const SHORT = [
  { size: '8 MiB', object: { sizeBytes: 8 * MIB, partBytes: 0 }, rounds: 1 },
  { size: '64 MiB', object: { sizeBytes: 64 * MIB, partBytes: PART_BYTES }, rounds: 1 },
  { size: '64 MiB', object: { sizeBytes: 64 * MIB, partBytes: 0 }, rounds: 1 },
];
const FULL = [
  { size: '8 MiB', object: { sizeBytes: 8 * MIB, partBytes: 0 }, rounds: 5 },
  { size: '64 MiB', object: { sizeBytes: 64 * MIB, partBytes: PART_BYTES }, rounds: 5 },
  { size: '64 MiB', object: { sizeBytes: 64 * MIB, partBytes: 0 }, rounds: 5 },
  { size: '1 GiB', object: { sizeBytes: GIB, partBytes: PART_BYTES }, rounds: 3 },
  { size: '1 GiB', object: { sizeBytes: GIB, partBytes: 0 }, rounds: 3 },
  // An object larger than 5 GiB would become a transfer. Transfers are measured by measureTransfer.
  { size: '4 GiB', object: { sizeBytes: 4 * GIB, partBytes: PART_BYTES }, rounds: 1 },
];

const shapeOf = (object: CounterpartObject): string =>
  object.partBytes === 0 ? 'in one PUT' : `${partsCount(object)} parts of ${object.partBytes / MIB} MiB`;

/** Measures the peak memory for several sizes, to show whether memory grows with the size of the object. */
export const measureMemory = async (stand: Stand, isShort: boolean): Promise<Section> => {
  const figures: Figure[] = [];
  const sizes = isShort ? [256 * MIB] : [64 * MIB, GIB, 4 * GIB];
  const [, replicator] = copiers(stand);
  for (const sizeBytes of sizes) {
    for (const partBytes of [PART_BYTES, 0]) {
      const run = await runOnce(stand, replicator, { object: { sizeBytes, partBytes }, transport: 'https' });
      const what = `${sizeBytes / MIB} MiB ${partBytes === 0 ? 'in one PUT' : 'in parts of 16 MiB'}`;
      figures.push(value(what, 'MB', run.peakRssBytes / 1e6, '< 256 MB'));
    }
  }
  return { title: 'Peak memory (RSS) of the replicate function, https', figures };
};

/**
 * Measures a transfer of 10 GiB, which many invocations of the deployed functions move between two buckets of the local S3. The local S3
 * uses some of the CPU, but the figures of CPU and memory are those of the functions alone. For comparison, the floor and lib-storage copy
 * an object of the same size.
 */
export const measureTransfer = async (stand: Stand, accounts: TwoAccounts): Promise<Section> => {
  const sizeBytes = 10 * GIB;
  const { aws, names } = accounts;
  const object = { sizeBytes, partBytes: PART_BYTES };
  aws.s3.receiveSparse({ bucket: DESTINATION_BUCKET, seed: SEED });
  const startedMs = performance.now();
  const { cpuSeconds, invocations } = await follow(accounts, () =>
    aws.s3.createSparseObject({
      bucket: SOURCE_BUCKET,
      key: 'transfer',
      sizeBytes,
      seed: SEED,
      partSizeBytes: PART_BYTES,
    }),
  );
  const seconds = (performance.now() - startedMs) / 1_000;
  const [floor, , libStorage] = copiers(stand);
  const runs: Figure[] = [];
  for (const copier of [floor, libStorage])
    runs.push(
      ...figuresOf(copier.name, [await runOnce(stand, copier, { object, transport: 'https' })], false, 1),
    );
  return {
    title: `A transfer of ${sizeBytes / GIB} GiB in parts of 16 MiB, https`,
    figures: [
      value('transfer, local S3 included: throughput', 'MB/s', sizeBytes / 1e6 / seconds),
      value('transfer: CPU of the functions', 'CPU-s/GB', cpuSeconds / (sizeBytes / 1e9)),
      value(
        'transfer: peak RSS',
        'MB',
        aws.lambda.usage(names.transferFunction).peakRssBytes / 1e6,
        '< 256 MB',
      ),
      value('transfer: invocations', 'invocations', invocations),
      ...runs,
    ],
  };
};

const SEED = 5;

const copiers = ({ artifact, ...stand }: Stand): [Copier, Copier, Copier] => [
  {
    name: 'floor: http.get piped into http.request',
    code: artifact.floor,
    event: (job, transport) => stand.floorEvent([job], transport),
  },
  { name: 'replicate function', code: artifact.replicate, event: (job) => stand.replicateEvent([job]) },
  { name: 'lib-storage Upload', code: artifact.libStorage, event: (job) => stand.libStorageEvent(job) },
];

/** The measurements of one object with the floor, the replicate function and lib-storage. */
interface Compared {
  object: CounterpartObject;
  runs: CopierRuns[];
}

interface CopierRuns {
  copier: Copier;
  runs: Run[];
}

/** An object to copy, and the transport over which it is copied. */
interface Shipment {
  object: CounterpartObject;
  transport: Transport;
}

/** Measures all copiers in turns, so that other load on the machine affects all of them equally. */
const compare = async (stand: Stand, shipment: Shipment, rounds: number): Promise<CopierRuns[]> => {
  const runs = copiers(stand).map((copier) => ({ copier, runs: [] as Run[] }));
  for (let round = 0; round < rounds; round++) {
    for (const entry of runs) entry.runs.push(await runOnce(stand, entry.copier, shipment));
  }
  return runs;
};

const figuresOfAll = (runs: CopierRuns[]): Figure[] =>
  runs.flatMap(({ copier, runs: own }, index) =>
    figuresOf(copier.name, own, index === 1, leastCpu(runs[0]?.runs ?? [])),
  );

/** Returns the CPU seconds per GB of the run with the lowest value. */
const leastCpu = (runs: Run[]): number => Math.min(...runs.map((run) => run.cpuSecondsPerGigabyte));

/**
 * Separates the cost of moving the bytes from the fixed cost of each object. `small` and `large` are each copied in one PUT and need the
 * same calls, so the difference of their costs is due to their bytes alone.
 */
const apart = ([small, large]: Compared[], transport: Transport, alone: Run): Section => {
  if (small === undefined || large === undefined) throw new Error('no two sizes are copied in one PUT');
  const gigabytes = ({ object }: Compared): number => object.sizeBytes / 1e9;
  // lib-storage is left out because it cuts objects into parts, so that more bytes mean more calls.
  const costs = small.runs.slice(0, 2).map(({ copier, runs }, index) => {
    const ofSmall = leastCpu(runs) * gigabytes(small);
    const ofLarge = leastCpu(large.runs[index]?.runs ?? []) * gigabytes(large);
    const perGigabyte = (ofLarge - ofSmall) / (gigabytes(large) - gigabytes(small));
    return { name: copier.name, perGigabyte, perObject: ofSmall - perGigabyte * gigabytes(small) };
  });
  const floor = costs[0]?.perGigabyte ?? Number.NaN;
  const ofAlone = (alone.cpuSecondsPerGigabyte * ALONE.sizeBytes) / 1e6;
  return {
    title: `CPU of the bytes and of the calls around them, from ${mebibytes(small)} and ${mebibytes(large)} in one PUT, ${transport}`,
    figures: costs.flatMap(({ name, perGigabyte, perObject }, index) => [
      value(`${name}: CPU of the bytes`, 'CPU-s/GB', perGigabyte),
      ...(index === 1 ? [aboveFloor(`${name}: CPU of the bytes`, perGigabyte, floor)] : []),
      value(`${name}: CPU of the calls`, 'CPU-ms/object', perObject * 1_000),
      ...(index === 1 ? [value(`${name}: 1 KiB alone in its batch`, 'CPU-ms/object', ofAlone)] : []),
    ]),
  };
};

const mebibytes = ({ object }: Compared): string => `${object.sizeBytes / MIB} MiB`;

const aboveFloor = (what: string, cpu: number, floor: number): Figure =>
  value(`${what} above the floor`, '%', (cpu / floor - 1) * 100, '≤ 5 %');

const figuresOf = (name: string, runs: Run[], isOurs: boolean, floor: number): Figure[] => {
  const cpu = cost(
    `${name}: CPU`,
    'CPU-s/GB',
    runs.map((run) => run.cpuSecondsPerGigabyte),
  );
  const rss = runs.map((run) => run.peakRssBytes / 1e6);
  return [
    rate(
      `${name}: throughput`,
      'MB/s',
      runs.map((run) => run.megabytesPerSecond),
    ),
    cpu,
    ...(isOurs ? [aboveFloor(`${name}: CPU`, cpu.best, floor)] : []),
    cost(`${name}: peak RSS`, 'MB', rss, ...(isOurs ? ['< 256 MB'] : [])),
  ];
};

/** Starts a new process, warms it up and measures one run. */
const runOnce = async (stand: Stand, copier: Copier, { object, transport }: Shipment): Promise<Run> => {
  const process = await startFunction(copier.code, stand.variables(transport));
  const copy = async (copied: CounterpartObject): Promise<Measured> => {
    const measured = await process.invoke(copier.event(stand.job(copied), transport));
    await stand.counterpart.expectBytes(copied.sizeBytes);
    return measured;
  };
  try {
    for (let count = 0; count < WARM_UP_COPIES; count++) await copy({ sizeBytes: 16 * 1024, partBytes: 0 });
    await copy({ ...object, sizeBytes: 4 * PART_BYTES });
    const copies = Math.min(MOST_COPIES, Math.ceil(LEAST_BYTES / object.sizeBytes));
    let seconds = 0;
    let cpuSeconds = 0;
    for (let count = 0; count < copies; count++) {
      const measured = await copy(object);
      seconds += measured.seconds;
      cpuSeconds += measured.cpuSeconds;
    }
    const bytes = copies * object.sizeBytes;
    return {
      megabytesPerSecond: bytes / 1e6 / seconds,
      cpuSecondsPerGigabyte: cpuSeconds / (bytes / 1e9),
      peakRssBytes: await process.peakRssBytes(),
    };
  } finally {
    await process.stop();
  }
};
