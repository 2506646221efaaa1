/** Large objects: what it costs to move a byte, against the least it can cost. */
import { cost, type Figure, rate, type Section, value } from './figure.ts';
import type { Code } from './artifact.ts';
import type { CounterpartObject } from './counterpart-object.ts';
import { type FunctionProcess, startFunction } from './function-process.ts';
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

/** 1 GiB in parts and in one piece, in turns with the floor. */
export const measureLargeObjects = async function* (stand: Stand, isShort: boolean): AsyncGenerator<Section> {
  const transports: Transport[] = isShort ? ['https'] : ['https', 'http'];
  for (const transport of transports) {
    for (const partBytes of [PART_BYTES, 0]) {
      const shape = partBytes === 0 ? 'in one PUT' : '64 parts of 16 MiB';
      const rounds = isShort ? (partBytes === 0 ? 1 : 2) : 5;
      const object = { sizeBytes: GIB, partBytes };
      yield {
        title: `1 GiB, ${shape}, ${transport}`,
        figures: await compare(stand, copiers(stand, isShort), object, transport, rounds),
      };
    }
  }
};

/** Does memory grow with the object? */
export const measureMemory = async (stand: Stand, isShort: boolean): Promise<Section> => {
  const figures: Figure[] = [];
  const sizes = isShort ? [64 * MIB, 256 * MIB] : [64 * MIB, GIB, 10 * GIB];
  const [, replicator] = copiers(stand, true);
  for (const sizeBytes of sizes) {
    for (const partBytes of [PART_BYTES, 0]) {
      // The largest PUT is 5 GB.
      if (partBytes === 0 && sizeBytes > 5 * GIB) continue;
      const run = await runOnce(stand, replicator, { sizeBytes, partBytes }, 'https');
      const what = `${sizeBytes / MIB} MiB ${partBytes === 0 ? 'in one PUT' : 'in parts of 16 MiB'}`;
      figures.push(value(what, 'MB', run.peakRssBytes / 1e6, '< 256 MB'));
    }
  }
  return { title: 'Peak memory (RSS) of the replicate function, https', figures };
};

const copiers = ({ artifact, ...stand }: Stand, isShort: boolean): [Copier, Copier, ...Copier[]] => [
  {
    name: 'floor: http.get piped into http.request',
    code: artifact.floor,
    event: (job, transport) => stand.floorEvent([job], transport),
  },
  { name: 'replicate function', code: artifact.replicate, event: (job) => stand.replicateEvent([job]) },
  ...(isShort
    ? []
    : [
        {
          name: 'lib-storage Upload',
          code: artifact.libStorage,
          event: (job: Job) => stand.libStorageEvent(job),
        },
      ]),
];

/** In turns, so that whatever else the machine does falls on all alike. */
const compare = async (
  stand: Stand,
  all: Copier[],
  object: CounterpartObject,
  transport: Transport,
  rounds: number,
): Promise<Figure[]> => {
  const runs = all.map((copier) => ({ copier, runs: [] as Run[] }));
  for (let round = 0; round < rounds; round++) {
    for (const entry of runs) entry.runs.push(await runOnce(stand, entry.copier, object, transport));
  }
  const floor = Math.min(...(runs[0]?.runs ?? []).map((run) => run.cpuSecondsPerGigabyte));
  return runs.flatMap(({ copier, runs: own }, index) => figuresOf(copier.name, own, index === 1, floor));
};

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
    ...(isOurs ? [value(`${name}: CPU above the floor`, '%', (cpu.best / floor - 1) * 100, '≤ 10 %')] : []),
    cost(`${name}: peak RSS`, 'MB', rss, ...(isOurs ? ['< 256 MB'] : [])),
  ];
};

/** In a process of its own, warmed up by a smaller object. */
const runOnce = async (
  stand: Stand,
  copier: Copier,
  object: CounterpartObject,
  transport: Transport,
): Promise<Run> => {
  const process = await startFunction(copier.code, stand.variables(transport));
  try {
    await copy(stand, process, copier, { ...object, sizeBytes: 4 * PART_BYTES }, transport);
    const { seconds, cpuSeconds } = await copy(stand, process, copier, object, transport);
    return {
      megabytesPerSecond: object.sizeBytes / 1e6 / seconds,
      cpuSecondsPerGigabyte: cpuSeconds / (object.sizeBytes / 1e9),
      peakRssBytes: await process.peakRssBytes(),
    };
  } finally {
    await process.stop();
  }
};

const copy = async (
  { counterpart, job }: Stand,
  process: FunctionProcess,
  copier: Copier,
  object: CounterpartObject,
  transport: Transport,
) => {
  const measured = await process.invoke(copier.event(job(object), transport));
  await counterpart.expectBytes(object.sizeBytes);
  return measured;
};
