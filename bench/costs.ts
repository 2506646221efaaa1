/**
 * Estimates the cost per million objects and per TB, in US$. The local AWS counts the calls. The running time of the function is measured
 * with calls that are delayed as they would be within a region. If Lambda's network needs more time to move the bytes than this running
 * time, the time of the network is used instead. The prices are in prices.ts.
 */
import type { TwoAccounts } from '../demo/two-accounts.ts';
import { SAFE_BYTES_PER_SECOND } from '../src/lib/copy/transfer/rate.ts';
import type { CallCounts } from './call-counts.ts';
import { deployArtifact } from './calls.ts';
import { INSIDE_SOURCE_BUCKET, SOURCE_BUCKET } from './configuration.ts';
import { type Figure, type Section, value } from './figure.ts';
import type { Followed } from './follow.ts';
import { followObject, warmUp } from './inside.ts';
import { alternativeCosts, type Consumption, costOf, type Place } from './prices.ts';
import { BATCH_SIZE, type Effort, runSeries, SERVICE_DELAY_MS } from './small-objects.ts';
import type { Stand } from './stand.ts';

const KIB = 1024;
const MIB = 1024 ** 2;
const GIB = 1024 ** 3;
/** The default bandwidth of Lambda's network, 625 Mbit/s. */
const NETWORK_BYTES_PER_SECOND = 625e6 / 8;

interface PricedObject {
  what: string;
  sizeBytes: number;
  /** The size of the parts; 0 if the object is in one piece. */
  partBytes: number;
  /** The amounts for which costs are printed: a million objects, or as many objects as make a TB. */
  per: ('million' | 'terabyte')[];
}

const SMALL: PricedObject[] = [
  { what: '1 KiB', sizeBytes: KIB, partBytes: 0, per: ['million'] },
  { what: '16 KiB', sizeBytes: 16 * KIB, partBytes: 0, per: ['million'] },
  { what: '1 MiB', sizeBytes: MIB, partBytes: 0, per: ['million', 'terabyte'] },
  { what: '64 MiB in 8 parts', sizeBytes: 64 * MIB, partBytes: 8 * MIB, per: ['million', 'terabyte'] },
];
const LARGE: PricedObject = {
  what: '5 TiB in 1,024 parts',
  sizeBytes: 5_120 * GIB,
  partBytes: 5 * GIB,
  per: ['terabyte'],
};

type Way = 'stream' | 'server-side';

/** The consumption of AWS services, and the CPU time. The CPU time is printed, but it has no price. */
interface Priced extends Consumption {
  /** Absent if the CPU time was not measured. */
  cpuSeconds?: number;
}

type Consumptions = Record<Way, Priced>;

interface Measured {
  functionSeconds: number;
  cpuSeconds?: number;
}

export async function* estimateCosts(stand: Stand, isShort: boolean): AsyncGenerator<Section> {
  await using accounts = await deployArtifact(stand.artifact);
  for (const bucket of [SOURCE_BUCKET, INSIDE_SOURCE_BUCKET]) await warmUp(accounts, bucket);
  for (const object of isShort ? SMALL.slice(0, 1) : SMALL)
    yield* sectionsOf(object, await consumptionsOf(stand, accounts, object, isShort));
  yield* sectionsOf(LARGE, await consumptionsOfLarge(accounts));
}

const consumptionsOf = async (
  stand: Stand,
  accounts: TwoAccounts,
  object: PricedObject,
  isShort: boolean,
): Promise<Consumptions> => {
  const times = await timesOf(stand, object, isShort);
  const stream = await followObject(accounts, SOURCE_BUCKET, object);
  const inside = await followObject(accounts, INSIDE_SOURCE_BUCKET, object);
  return {
    stream: inBatches(object, stream.counts, times.stream),
    'server-side': inBatches(object, inside.counts, times['server-side']),
  };
};

