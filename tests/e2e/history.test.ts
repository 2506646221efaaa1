/** With `versions: all`, the destination goes through every state of the source, in the source's order. */
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
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { drawn } from './support/seed.ts';
import { startFidelityStage } from './support/stages/fidelity.ts';
import { expectReplicas, openUploads, seen } from './support/objects.ts';
import { beforeEvents, purge, s3Record, send } from './support/queues.ts';
import { settled, type Stage } from './support/stages/stage.ts';
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

/** Versioned buckets: one with S3 notifications, one with events through EventBridge, and one whose replicas have no stamp. */
const VERSIONED = drawn(['everything', 'unstamped', 'bridged'], 2);

test.each(VERSIONED)(
  'bucket %s: every version of a key is replicated, although it is overwritten faster than its events arrive',
  async (bucket) => {
    for (let i = 0; i < 8; i++) {
      await stage.put(bucket, 'hot', `version ${i}`, {
        Metadata: { number: String(i) },
        Tagging: `number=${i}`,
      });
    }
    expect(await settled(stage)).toBe(true);
    await expectSameHistory(stage, bucket, 'hot');
  },
);

test.each(VERSIONED)(
  'bucket %s: every version that many writers write at once is replicated',
  async (bucket) => {
    await Promise.all(Array.from({ length: 6 }, (_, i) => stage.put(bucket, 'contended', `from ${i}`)));
    expect(await settled(stage)).toBe(true);
    await expectSameHistory(stage, bucket, 'contended');
  },
);

test.each(VERSIONED)(
  'bucket %s: multipart versions are replicated in order, even an upload that began before other versions',
  async (bucket) => {
    const s3 = stage.source.s3();
    const where = { Bucket: bucket, Key: 'mixed' };
    const { UploadId } = await s3.send(new CreateMultipartUploadCommand(where));
    await stage.put(bucket, 'mixed', 'one');
    await stage.putParts(bucket, 'mixed', [randomBytes(5 * MIB), randomBytes(10)]);
    await stage.put(bucket, 'mixed', 'three', { Tagging: 'a=b' });
    const part = { ...where, UploadId, PartNumber: 1, Body: 'four' };
    const { ETag } = await s3.send(new UploadPartCommand(part));
    const MultipartUpload = { Parts: [{ PartNumber: 1, ETag }] };
    await s3.send(new CompleteMultipartUploadCommand({ ...where, UploadId, MultipartUpload }));
    await stage.put(bucket, 'mixed', 'five');
    expect(await settled(stage)).toBe(true);
    await expectSameHistory(stage, bucket, 'mixed');
    expect(await openUploads(stage, `${bucket}-replica`)).toEqual([]);
  },
);

