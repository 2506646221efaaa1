/**
 * Reads of the current state of a key, and of versions by their ids, against the local S3. A key may have an
 * object, a delete marker or nothing.
 */
import { DeleteObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { testRule } from '../model/settings.ts';
import { type LocalBuckets, startLocalBuckets } from './local-buckets.ts';

let local: LocalBuckets;
let version: string | undefined;
let marker: string | undefined;
beforeAll(async () => {
  local = await startLocalBuckets();
  local.createSource('source');
  const name = { Bucket: 'source', Key: 'k' };
  ({ VersionId: version } = await local.sourceOwner.send(
    new PutObjectCommand({ ...name, Body: 'a', Tagging: 'a=1&b=2' }),
  ));
  ({ VersionId: marker } = await local.sourceOwner.send(new DeleteObjectCommand(name)));
  await local.sourceOwner.send(new PutObjectCommand({ Bucket: 'source', Key: 'here', Body: 'b' }));
});
afterAll(async () => {
  await local[Symbol.asyncDispose]();
});
const source = () => local.buckets.source(testRule());

test('a look at a deleted key shows its delete marker, and an unknown key is absent', async () => {
  expect(await source().look('k')).toEqual({ kind: 'marker', versionId: marker });
  expect(await source().look('never')).toEqual({ kind: 'absent' });
  expect(await source().look('here')).toMatchObject({ kind: 'object', state: { sizeBytes: 1 } });
});

test('a version under a delete marker can be read by its id, with the number of its tags', async () => {
  expect(await source().head('k', version ?? '')).toMatchObject({ versionId: version, tagCount: 2 });
  const opened = await source().open('k', version ?? '');
  opened?.body.destroy();
  expect(opened?.state).toMatchObject({ versionId: version, tagCount: 2 });
  expect(await source().open('k', null)).toBeNull();
});

test.each(['delete marker', 'version that is gone'])(
  'a version id that names a %s reads as null',
  async (kind) => {
    const id = kind === 'delete marker' ? (marker ?? '') : 'null';
    expect(await source().head('k', id)).toBeNull();
    expect(await source().open('k', id)).toBeNull();
    expect(await source().tags('k', id)).toBeNull();
    expect(await source().acl('k', id)).toBeNull();
  },
);

test('a read of a pinned version that has become a delete marker fails as a lost race', async () => {
  const pin = await source().head('k', version ?? '');
  if (pin === null || marker === undefined) throw new Error('the version is gone');
  const became = { ...pin, versionId: marker };
  await expect(source().read('k', became, { kind: 'whole' })).rejects.toMatchObject({
    reason: 'lost-race',
  });
  await expect(source().part('k', became, 1)).rejects.toMatchObject({ reason: 'lost-race' });
});