/** Measures the times of one object in a full batch. */
const timesOf = async (
  stand: Stand,
  { sizeBytes, partBytes }: PricedObject,
  isShort: boolean,
): Promise<Record<Way, Measured>> => {
  const object = { sizeBytes, partBytes };
  const isSmall = sizeBytes <= MIB;
  await stand.counterpart.setDelay(SERVICE_DELAY_MS);
  try {
    const stream = await runWay(stand, SOURCE_BUCKET, object, isShort);
    const networkSeconds = sizeBytes / NETWORK_BYTES_PER_SECOND;
    return {
      stream: { ...stream, functionSeconds: Math.max(stream.functionSeconds, networkSeconds) },
      // The counterpart implements CopyObject but not UploadPartCopy. Therefore the time of a copy in parts is not measured but calculated
      // from the rate that the replicator assumes for copies inside S3.
      'server-side': isSmall
        ? await runWay(stand, INSIDE_SOURCE_BUCKET, object, isShort)
        : { functionSeconds: sizeBytes / SAFE_BYTES_PER_SECOND['server-side'] },
    };
  } finally {
    await stand.counterpart.setDelay(0);
  }
};

const runWay = async (
  stand: Stand,
  bucket: string,
  object: { sizeBytes: number; partBytes: number },
  isShort: boolean,
): Promise<Measured> => {
  const isSmall = object.sizeBytes <= MIB;
  const effort: Effort = isSmall
    ? { warmUpBatches: isShort ? 5 : 30, batches: isShort ? 5 : 20, rounds: isShort ? 1 : 3 }
    : { warmUpBatches: isShort ? 0 : 1, batches: 1, rounds: isShort ? 1 : 3 };
  const { objectsPerSecond, cpuMsPerObject } = await runSeries(stand, {
    code: stand.artifact.replicate,
    event: (jobs) => stand.replicateEvent(jobs, bucket),
    object,
    effort,
    movedBytes: bucket === INSIDE_SOURCE_BUCKET ? 0 : object.sizeBytes,
  });
  return {
    functionSeconds: 1 / Math.max(...objectsPerSecond),
    cpuSeconds: Math.min(...cpuMsPerObject) / 1_000,
  };
};

const inBatches = ({ sizeBytes }: PricedObject, counts: CallCounts, measured: Measured): Priced => ({
  sizeBytes,
  counts,
  invocations: 1 / BATCH_SIZE,
  queueRequests: 1 + 2 / BATCH_SIZE,
  ...measured,
});

/**
 * Counts the calls of a copy inside S3, and derives the calls of a streamed copy from those calls. A streamed copy needs an additional
 * GetObject for each part. The part ranges of a streamed copy are a fifth as large, so there are five times as many part ranges. Therefore
 * each call that does not move a part is counted five times. The result may be too high, but is not too low.
 */
const consumptionsOfLarge = async (accounts: TwoAccounts): Promise<Consumptions> => {
  const inside = await followObject(accounts, INSIDE_SOURCE_BUCKET, LARGE);
  const ratio = SAFE_BYTES_PER_SECOND['server-side'] / SAFE_BYTES_PER_SECOND.stream;
  return {
    stream: {
      ...wholeInvocations(inside, LARGE.sizeBytes / NETWORK_BYTES_PER_SECOND),
      counts: streamedCounts(inside.counts, ratio),
      invocations: inside.invocations * ratio,
      queueRequests: 3 * inside.invocations * ratio,
    },
    'server-side': {
      ...wholeInvocations(inside, LARGE.sizeBytes / SAFE_BYTES_PER_SECOND['server-side']),
      cpuSeconds: inside.cpuSeconds,
    },
  };
};

const wholeInvocations = (
  { counts, invocations }: Pick<Followed, 'counts' | 'invocations'>,
  functionSeconds: number,
): Consumption => ({
  sizeBytes: LARGE.sizeBytes,
  counts,
  invocations,
  queueRequests: 3 * invocations,
  functionSeconds,
});

