/** Counts the calls for an object with `copy: server-side`, and shows that none of its bytes passes through a function. */
import type { TwoAccounts } from '../demo/two-accounts.ts';
import { callsOf } from './call-counts.ts';
import { INSIDE_SOURCE_BUCKET } from './configuration.ts';
import { type Figure, type Section, value } from './figure.ts';
import { follow, type Followed } from './follow.ts';

const KIB = 1024;
const MIB = 1024 ** 2;
const GIB = 1024 ** 3;
const SEED = 7;

interface InsideObject {
  what: string;
  sizeBytes: number;
  /** The size of the parts; 0 if the object was uploaded whole. */
  partBytes: number;
}

const OBJECTS: InsideObject[] = [
  { what: '1 KiB', sizeBytes: KIB, partBytes: 0 },
  { what: '1 MiB', sizeBytes: MIB, partBytes: 0 },
  { what: '64 MiB in 8 parts', sizeBytes: 64 * MIB, partBytes: 8 * MIB },
  { what: '1 GiB in one piece', sizeBytes: GIB, partBytes: 0 },
  { what: '5 TiB in 1,024 parts', sizeBytes: 5_120 * GIB, partBytes: 5 * GIB },
];
/** An object with the maximum number of parts. The local S3 needs half a minute to compute this object. */
const LARGEST: InsideObject = {
  what: '48.8 TiB in 10,000 parts',
  sizeBytes: 50_000 * GIB,
  partBytes: 5 * GIB,
};

/** Counts the calls for objects of several sizes. The objects are sparse, so they take no space in the local AWS. */
export async function* countInside(accounts: TwoAccounts, isShort: boolean): AsyncGenerator<Section> {
  await warmUp(accounts, INSIDE_SOURCE_BUCKET);
  for (const object of isShort ? OBJECTS : [...OBJECTS, LARGEST]) {
    const followed = await followObject(accounts, INSIDE_SOURCE_BUCKET, object);
    yield {
      title: `copy: server-side, into another region, ${object.what}, versions: latest`,
      figures: figuresOf(followed),
    };
  }
}

/** Replicates two objects before the measurement, because the first object in an execution environment needs additional calls. */
export const warmUp = async (accounts: TwoAccounts, bucket: string): Promise<void> => {
  for (const key of ['first', 'second'])
    await follow(accounts, () => create(accounts, bucket, key, { sizeBytes: 1, partBytes: 0 }));
};

export const followObject = async (
  accounts: TwoAccounts,
  bucket: string,
  object: Pick<InsideObject, 'sizeBytes' | 'partBytes'>,
): Promise<Followed> => await follow(accounts, () => create(accounts, bucket, 'object', object));

const create = (
  { aws }: TwoAccounts,
  bucket: string,
  key: string,
  { sizeBytes, partBytes }: Pick<InsideObject, 'sizeBytes' | 'partBytes'>,
) =>
  aws.s3.createSparseObject({
    bucket,
    // Objects of different sizes have different keys, so none is overwritten.
    key: `${key} of ${sizeBytes} in ${partBytes}`,
    sizeBytes,
    seed: SEED,
    ...(partBytes > 0 && { partSizeBytes: partBytes }),
  });

const figuresOf = ({ counts, sentBytes, invocations, cpuSeconds }: Followed): Figure[] => [
  value('bodies read by the function', 'GetObject', counts.get('s3:GetObject') ?? 0, '0'),
  value('bytes sent by the function', 'bytes', sentBytes, '0'),
  ...(['s3', 'dynamodb', 'sqs'] as const).flatMap((service) => {
    const { total, detail } = callsOf(counts, service);
    return total === 0 ? [] : [value(`${NAMES[service]} (${detail})`, 'calls', total)];
  }),
  value('invocations', 'invocations', invocations),
  value('CPU of the functions', 'CPU-s', cpuSeconds),
];

const NAMES = { s3: 'S3', dynamodb: 'DynamoDB', sqs: 'SQS' };