test.each(VERSIONED)(
  'bucket %s: deletes between versions are replicated, and so is the removal of a delete marker',
  async (bucket) => {
    await beforeEvents(stage, async () => {
      await remove(bucket, 'comes and goes');
      await stage.put(bucket, 'comes and goes', 'one');
      await remove(bucket, 'comes and goes');
      await remove(bucket, 'comes and goes');
      await stage.put(bucket, 'comes and goes', 'two');
      await stage.put(bucket, 'comes and goes', 'three');
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
  },
);

test.each(VERSIONED)(
  'bucket %s: versions with the same content are replicated with those in between',
  async (bucket) => {
    await beforeEvents(stage, async () => {
      for (const body of ['same', 'other', 'same', 'same']) await stage.put(bucket, 'again', body);
    });
    // One event is enough to replicate all versions. With several events, two functions could work on the key at the same time. They
    // could not distinguish a version from an older version with the same content.
    purge(stage);
    await send(stage, { Records: [s3Record(bucket, 'again')] });
    expect(await settled(stage)).toBe(true);
    await expectSameHistory(stage, bucket, 'again');
  },
);

test.each(VERSIONED)(
  'bucket %s: versions are replicated on top of those that somebody else wrote',
  async (bucket) => {
    const foreign: string[] = [];
    const intrude = async (Body: string): Promise<void> => {
      const where = { Bucket: `${bucket}-replica`, Key: 'occupied' };
      const { VersionId = '' } = await stage.destination.s3().send(new PutObjectCommand({ ...where, Body }));
      foreign.push(VersionId);
    };
    await intrude('was here before');
    await beforeEvents(stage, async () => {
      await stage.put(bucket, 'occupied', 'one');
      await stage.put(bucket, 'occupied', 'two');
    });
    expect(await settled(stage)).toBe(true);
    await expectSameHistory(stage, bucket, 'occupied', { foreign });
    await intrude('came later');
    await beforeEvents(stage, async () => {
      await stage.put(bucket, 'occupied', 'three');
      await stage.put(bucket, 'occupied', 'four');
    });
    expect(await settled(stage)).toBe(true);
    await expectReplicas(stage, bucket, 'occupied');
    await expectSameHistory(stage, bucket, 'occupied', { foreign });
  },
);

test.each(VERSIONED)(
  'bucket %s: versions that are deleted before their replication are left out, and replicated ones stay',
  async (bucket) => {
    const ids: string[] = [];
    await beforeEvents(stage, async () => {
      for (const length of [1, 2, 3, 4, 5]) {
        ids.push((await stage.put(bucket, 'thinned', 'x'.repeat(length))).VersionId ?? '');
      }
      await remove(bucket, 'thinned', ids[1]);
      await remove(bucket, 'thinned', ids[2]);
    });
    expect(await settled(stage)).toBe(true);
    expect(await bodiesAt(`${bucket}-replica`, 'thinned')).toEqual([1, 4, 5]);
    // Deletes the source version of the newest replica while two newer versions are written.
    await beforeEvents(stage, async () => {
      await stage.put(bucket, 'thinned', 'x'.repeat(6));
      await remove(bucket, 'thinned', ids[4]);
      await stage.put(bucket, 'thinned', 'x'.repeat(7));
    });
    expect(await settled(stage)).toBe(true);
    expect(await bodiesAt(`${bucket}-replica`, 'thinned')).toEqual([1, 4, 5, 6, 7]);
  },
);

test('versions before and after a delete follow each other at a destination that ignores deletes', async () => {
  await stage.put('kept', 'k', 'one');
  await remove('kept', 'k');
  await stage.put('kept', 'k', 'two');
  await remove('kept', 'k');
  expect(await settled(stage)).toBe(true);
  await expectSameHistory(stage, 'kept', 'k', { deletes: 'ignore' });
});

test('the null version of a suspended bucket and its deletes are replicated', async () => {
  for (let i = 0; i < 10; i++) await stage.put('suspended', 'null', `body ${i}`);
  expect(await settled(stage)).toBe(true);
  await expectReplicas(stage, 'suspended', 'null');
  await remove('suspended', 'null');
  expect(await settled(stage)).toBe(true);
  expect(await seen(stage.destination.s3(), 'suspended-replica', 'null')).toBeNull();
  await stage.put('suspended', 'null', 'back');
  expect(await settled(stage)).toBe(true);
  await expectReplicas(stage, 'suspended', 'null');
});

test('a null version between versions with ids is replicated', async () => {
  const versioning = (Status: 'Enabled' | 'Suspended') =>
    stage.source
      .s3()
      .send(new PutBucketVersioningCommand({ Bucket: 'paused', VersioningConfiguration: { Status } }));
  await stage.put('paused', 'k', '1');
  await versioning('Suspended');
  await stage.put('paused', 'k', '22');
  expect(await settled(stage)).toBe(true);
  await expectSameHistory(stage, 'paused', 'k');
  // At the source, this version replaces the null version. The destination keeps both versions.
  await stage.put('paused', 'k', '333');
  await versioning('Enabled');
  await stage.put('paused', 'k', '4444');
  expect(await settled(stage)).toBe(true);
  expect(await bodiesAt('paused-replica', 'k')).toEqual([1, 2, 3, 4]);
  await expectReplicas(stage, 'paused', 'k');
});

test('an aborted upload adds no version to the replica', async () => {
  const where = { Bucket: 'everything', Key: 'given up' };
  const { UploadId } = await stage.source.s3().send(new CreateMultipartUploadCommand(where));
  await stage.source.s3().send(new AbortMultipartUploadCommand({ ...where, UploadId }));
  expect(await settled(stage)).toBe(true);
  expect(await historyOf(stage.destination.s3(), 'everything-replica', 'given up')).toEqual([]);
});

test('only the delete markers are replicated when lifecycle rules expire objects and versions', async () => {
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
      await stage.put(bucket, 'expires/k', body);
  }
  expect(await settled(stage)).toBe(true);
  // The current versions expire first. Two days later, the noncurrent versions expire.
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