/**
 * Derives the calls of a streamed transfer from the calls of a transfer inside S3. The part ranges of a transfer inside S3 are `ratio`
 * times as large.
 */
export const streamedCounts = (inside: CallCounts, ratio: number): CallCounts => {
  const parts = inside.get('s3:UploadPartCopy') ?? 0;
  const others = [...inside].filter(([operation]) => operation !== 's3:UploadPartCopy');
  return new Map([
    ...others.map(([operation, count]): [string, number] => [operation, count * ratio]),
    ['s3:GetObject', parts + (inside.get('s3:GetObject') ?? 0) * ratio],
    ['s3:UploadPart', parts],
  ]);
};

const PLACES: Place[] = ['same-region', 'between-regions'];

function* sectionsOf(object: PricedObject, consumptions: Consumptions): Generator<Section> {
  for (const per of object.per) {
    const isMillion = per === 'million';
    const objects = isMillion ? 1e6 : 1e12 / object.sizeBytes;
    yield {
      title: `US$ per ${isMillion ? 'million objects' : 'TB of objects'} of ${object.what}`,
      figures: [
        ...(per === object.per[0] ? timeFigures(consumptions) : []),
        ...PLACES.flatMap((place) => costsOf(object, consumptions, objects, place)),
      ],
    };
  }
}

const WAYS: Way[] = ['stream', 'server-side'];

const timeFigures = (consumptions: Consumptions): Figure[] =>
  WAYS.flatMap((way) => {
    const { functionSeconds, cpuSeconds } = consumptions[way];
    return [
      value(`copy: ${way}: time of the function`, 's/object', functionSeconds),
      ...(cpuSeconds === undefined ? [] : [value(`copy: ${way}: CPU of it`, 'CPU-s/object', cpuSeconds)]),
    ];
  });

const costsOf = (
  { sizeBytes }: PricedObject,
  consumptions: Consumptions,
  objects: number,
  place: Place,
): Figure[] => {
  const where = place.replace('-', ' ');
  return [
    ...WAYS.map((way) => {
      const { total, ...services } = costOf(consumptions[way], objects, place);
      return value(`${where}, copy: ${way} (${describe(services)})`, 'US$', total);
    }),
    ...LISTINGS.map(({ name, perObject }) => {
      const { total, ...services } = costOf(withListings(consumptions.stream, perObject), objects, place);
      return value(`${where}, ${name} (${describe(services)})`, 'US$', total);
    }),
    ...alternativeCosts(sizeBytes, objects, place).map(({ name, total }) =>
      value(`${where}, ${name}`, 'US$', total),
    ),
  ];
};

/**
 * A new key with `versions: all` takes the calls of `latest` and a listing, which neighbouring keys share. If keys arrive in the order of
 * time, a key needs at most a fifth of a listing. Tests ensure this limit, and the part `calls` of the benchmarks measures the share.
 */
const LISTINGS = [
  { name: 'versions: all, each key listed alone', perObject: 1 },
  { name: 'versions: all, keys in the order of time', perObject: 0.2 },
];

/** Adds listings. The objects of a batch wait for their listings together. */
const withListings = (consumption: Consumption, perObject: number): Consumption => ({
  ...consumption,
  counts: new Map([...consumption.counts, ['s3:ListObjectVersions', perObject]]),
  functionSeconds: consumption.functionSeconds + SERVICE_DELAY_MS / 1_000 / BATCH_SIZE,
});

const describe = (services: Record<string, number>): string =>
  Object.entries(services)
    .filter(([, dollars]) => dollars > 0)
    .map(([name, dollars]) => `${NAMES[name] ?? name} ${Number(dollars.toPrecision(2))}`)
    .join(', ');

const NAMES: Record<string, string> = {
  s3: 'S3',
  dynamodb: 'DynamoDB',
  sqs: 'SQS',
  lambda: 'Lambda',
};
