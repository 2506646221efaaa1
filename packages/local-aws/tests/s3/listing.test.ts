import { ListObjectsCommand, ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createKeyIndex, orderKeyOf } from '../../src/s3/model/key-index.ts';
import { codeOf, REGION, SOURCE, startHarness, type Harness } from './harness.ts';

let harness: Harness;
let buckets = 0;

beforeAll(async () => {
  harness = await startHarness();
});
afterAll(() => harness.close());

const bucketWith = async (keys: string[]) => {
  buckets += 1;
  const Bucket = `listing-${buckets}`;
  harness.s3.createBucket({ name: Bucket, accountId: SOURCE, region: REGION });
  for (const Key of keys)
    await harness.client.send(new PutObjectCommand({ Bucket, Key, Body: Buffer.from(Key) }));
  const list = (more: object = {}) => harness.client.send(new ListObjectsV2Command({ Bucket, ...more }));
  const keysOf = async (more: object = {}) => (await list(more)).Contents?.map((entry) => entry.Key);
  const allPages = async (more: object) => {
    const seen: (string | undefined)[] = [];
    let ContinuationToken: string | undefined;
    for (;;) {
      const page = await list({ ...more, ContinuationToken });
      seen.push(
        ...(page.Contents ?? []).map((entry) => entry.Key),
        ...(page.CommonPrefixes ?? []).map((entry) => entry.Prefix),
      );
      if (page.IsTruncated !== true) return seen;
      ContinuationToken = page.NextContinuationToken;
    }
  };
  return { Bucket, list, keysOf, allPages };
};

test('an entry of a listing describes its object completely', async () => {
  const { list } = await bucketWith(['k']);
  expect((await list()).Contents).toEqual([
    {
      Key: 'k',
      LastModified: new Date(harness.clock.nowMs),
      ETag: '"8ce4b16b22b58894aa86c421e8759df3"',
      ChecksumAlgorithm: ['CRC32'],
      ChecksumType: 'FULL_OBJECT',
      Size: 1,
      StorageClass: 'STANDARD',
    },
  ]);
});

test('a page of a listing has at most 1,000 keys, however many are requested', async () => {
  const { Bucket, list } = await bucketWith([]);
  for (let number = 0; number < 1005; number += 1)
    harness.s3.createSparseObject({
      bucket: Bucket,
      key: String(number).padStart(5, '0'),
      sizeBytes: 1,
      seed: 1,
    });
  expect(await list({ MaxKeys: 5000 })).toMatchObject({ KeyCount: 1000, MaxKeys: 1000, IsTruncated: true });
});

test('a marker inside a common prefix skips the whole prefix', async () => {
  const { Bucket } = await bucketWith(['f/a/1', 'f/a/2', 'f/b']);
  const page = await harness.client.send(
    new ListObjectsCommand({ Bucket, Prefix: 'f/', Delimiter: '/', Marker: 'f/a/1' }),
  );
  expect(page.CommonPrefixes).toBeUndefined();
  expect(page.Contents?.map((entry) => entry.Key)).toEqual(['f/b']);
});

test('encoding-type=url encodes keys, common prefixes and the delimiter of a listing', async () => {
  const { list } = await bucketWith(['a b/ü+%/x', 'c\u0001']);
  expect(await list({ EncodingType: 'url', Delimiter: '%' })).toMatchObject({
    EncodingType: 'url',
    Delimiter: '%25',
    CommonPrefixes: [{ Prefix: 'a+b/%C3%BC%2B%25' }],
    Contents: [{ Key: 'c%01' }],
  });
  expect(await codeOf(list({ EncodingType: 'xml' }))).toBe('InvalidArgument');
});

test('a continuation token that S3 did not issue is refused', async () => {
  const { list } = await bucketWith([]);
  expect(await codeOf(list({ ContinuationToken: 'x' }))).toBe('InvalidArgument');
});

test('a policy sees prefix, delimiter and page size of a listing', async () => {
  const { Bucket, list } = await bucketWith([]);
  harness.questions.length = 0;
  await list({ Prefix: 'p/', Delimiter: '/', MaxKeys: 7 });
  expect(harness.questions).toMatchObject([
    {
      action: 's3:ListBucket',
      resource: `arn:aws:s3:::${Bucket}`,
      context: { 's3:prefix': 'p/', 's3:delimiter': '/', 's3:max-keys': '7' },
    },
  ]);
});

test('the key index stays in order through thousands of inserts and deletes', () => {
  const index = createKeyIndex<number>();
  const present = new Set<string>();
  let seed = 42;
  for (let step = 0; step < 20_000; step += 1) {
    seed = (seed * 1103515245 + 12345) & 0x7fffffff;
    const key = `k${seed % 5000}`;
    if (seed % 3 === 0) {
      index.delete(key);
      present.delete(key);
    } else {
      index.set(key, step);
      present.add(key);
    }
  }
  const expected = [...present].sort();
  expect([...index.from('')].map((entry) => entry.orderKey)).toEqual(expected);
  const middle = expected[expected.length >> 1] ?? '';
  expect([...index.from(orderKeyOf(middle))][0]?.orderKey).toBe(middle);
  expect(index.size).toBe(present.size);
});
