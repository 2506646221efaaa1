/** `versions: all`: the destination goes through every state of the source, in its order. */
import { randomBytes } from 'node:crypto';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  PutBucketLifecycleConfigurationCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { startFidelityStage } from './support/fidelity.ts';
import { expectReplicas, openUploads, put, seen } from './support/objects.ts';
import { beforeEvents, purge, s3Record, send } from './support/queues.ts';
import { settled, type Stage } from './support/stage.ts';
import { putParts } from './support/uploads.ts';
import { expectSameHistory, historyOf } from './support/versions.ts';

const MIB = 1024 * 1024;
const DAY_MS = 86_400_000;

let stage: Stage;
beforeAll(async () => {
  stage = await startFidelityStage();
});
afterAll(async () => {
  await stage?.stop();
});
afterEach(() => {
  expect(stage.dead.counts()).toEqual({ visible: 0, delayed: 0, inFlight: 0 });
});

const remove = (bucket: string, key: string, versionId?: string) =>
  stage.source.s3().send(new DeleteObjectCommand({ Bucket: bucket, Key: key, VersionId: versionId }));

const bodiesAt = async (bucket: string, key: string): Promise<number[]> =>
  (await historyOf(stage.destination.s3(), bucket, key)).map((entry) =>
    entry.kind === 'marker' ? -1 : (entry.seen.ContentLength ?? 0),
  );

describe.each(['everything', 'bridged', 'unstamped'])('a versioned bucket: %s', (bucket) => {
  test('every version of a key that is overwritten faster than its events arrive', async () => {
    for (let i = 0; i < 15; i++) {
      await put(stage, bucket, 'hot', `version ${i}`, {
        Metadata: { number: String(i) },
        Tagging: `number=${i}`,
      });
    }
    expect(await settled(stage)).toBe(true);
    await expectSameHistory(stage, bucket, 'hot');
  });

  test('every version that many writers write at once', async () => {
    await Promise.all(Array.from({ length: 10 }, (_, i) => put(stage, bucket, 'contended', `from ${i}`)));
    expect(await settled(stage)).toBe(true);
    await expectSameHistory(stage, bucket, 'contended');
  });

  test('multipart versions among the others, also one that was begun before them', async () => {
    const s3 = stage.source.s3();
    const where = { Bucket: bucket, Key: 'mixed' };
    const { UploadId } = await s3.send(new CreateMultipartUploadCommand(where));
    await put(stage, bucket, 'mixed', 'one');
    await putParts(stage, bucket, 'mixed', [randomBytes(5 * MIB), randomBytes(10)]);
    await put(stage, bucket, 'mixed', 'three', { Tagging: 'a=b' });
    const part = { ...where, UploadId, PartNumber: 1, Body: 'four' };
    const { ETag } = await s3.send(new UploadPartCommand(part));
    const MultipartUpload = { Parts: [{ PartNumber: 1, ETag }] };
    await s3.send(new CompleteMultipartUploadCommand({ ...where, UploadId, MultipartUpload }));
    await put(stage, bucket, 'mixed', 'five');
    expect(await settled(stage)).toBe(true);
    await expectSameHistory(stage, bucket, 'mixed');
    expect(await openUploads(stage, `${bucket}-replica`)).toEqual([]);
  });

  test('deletes between versions, and a delete marker that is taken away again', async () => {
    await beforeEvents(stage, async () => {
      await remove(bucket, 'comes and goes');
      await put(stage, bucket, 'comes and goes', 'one');
      await remove(bucket, 'comes and goes');
      await remove(bucket, 'comes and goes');
      await put(stage, bucket, 'comes and goes', 'two');
      await put(stage, bucket, 'comes and goes', 'three');
    });
    expect(await settled(stage)).toBe(true);
    await expectSameHistory(stage, bucket, 'comes and goes');
    const { VersionId: marker } = await remove(bucket, 'comes and goes');
    expect(await settled(stage)).toBe(true);
    await expectSameHistory(stage, bucket, 'comes and goes');
    expect(await seen(stage.destination.s3(), `${bucket}-replica`, 'comes and goes')).toBeNull();
    await remove(bucket, 'comes and goes', marker);
    expect(await settled(stage)).toBe(true);
    await expectReplicas(stage, bucket, 'comes and goes');
  });

  test('the same content twice, with something else in between', async () => {
    await beforeEvents(stage, async () => {
      for (const body of ['same', 'other', 'same', 'same']) await put(stage, bucket, 'again', body);
    });
    // One event is enough; of two workers at once, neither could tell the same content from its older self.
    purge(stage);
    await send(stage, { Records: [s3Record(bucket, 'again')] });
    expect(await settled(stage)).toBe(true);
    await expectSameHistory(stage, bucket, 'again');
  });

  test('all that is above what somebody else put there', async () => {
    const foreign: string[] = [];
    const intrude = async (Body: string): Promise<void> => {
      const where = { Bucket: `${bucket}-replica`, Key: 'occupied' };
      const { VersionId = '' } = await stage.destination.s3().send(new PutObjectCommand({ ...where, Body }));
      foreign.push(VersionId);
    };
    await intrude('was here before');
    await beforeEvents(stage, async () => {
      await put(stage, bucket, 'occupied', 'one');
      await put(stage, bucket, 'occupied', 'two');
    });
    expect(await settled(stage)).toBe(true);
    await expectSameHistory(stage, bucket, 'occupied', { foreign });
    await intrude('came later');
    await beforeEvents(stage, async () => {
      await put(stage, bucket, 'occupied', 'three');
      await put(stage, bucket, 'occupied', 'four');
    });
    expect(await settled(stage)).toBe(true);
    await expectReplicas(stage, bucket, 'occupied');
    await expectSameHistory(stage, bucket, 'occupied', { foreign });
  });

  test('versions that are gone before anybody came are left out, and those replicated stay', async () => {
    const ids: string[] = [];
    await beforeEvents(stage, async () => {
      for (const length of [1, 2, 3, 4, 5]) {
        ids.push((await put(stage, bucket, 'thinned', 'x'.repeat(length))).VersionId ?? '');
      }
      await remove(bucket, 'thinned', ids[1]);
      await remove(bucket, 'thinned', ids[2]);
    });
    expect(await settled(stage)).toBe(true);
    expect(await bodiesAt(`${bucket}-replica`, 'thinned')).toEqual([1, 4, 5]);
    // What the destination shows last has no source any more.
    await beforeEvents(stage, async () => {
      await put(stage, bucket, 'thinned', 'x'.repeat(6));
      await remove(bucket, 'thinned', ids[4]);
      await put(stage, bucket, 'thinned', 'x'.repeat(7));
    });
    expect(await settled(stage)).toBe(true);
    expect(await bodiesAt(`${bucket}-replica`, 'thinned')).toEqual([1, 4, 5, 6, 7]);
  });
});

