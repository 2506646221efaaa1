/** Archived objects cannot be read until S3 has restored them. */
import {
  HeadObjectCommand,
  type HeadObjectCommandOutput,
  NotFound,
  RestoreObjectCommand,
} from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { startFidelityStage } from './support/stages/fidelity.ts';
import { seen } from './support/objects.ts';
import { watchRequests } from './support/operations.ts';
import { deadLetters, purge } from './support/queues.ts';
import { PERMISSION_SECONDS, settled, type Stage } from './support/stages/stage.ts';
import { historyOf } from './support/versions.ts';

const HOUR_MS = 3_600_000;

let stage: Stage;
beforeAll(async () => {
  stage = await startFidelityStage();
});
afterAll(async () => {
  await stage?.stop();
});
afterEach(() => {
  stage.aws.faults.plan = undefined;
  purge(stage);
});

const quarantined = async (): Promise<(string | undefined)[][]> =>
  (await deadLetters(stage)).map(({ attributes: { reason, key, version } }) => [reason, key, version]);

/** Reads the replica with HEAD. A replica keeps the storage class, so GET would fail. */
const replicaOf = (bucket: string, Key: string): Promise<HeadObjectCommandOutput | null> =>
  stage.destination
    .s3()
    .send(new HeadObjectCommand({ Bucket: `${bucket}-replica`, Key }))
    .catch((error: unknown) => {
      if (error instanceof NotFound) return null;
      throw error;
    });

const wait = async (hours: number): Promise<void> => {
  stage.aws.clock.advance(hours * HOUR_MS);
  // When the local S3 receives its next request, it first does everything that is due at the new time.
  await seen(stage.source.s3(), 'everything', 'nothing');
  expect(await settled(stage)).toBe(true);
};

test.each(['GLACIER', 'DEEP_ARCHIVE'] as const)(
  'a version in %s is quarantined, and replicated without a redrive once somebody has restored it',
  async (StorageClass) => {
    const { VersionId } = await stage.put('archived', StorageClass, 'cold', { StorageClass });
    expect(await settled(stage)).toBe(true);
    expect(await quarantined()).toEqual([['archived', StorageClass, VersionId]]);
    const restore = { Bucket: 'archived', Key: StorageClass, RestoreRequest: { Days: 1 } };
    await stage.source.s3().send(new RestoreObjectCommand(restore));
    expect(await settled(stage)).toBe(true);
    expect(await replicaOf('archived', StorageClass)).toBeNull();
    await wait(13);
    expect(await replicaOf('archived', StorageClass)).toMatchObject({ ContentLength: 4, StorageClass });
  },
);

test('an archived version below newer ones is passed over, and a dead letter names it', async () => {
  await stage.put('archived', 'k', '1');
  expect(await settled(stage)).toBe(true);
  const { VersionId: cold } = await stage.put('archived', 'k', '22', { StorageClass: 'GLACIER' });
  await stage.put('archived', 'k', '333');
  await stage.put('archived', 'k', '4444');
  expect(await settled(stage)).toBe(true);
  const history = await historyOf(stage.destination.s3(), 'archived-replica', 'k');
  expect(history.map((entry) => entry.kind === 'version' && entry.seen.ContentLength)).toEqual([1, 3, 4]);
  const letters = await quarantined();
  expect(new Set(letters.map(([reason, key, version]) => [reason, key, version].join()))).toEqual(
    new Set([`archived,k,${cold}`]),
  );
});

test('one old version whose key may not be used is passed over after two minutes, and newer ones are replicated', async () => {
  const keyArn = 'arn:aws:kms:us-east-1:111111111111:key/22222222-2222-2222-2222-222222222222';
  const denied = { Effect: 'Deny' as const, Principal: '*' as const, Action: 'kms:Decrypt', Resource: '*' };
  const allowed = {
    ...denied,
    Effect: 'Allow' as const,
    Action: 'kms:*',
    Principal: { AWS: '111111111111' },
  };
  stage.aws.kms.put(keyArn, { Version: '2012-10-17', Statement: [allowed, denied] });
  const encrypted = { ServerSideEncryption: 'aws:kms', SSEKMSKeyId: keyArn } as const;
  const { VersionId: secret } = await stage.put('archived', 'partly secret', '1', encrypted);
  await stage.put('archived', 'partly secret', '22');
  await stage.put('archived', 'partly secret', '333');
  expect(await settled(stage, 3_600, PERMISSION_SECONDS)).toBe(true);
  const history = await historyOf(stage.destination.s3(), 'archived-replica', 'partly secret');
  expect(history.map((entry) => entry.kind === 'version' && entry.seen.ContentLength)).toEqual([2, 3]);
  const letters = await deadLetters(stage);
  expect(letters.map(({ attributes }) => attributes)).toMatchObject([
    {
      reason: 'access-denied',
      version: secret,
      detail: expect.stringMatching(/^passed over: newer versions are replicated without this one/),
    },
  ]);
});

test('a rule with `restore:` requests the restore of an archived version once, and replicates it afterwards', async () => {
  const requests = watchRequests(stage);
  await stage.put('thawed', 'cold', 'cold', { StorageClass: 'DEEP_ARCHIVE' });
  expect(await settled(stage)).toBe(true);
  expect(await quarantined()).toEqual([]);
  expect(await replicaOf('thawed', 'cold')).toBeNull();
  expect(requests.filter((request) => request.startsWith('s3:RestoreObject'))).toEqual([
    's3:RestoreObject thawed/cold',
  ]);
  await wait(13);
  expect(await replicaOf('thawed', 'cold')).toMatchObject({ StorageClass: 'DEEP_ARCHIVE' });
  expect(await quarantined()).toEqual([]);
});

test('newer versions wait for the restore of an archived one, so that the history is in order', async () => {
  await stage.put('thawed', 'k', '1', { StorageClass: 'GLACIER' });
  await stage.put('thawed', 'k', '22');
  expect(await settled(stage)).toBe(true);
  expect(await replicaOf('thawed', 'k')).toBeNull();
  await wait(6);
  expect(await replicaOf('thawed', 'k')).toMatchObject({ ContentLength: 2 });
  expect(await quarantined()).toEqual([]);
});
