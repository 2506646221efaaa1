/**
 * The history of one key, from the local S3. A history is complete, in S3's own order, and contains no other
 * key.
 */
import {
  DeleteObjectCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { testRule } from '../model/settings.ts';
import { historyIds as ids } from './history-ids.ts';
import { type LocalBuckets, startLocalBuckets } from './local-buckets.ts';

let local: LocalBuckets;
beforeAll(async () => {
  local = await startLocalBuckets();
  local.createSource('source');
  local.createSource('never-versioned', { VersioningConfiguration: undefined });
  local.createSource('suspended');
});
afterAll(async () => {
  await local[Symbol.asyncDispose]();
});

const history = (key: string, bucket = 'source') =>
  local.buckets.source(testRule({ source: { ...testRule().source, bucket } })).history(key);

/**
 * Writes one version for each body, and a delete marker for each null. Returns the ids that the history
 * should contain.
 */
const write = async (s3: S3Client, Key: string, bodies: (string | null)[], Bucket = 'source') => {
  const written: string[] = [];
  for (const Body of bodies) {
    const command =
      Body === null
        ? s3.send(new DeleteObjectCommand({ Bucket, Key }))
        : s3.send(new PutObjectCommand({ Bucket, Key, Body }));
    const { VersionId = 'null' } = await command;
    written.unshift(`${Body === null ? 'marker' : 'version'} ${VersionId}`);
  }
  return written;
};

test('versions and delete markers of the same second keep the order in which they were written', async () => {
  const written = await write(local.sourceOwner, 'mixed', ['1', null, null, '2', '3', null, '4', null]);
  expect(ids(await history('mixed'))).toEqual(written);
});

test('a version in a history has its ETag, size and time', async () => {
  await write(local.sourceOwner, 'one', ['a']);
  const [entry] = await history('one');
  expect(entry).toMatchObject({
    kind: 'version',
    etag: '"0cc175b9c0f1b6a831c399e269772661"',
    sizeBytes: 1,
  });
  expect(entry?.lastModifiedMs).toBeGreaterThan(Date.parse('2020-01-01'));
});

test('a history of more than two pages is in order and repeats no version', async () => {
  const bodies = Array.from({ length: 1_120 }, (_, index) => (index % 7 === 3 ? null : 'a'));
  const written = await write(local.sourceOwner, 'many', bodies);
  await write(local.sourceOwner, 'many-more', ['a']);
  expect(ids(await history('many'))).toEqual(written);
});

test.each([
  'a+b c%20d',
  'a%2Bb',
  'control \u0001\t\n\u007f end',
  'Prüfung 株 🌍/..//',
  '<&>"\'',
  '__proto__',
  ' ',
])('the history of key %j leaves out keys that begin with it or look like it', async (key) => {
  const written = await write(local.sourceOwner, key, ['1', null, '2']);
  for (const neighbour of [`${key}/`, `${key} `, encodeURIComponent(key) + '!']) {
    await write(local.sourceOwner, neighbour, ['x', null]);
  }
  expect(ids(await history(key))).toEqual(written);
});

test('a key that is only the beginning of other keys has no history', async () => {
  await write(local.sourceOwner, 'folder/object', ['1', null]);
  expect(await history('folder/')).toEqual([]);
  expect(await history('folder')).toEqual([]);
});

test('a bucket that was never versioned lists its object as the null version', async () => {
  await write(local.sourceOwner, 'k', ['1', '2'], 'never-versioned');
  expect(ids(await history('k', 'never-versioned'))).toEqual(['version null']);
});

test('null versions and null markers keep their place in the order', async () => {
  const earlier = await write(local.sourceOwner, 'k', ['1'], 'suspended');
  const setStatus = (Status: 'Enabled' | 'Suspended') =>
    local.sourceOwner.send(
      new PutBucketVersioningCommand({ Bucket: 'suspended', VersioningConfiguration: { Status } }),
    );
  await setStatus('Suspended');
  await write(local.sourceOwner, 'k', ['2', null], 'suspended');
  await setStatus('Enabled');
  const later = await write(local.sourceOwner, 'k', ['3'], 'suspended');
  expect(ids(await history('k', 'suspended'))).toEqual([...later, 'marker null', ...earlier]);
});

test('the history in a bucket that does not exist is an error', async () => {
  await expect(history('k', 'no-such-bucket-at-all')).rejects.toMatchObject({ reason: 'no-such-bucket' });
});