test('without deletes, versions on both sides of a delete follow each other', async () => {
  await put(stage, 'kept', 'k', 'one');
  await remove('kept', 'k');
  await put(stage, 'kept', 'k', 'two');
  await remove('kept', 'k');
  expect(await settled(stage)).toBe(true);
  await expectSameHistory(stage, 'kept', 'k', { deletes: 'ignore' });
});

test('a suspended bucket: its one null version, and its deletes', async () => {
  for (let i = 0; i < 10; i++) await put(stage, 'suspended', 'null', `body ${i}`);
  expect(await settled(stage)).toBe(true);
  await expectReplicas(stage, 'suspended', 'null');
  await remove('suspended', 'null');
  expect(await settled(stage)).toBe(true);
  expect(await seen(stage.destination.s3(), 'suspended-replica', 'null')).toBeNull();
  await put(stage, 'suspended', 'null', 'back');
  expect(await settled(stage)).toBe(true);
  await expectReplicas(stage, 'suspended', 'null');
});

test('a null version between versions with names', async () => {
  const versioning = (Status: 'Enabled' | 'Suspended') =>
    stage.source
      .s3()
      .send(new PutBucketVersioningCommand({ Bucket: 'paused', VersioningConfiguration: { Status } }));
  await put(stage, 'paused', 'k', '1');
  await versioning('Suspended');
  await put(stage, 'paused', 'k', '22');
  expect(await settled(stage)).toBe(true);
  await expectSameHistory(stage, 'paused', 'k');
  // In the place of the other, which the destination keeps.
  await put(stage, 'paused', 'k', '333');
  await versioning('Enabled');
  await put(stage, 'paused', 'k', '4444');
  expect(await settled(stage)).toBe(true);
  expect(await bodiesAt('paused-replica', 'k')).toEqual([1, 2, 3, 4]);
  await expectReplicas(stage, 'paused', 'k');
});

test('an upload that is given up is no version', async () => {
  const where = { Bucket: 'everything', Key: 'given up' };
  const { UploadId } = await stage.source.s3().send(new CreateMultipartUploadCommand(where));
  await stage.source.s3().send(new AbortMultipartUploadCommand({ ...where, UploadId }));
  expect(await settled(stage)).toBe(true);
  expect(await historyOf(stage.destination.s3(), 'everything-replica', 'given up')).toEqual([]);
});

test('lifecycle rules end versions and objects: only the delete markers travel', async () => {
  const expire = (bucket: string) =>
    stage.source.s3().send(
      new PutBucketLifecycleConfigurationCommand({
        Bucket: bucket,
        LifecycleConfiguration: {
          Rules: [
            {
              ID: 'short-lived',
              Status: 'Enabled',
              Filter: { Prefix: 'expires/' },
              Expiration: { Days: 1 },
              NoncurrentVersionExpiration: { NoncurrentDays: 1 },
            },
          ],
        },
      }),
    );
  for (const bucket of ['everything', 'bridged', 'plain', 'kept']) await expire(bucket);
  for (const body of ['1', '22', '333']) {
    for (const bucket of ['everything', 'bridged', 'plain', 'kept'])
      await put(stage, bucket, 'expires/k', body);
  }
  expect(await settled(stage)).toBe(true);
  // Current ones end, and days later what they have become.
  for (let day = 0; day < 2; day++) {
    stage.aws.clock.advance(2 * DAY_MS);
    await seen(stage.source.s3(), 'everything', 'nothing');
    expect(await settled(stage)).toBe(true);
  }
  for (const bucket of ['everything', 'bridged', 'plain', 'kept']) {
    expect(await historyOf(stage.source.s3(), bucket, 'expires/k'), bucket).not.toContainEqual(
      expect.objectContaining({ kind: 'version' }),
    );
  }
  for (const bucket of ['everything-replica', 'bridged-replica']) {
    expect(await bodiesAt(bucket, 'expires/k'), bucket).toEqual([1, 2, 3, -1]);
  }
  expect(await bodiesAt('kept-replica', 'expires/k')).toEqual([1, 2, 3]);
  expect(await seen(stage.destination.s3(), 'plain-replica', 'expires/k')).toBeNull();
});
