import {
  DeleteObjectCommand,
  GetBucketVersioningCommand,
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

test('a bucket that never was versioned says nothing of versions', async () => {
  const bucket = on(newBucket());
  const written = await bucket.put('k', 'one');
  expect(written.VersionId).toBeUndefined();
  await bucket.put('k', 'two');
  expect((await bucket.list()).Versions).toMatchObject([{ Key: 'k', VersionId: 'null', IsLatest: true }]);
  expect((await bucket.remove('k')).DeleteMarker).toBeUndefined();
  expect((await bucket.list()).Versions).toBeUndefined();
});

test('the state of versioning is answered as it was put', async () => {
  const Bucket = newBucket();
  const state = async () => (await harness.client.send(new GetBucketVersioningCommand({ Bucket }))).Status;
  expect(await state()).toBeUndefined();
  await on(Bucket).versioning('Enabled');
  expect(await state()).toBe('Enabled');
  await on(Bucket).versioning('Suspended');
  expect(await state()).toBe('Suspended');
});

test('every write to a versioned bucket is a version, listed newest first', async () => {
  const bucket = on(newBucket('Enabled'));
  const ids = [];
  for (const body of ['one', 'two', 'three']) ids.push((await bucket.put('k', body)).VersionId);
  const listed = (await bucket.list()).Versions ?? [];
  expect(listed.map((version) => version.VersionId)).toEqual(ids.toReversed());
  expect(listed.map((version) => version.IsLatest)).toEqual([true, false, false]);
  expect(await bucket.read('k', ids[0])).toBe('one');
  expect(await bucket.read('k')).toBe('three');
});

test('a delete puts a marker on top, and deleting the marker brings the object back', async () => {
  const Bucket = newBucket('Enabled');
  const bucket = on(Bucket);
  await bucket.put('k', 'body');
  const deleted = await bucket.remove('k');
  expect(deleted.DeleteMarker).toBe(true);
  expect(await codeOf(bucket.read('k'))).toBe('NoSuchKey');
  const raw = await harness.raw('GET', `/${Bucket}/k`);
  expect(raw.headers['x-amz-delete-marker']).toBe('true');
  expect(raw.headers['x-amz-version-id']).toBe(deleted.VersionId);
  expect((await bucket.current()).KeyCount).toBe(0);
  const undeleted = await bucket.remove('k', deleted.VersionId);
  expect(undeleted).toMatchObject({ DeleteMarker: true, VersionId: deleted.VersionId });
  expect(await bucket.read('k')).toBe('body');
});

test('a delete marker has no body to read: 405', async () => {
  const Bucket = newBucket('Enabled');
  const bucket = on(Bucket);
  await bucket.put('k', 'body');
  const { VersionId } = await bucket.remove('k');
  expect(await codeOf(bucket.read('k', VersionId))).toBe('MethodNotAllowed');
  const head = await harness.raw('HEAD', `/${Bucket}/k?versionId=${VersionId}`);
  expect(head.status).toBe(405);
  expect(head.headers['x-amz-delete-marker']).toBe('true');
});

test('deleting a missing key of a versioned bucket still makes a delete marker', async () => {
  const bucket = on(newBucket('Enabled'));
  expect((await bucket.remove('never')).DeleteMarker).toBe(true);
  expect((await bucket.list()).DeleteMarkers).toMatchObject([{ Key: 'never', IsLatest: true }]);
});

test('suspending versioning keeps the versions and writes over the null version', async () => {
  const bucket = on(newBucket('Enabled'));
  const { VersionId: kept } = await bucket.put('k', 'kept');
  await bucket.versioning('Suspended');
  expect((await bucket.put('k', 'null one')).VersionId).toBeUndefined();
  await bucket.put('k', 'null two');
  const ids = ((await bucket.list()).Versions ?? []).map((version) => version.VersionId);
  expect(ids).toEqual(['null', kept]);
  expect(await bucket.read('k', 'null')).toBe('null two');
  expect(await bucket.read('k', kept)).toBe('kept');
});

test('a delete in a suspended bucket replaces the null version by a null delete marker', async () => {
  const bucket = on(newBucket('Enabled'));
  const { VersionId: kept } = await bucket.put('k', 'kept');
  await bucket.versioning('Suspended');
  await bucket.put('k', 'null one');
  expect(await bucket.remove('k')).toMatchObject({ DeleteMarker: true, VersionId: 'null' });
  const listed = await bucket.list();
  expect(listed.Versions?.map((version) => version.VersionId)).toEqual([kept]);
  expect(listed.DeleteMarkers?.map((marker) => marker.VersionId)).toEqual(['null']);
});

test('objects from before versioning keep the null version among the new ones', async () => {
  const bucket = on(newBucket());
  await bucket.put('k', 'old');
  await bucket.versioning('Enabled');
  const { VersionId } = await bucket.put('k', 'new');
  expect(((await bucket.list()).Versions ?? []).map((version) => version.VersionId)).toEqual([
    VersionId,
    'null',
  ]);
  expect(await bucket.read('k', 'null')).toBe('old');
});

test('a version that is gone is NoSuchVersion, and an id that was never given is refused', async () => {
  const bucket = on(newBucket('Enabled'));
  await bucket.put('k', 'body');
  const { VersionId } = await bucket.put('k', 'gone');
  await bucket.remove('k', VersionId);
  expect(await codeOf(bucket.read('k', VersionId))).toBe('NoSuchVersion');
  expect(await codeOf(bucket.read('k', 'null'))).toBe('NoSuchVersion');
  expect(await codeOf(bucket.read('k', 'a'.repeat(32)))).toBe('InvalidArgument');
  expect(await codeOf(bucket.remove('k', 'nonsense'))).toBe('InvalidArgument');
  expect((await bucket.remove('k', VersionId)).VersionId).toBe(VersionId);
});

test('reading a version asks for s3:GetObjectVersion, reading the current one for s3:GetObject', async () => {
  const Bucket = newBucket('Enabled');
  const { VersionId } = await on(Bucket).put('k', 'body');
  harness.deny = ({ action }) => action === 's3:GetObjectVersion';
  const head = (version?: string) =>
    harness.client.send(new HeadObjectCommand({ Bucket, Key: 'k', VersionId: version }));
  expect((await head()).VersionId).toBe(VersionId);
  expect(await codeOf(head(VersionId))).toBe('403');
  harness.deny = null;
});

test('versions are paged by both markers, also inside one key', async () => {
  const bucket = on(newBucket('Enabled'));
  for (const key of ['a', 'b', 'c'])
    for (let version = 0; version < 4; version += 1) await bucket.put(key, `${version}`);
  await bucket.remove('b');
  const all = (await bucket.list()).Versions ?? [];
  expect(all).toHaveLength(12);
  const seen: string[] = [];
  let markers = {};
  for (;;) {
    const page = await bucket.list({ MaxKeys: 5, ...markers });
    const entries = [...(page.Versions ?? []), ...(page.DeleteMarkers ?? [])];
    expect(entries.length).toBeLessThanOrEqual(5);
    seen.push(...entries.map((entry) => `${entry.Key} ${entry.VersionId}`));
    if (page.IsTruncated !== true) break;
    markers = { KeyMarker: page.NextKeyMarker, VersionIdMarker: page.NextVersionIdMarker };
  }
  expect(new Set(seen).size).toBe(13);
});

test('a key marker alone starts behind all versions of its key', async () => {
  const bucket = on(newBucket('Enabled'));
  for (const key of ['a', 'a', 'b']) await bucket.put(key, '');
  expect((await bucket.list({ KeyMarker: 'a' })).Versions?.map((version) => version.Key)).toEqual(['b']);
});

test('a listing goes on behind a version that was deleted since the page before', async () => {
  const bucket = on(newBucket('Enabled'));
  const ids = [];
  for (let version = 0; version < 6; version += 1) ids.unshift((await bucket.put('k', '')).VersionId);
  const page = await bucket.list({ MaxKeys: 3 });
  await bucket.remove('k', page.NextVersionIdMarker);
  const rest = await bucket.list({ KeyMarker: 'k', VersionIdMarker: page.NextVersionIdMarker });
  expect(rest.Versions?.map((version) => version.VersionId)).toEqual(ids.slice(3));
});

test('a version id marker without a key marker is refused', async () => {
  expect(await codeOf(on(newBucket()).list({ VersionIdMarker: 'null' }))).toBe('InvalidArgument');
});

test('version listings roll up common prefixes', async () => {
  const bucket = on(newBucket('Enabled'));
  for (const key of ['a/1', 'a/2', 'b', 'c/1']) await bucket.put(key, '');
  const listed = await bucket.list({ Delimiter: '/' });
  expect(listed.Versions?.map((version) => version.Key)).toEqual(['b']);
  expect(listed.CommonPrefixes?.map((entry) => entry.Prefix)).toEqual(['a/', 'c/']);
});

test('deleting versions one by one empties the key', async () => {
  const Bucket = newBucket('Enabled');
  const bucket = on(Bucket);
  const first = await bucket.put('k', 'one');
  const second = await bucket.put('k', 'two');
  await bucket.remove('k', second.VersionId);
  expect(await bucket.read('k')).toBe('one');
  await bucket.remove('k', first.VersionId);
  expect(await codeOf(bucket.read('k'))).toBe('NoSuchKey');
  harness.s3.deleteBucket(Bucket);
});
