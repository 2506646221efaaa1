import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  type BucketVersioningStatus,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { codeOf, REGION, SOURCE, startHarness, type Harness } from './harness.ts';

let harness: Harness;
let buckets = 0;

beforeAll(async () => {
  harness = await startHarness();
});
afterAll(() => harness.close());

const newBucket = (status?: 'Enabled' | 'Suspended'): string => {
  buckets += 1;
  const name = `versions-${buckets}`;
  harness.s3.createBucket({
    name,
    accountId: SOURCE,
    region: REGION,
    ...(status === undefined ? {} : { VersioningConfiguration: { Status: status } }),
  });
  return name;
};

const on = (Bucket: string) => {
  const send = harness.client;
  return {
    put: (Key: string, Body: string, more: object = {}) =>
      send.send(new PutObjectCommand({ Bucket, Key, Body: Buffer.from(Body), ...more })),
    read: async (Key: string, VersionId?: string) =>
      (await send.send(new GetObjectCommand({ Bucket, Key, VersionId }))).Body?.transformToString(),
    remove: (Key: string, VersionId?: string) =>
      send.send(new DeleteObjectCommand({ Bucket, Key, VersionId })),
    versioning: (Status: BucketVersioningStatus) =>
      send.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status } })),
    list: (more: object = {}) => send.send(new ListObjectVersionsCommand({ Bucket, ...more })),
    current: (more: object = {}) => send.send(new ListObjectsV2Command({ Bucket, ...more })),
  };
};

test('a missing null version is NoSuchVersion, and an id that was never issued is InvalidArgument', async () => {
  const bucket = on(newBucket('Enabled'));
  await bucket.put('k', 'body');
  expect(await codeOf(bucket.read('k', 'null'))).toBe('NoSuchVersion');
  expect(await codeOf(bucket.read('k', 'a'.repeat(32)))).toBe('InvalidArgument');
  expect(await codeOf(bucket.remove('k', 'nonsense'))).toBe('InvalidArgument');
});

test('reading a named version needs s3:GetObjectVersion, and reading the current one needs s3:GetObject', async () => {
  const Bucket = newBucket('Enabled');
  const { VersionId } = await on(Bucket).put('k', 'body');
  harness.deny = ({ action }) => action === 's3:GetObjectVersion';
  const head = (version?: string) =>
    harness.client.send(new HeadObjectCommand({ Bucket, Key: 'k', VersionId: version }));
  expect((await head()).VersionId).toBe(VersionId);
  expect(await codeOf(head(VersionId))).toBe('403');
  harness.deny = null;
});

test('a listing of versions continues after a marker version that was deleted meanwhile', async () => {
  const bucket = on(newBucket('Enabled'));
  const ids = [];
  for (let version = 0; version < 6; version += 1) ids.unshift((await bucket.put('k', '')).VersionId);
  const page = await bucket.list({ MaxKeys: 3 });
  await bucket.remove('k', page.NextVersionIdMarker);
  const rest = await bucket.list({ KeyMarker: 'k', VersionIdMarker: page.NextVersionIdMarker });
  expect(rest.Versions?.map((version) => version.VersionId)).toEqual(ids.slice(3));
});
