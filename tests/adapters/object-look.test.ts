/**
 * Reads of the current state of a key, and of versions by their ids, against the local S3. A key may have an
 * object, a delete marker or nothing.
 */
import { DeleteObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { createBuckets } from '../../src/lib/aws/s3/buckets.ts';
import { createS3Clients } from '../../src/lib/aws/s3/client/clients.ts';
import { operationOf } from '../e2e/support/operations.ts';
import { testDestination, testRule } from '../model/settings.ts';
import { type LocalBuckets, startLocalBuckets } from './local-buckets.ts';

let local: LocalBuckets;
let version: string | undefined;
let marker: string | undefined;
beforeAll(async () => {
  local = await startLocalBuckets();
  local.createSource('source');
  local.createDestination('replica');
  const name = { Bucket: 'source', Key: 'k' };
  ({ VersionId: version } = await local.sourceOwner.send(
    new PutObjectCommand({ ...name, Body: 'a', Tagging: 'a=1&b=2' }),
  ));
  ({ VersionId: marker } = await local.sourceOwner.send(new DeleteObjectCommand(name)));
  await local.sourceOwner.send(new PutObjectCommand({ Bucket: 'source', Key: 'here', Body: 'b' }));
});
afterEach(() => {
  local.aws.faults.plan = undefined;
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

/** Lets the next `times` requests of one operation fail with this status and code. Returns all operations from now on. */
const failing = (operation: string, times: number, [status, code]: [number, string]): string[] => {
  const operations: string[] = [];
  local.aws.faults.plan = (request) => {
    operations.push(operationOf(request));
    const count = operations.filter((each) => each === operation).length;
    return operations.at(-1) === operation && count <= times ? { kind: 'error', status, code } : undefined;
  };
  return operations;
};

test.each([
  ['source', 'here', 1],
  ['destination', 'here', 1],
  ['source', 'empty', 2],
  ['destination', 'empty', 2],
] as const)(
  'a HEAD at the %s that is answered 400 for a moment is sent again, also for an object that is %s',
  async (side, key, reads) => {
    const place = side === 'source' ? 'source' : 'replica';
    const owner = side === 'source' ? local.sourceOwner : local.destinationOwner;
    await owner.send(new PutObjectCommand({ Bucket: place, Key: key, Body: key === 'empty' ? '' : 'b' }));
    const operations = failing('s3:HeadObject', 1, [400, '']);
    const bucket = side === 'source' ? source() : local.buckets.destination(testDestination());
    expect(await bucket.look(key)).toMatchObject({ kind: 'object' });
    // S3 answers 416 to a request for a range of an empty object. Such an object is read again without a range.
    expect(operations.filter((each) => each === 's3:GetObject')).toHaveLength(reads);
  },
);

test('a role is assumed although the clock of STS is behind for a moment, and if it stays behind the hint is tried again', async () => {
  const look = () => {
    const clients = createS3Clients({
      region: 'eu-central-1',
      sessionName: 'test',
      ownAccount: async () => '111111111111',
    });
    return createBuckets(clients, new AbortController().signal).destination(testDestination()).look('never');
  };
  failing('sts:AssumeRole', 2, [403, 'SignatureDoesNotMatch']);
  expect(await look()).toEqual({ kind: 'absent' });
  failing('sts:AssumeRole', Infinity, [403, 'SignatureDoesNotMatch']);
  await expect(look()).rejects.toMatchObject({ reason: 'service-error', disposition: 'retry' });
});
