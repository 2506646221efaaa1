/**
 * Retention and legal hold are replicated when a version is written at the destination, and a retention also when it is changed
 * later.
 */
import { randomBytes } from 'node:crypto';
import {
  HeadObjectCommand,
  PutObjectLockConfigurationCommand,
  PutObjectRetentionCommand,
} from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { startFidelityStage } from './support/stages/fidelity.ts';
import { type Lock, lockOf, lockOfOldest, NOT_LOCKED } from './support/locks.ts';
import { openUploads, seen } from './support/objects.ts';
import { bucketOf, operationOf } from './support/operations.ts';
import { beforeEvents, deadLetters, purge } from './support/queues.ts';
import { settled, type Stage } from './support/stages/stage.ts';

const MIB = 1024 * 1024;
const DAY_MS = 86_400_000;
/** S3 requires a checksum for uploads of locked objects. */
const CHECKED = { ChecksumAlgorithm: 'CRC32' } as const;

const DESTINATIONS = ['locked-replica', 'locked-weaker', 'locked-not', 'locked-by-default'] as const;

let stage: Stage;
beforeAll(async () => {
  stage = await startFidelityStage();
  await stage.destination.s3().send(
    new PutObjectLockConfigurationCommand({
      Bucket: 'locked-by-default',
      ObjectLockConfiguration: {
        ObjectLockEnabled: 'Enabled',
        Rule: { DefaultRetention: { Mode: 'GOVERNANCE', Days: 7 } },
      },
    }),
  );
});
afterAll(async () => {
  await stage?.stop();
});
afterEach(() => purge(stage));

/** Returns a date in whole seconds, because S3 stores no fractions. */
const inDays = (days: number): Date =>
  new Date(Math.floor((stage.aws.clock.now() + days * DAY_MS) / 1_000) * 1_000);

/** Expects that every destination has the bytes of the object. Returns the locks of the replicas, by bucket. */
const locksOf = async (key: string): Promise<Record<string, Lock>> => {
  expect(await settled(stage)).toBe(true);
  expect(await deadLetters(stage)).toEqual([]);
  const source = await seen(stage.source.s3(), 'locked', key);
  const locks: Record<string, Lock> = {};
  for (const bucket of DESTINATIONS) {
    expect((await seen(stage.destination.s3(), bucket, key))?.sha256, bucket).toBe(source?.sha256);
    locks[bucket] = await lockOf(stage, bucket, key);
  }
  return locks;
};

test.each(['COMPLIANCE', 'GOVERNANCE'] as const)(
  'a retention in mode %s is replicated as each destination allows',
  async (mode) => {
    const lock = { ObjectLockMode: mode, ObjectLockRetainUntilDate: inDays(30), ...CHECKED };
    await stage.put('locked', `kept/${mode}`, 'small', lock);
    const wanted = { mode, days: 30, hold: false };
    expect(await locksOf(`kept/${mode}`)).toEqual({
      'locked-replica': wanted,
      'locked-weaker': { ...wanted, mode: 'GOVERNANCE' },
      'locked-not': NOT_LOCKED,
      'locked-by-default': wanted,
    });
  },
);

test('a legal hold is replicated, with and without a retention', async () => {
  await stage.put('locked', 'kept/hold', 'small', { ObjectLockLegalHoldStatus: 'ON', ...CHECKED });
  await stage.put('locked', 'kept/both', 'small', {
    ...CHECKED,
    ObjectLockLegalHoldStatus: 'ON',
    ObjectLockMode: 'COMPLIANCE',
    ObjectLockRetainUntilDate: inDays(30),
  });
  const hold = { mode: null, days: null, hold: true };
  expect(await locksOf('kept/hold')).toEqual({
    'locked-replica': hold,
    'locked-weaker': hold,
    'locked-not': NOT_LOCKED,
    'locked-by-default': { mode: 'GOVERNANCE', days: 7, hold: true },
  });
  expect(await locksOf('kept/both')).toMatchObject({
    'locked-replica': { mode: 'COMPLIANCE', days: 30, hold: true },
    'locked-weaker': { mode: 'GOVERNANCE', days: 30, hold: true },
    'locked-not': NOT_LOCKED,
  });
});

test('the locks of large and of multipart objects are replicated', async () => {
  const lock = {
    ObjectLockMode: 'COMPLIANCE',
    ObjectLockRetainUntilDate: inDays(30),
    ObjectLockLegalHoldStatus: 'ON',
    ...CHECKED,
  } as const;
  await stage.put('locked', 'kept/large', randomBytes(4 * MIB + 1), lock);
  await stage.putParts('locked', 'kept/parts', [randomBytes(5 * MIB), randomBytes(1)], lock);
  const wanted = { mode: 'COMPLIANCE', days: 30, hold: true };
  for (const key of ['kept/large', 'kept/parts']) {
    expect(await locksOf(key)).toEqual({
      'locked-replica': wanted,
      'locked-weaker': { ...wanted, mode: 'GOVERNANCE' },
      'locked-not': NOT_LOCKED,
      'locked-by-default': wanted,
    });
  }
});

test('the default lock of the destination applies to objects without a lock', async () => {
  await stage.put('locked', 'kept/free', 'small');
  await stage.put('locked', 'kept/free, large', randomBytes(4 * MIB + 1));
  await stage.putParts('locked', 'kept/free, parts', [randomBytes(5 * MIB), randomBytes(1)]);
  for (const key of ['kept/free', 'kept/free, large', 'kept/free, parts']) {
    expect(await locksOf(key)).toEqual({
      'locked-replica': NOT_LOCKED,
      'locked-weaker': NOT_LOCKED,
      'locked-not': NOT_LOCKED,
      'locked-by-default': { mode: 'GOVERNANCE', days: 7, hold: false },
    });
  }
});

// A part of 17 MiB is larger than what the function holds in memory, so it is read twice.
test.each([
  ['asks for the default', 17, true],
  ['learns of the default from a refusal', 5, false],
] as const)(
  'multipart objects keep their checksum in a bucket with default retention: the function %s',
  async (_how, mebibytes, mayAsk) => {
    await stage.aws.lambda.killEnvironments(stage.names.replicateFunction);
    const asked: string[] = [];
    const sent: string[] = [];
    stage.aws.faults.plan = (request) => {
      if (request.caller.kind !== 'session' || bucketOf(request) !== 'locked-by-default') return undefined;
      if (operationOf(request) === 's3:UploadPart')
        sent.push(request.headers['content-md5'] === undefined ? 'without' : 'MD5');
      if (!new URLSearchParams(request.query).has('object-lock')) return undefined;
      asked.push(request.method);
      return mayAsk ? undefined : { kind: 'error', status: 403, code: 'AccessDenied' };
    };
    const key = `kept/parts of ${mebibytes} MiB without checksums`;
    const made = await stage.putParts('locked', key, [randomBytes(mebibytes * MIB), randomBytes(1)]);
    await locksOf(key);
    stage.aws.faults.plan = undefined;
    const replica = await stage.destination
      .s3()
      .send(new HeadObjectCommand({ Bucket: 'locked-by-default', Key: key, ChecksumMode: 'ENABLED' }));
    expect(replica).toMatchObject({
      ETag: made.ETag,
      ChecksumCRC64NVME: made.ChecksumCRC64NVME,
      ChecksumType: 'FULL_OBJECT',
      ObjectLockMode: 'GOVERNANCE',
    });
    expect(asked).toEqual(['GET']);
    expect(sent.filter((one) => one === 'MD5')).toHaveLength(2);
    // If the function may not ask for the default, it learns of it from a refusal. Both parts may have been sent before that.
    expect(sent.includes('without')).toBe(!mayAsk);
  },
);

test('an object that an uploader locks until 2120 arrives with the longest lock that the destination allows, and is counted', async () => {
  const before = stage.logs.length;
  const lock = {
    ObjectLockMode: 'COMPLIANCE',
    ObjectLockRetainUntilDate: new Date('2120-01-01T00:00:00Z'),
    ...CHECKED,
  } as const;
  await stage.put('locked', 'kept/until 2120', 'one', lock);
  expect(await locksOf('kept/until 2120')).toEqual({
    'locked-replica': { mode: 'COMPLIANCE', days: 3_650, hold: false },
    'locked-weaker': { mode: 'GOVERNANCE', days: 60, hold: false },
    'locked-not': NOT_LOCKED,
    'locked-by-default': { mode: 'COMPLIANCE', days: 3_650, hold: false },
  });
  const capped = stage.logs.slice(before).filter(({ line }) => line.includes('"lock":"capped"'));
  expect(capped).toHaveLength(3);
});

test('an uploader who locks an object for a day does not take the default lock of the destination from it', async () => {
  // Environments of the tests above were not allowed to ask for the default, so they are ended.
  await stage.aws.lambda.killEnvironments(stage.names.replicateFunction);
  for (const mode of ['GOVERNANCE', 'COMPLIANCE'] as const) {
    const lock = { ObjectLockMode: mode, ObjectLockRetainUntilDate: inDays(1), ...CHECKED };
    await stage.put('locked', `kept/${mode} for a day`, 'one', lock);
  }
  for (const mode of ['GOVERNANCE', 'COMPLIANCE'])
    expect((await locksOf(`kept/${mode} for a day`))['locked-by-default']).toMatchObject({ mode, days: 7 });
});

test('every version of a key has its own lock at the destination', async () => {
  for (const days of [10, 20]) {
    await stage.put('locked', 'kept/versions', `for ${days} days`, {
      ObjectLockMode: 'COMPLIANCE',
      ObjectLockRetainUntilDate: inDays(days),
      ...CHECKED,
    });
    expect((await locksOf('kept/versions'))['locked-replica']).toEqual({
      mode: 'COMPLIANCE',
      days,
      hold: false,
    });
  }
});

test('a retention that is set or extended later reaches the replicas of the version that it names', async () => {
  const { VersionId } = await stage.put('locked', 'kept/later', 'first');
  await stage.put('locked', 'kept/later', 'second');
  expect(await settled(stage)).toBe(true);
  for (const days of [5, 40]) {
    const Retention = { Mode: 'GOVERNANCE', RetainUntilDate: inDays(days) } as const;
    const version = { Bucket: 'locked', Key: 'kept/later', VersionId };
    await stage.source.s3().send(new PutObjectRetentionCommand({ ...version, Retention }));
    expect(await locksOf('kept/later')).toMatchObject({
      'locked-replica': NOT_LOCKED,
      'locked-not': NOT_LOCKED,
    });
    const held = { mode: 'GOVERNANCE', days, hold: false };
    expect(await lockOfOldest(stage, 'locked-replica', 'kept/later')).toEqual(held);
    expect(await lockOfOldest(stage, 'locked-weaker', 'kept/later')).toEqual(held);
    expect(await lockOfOldest(stage, 'locked-not', 'kept/later')).toEqual(NOT_LOCKED);
  }
});

test('only locked objects are quarantined if the destination has no Object Lock', async () => {
  const lock = {
    ObjectLockMode: 'GOVERNANCE',
    ObjectLockRetainUntilDate: inDays(30),
    ...CHECKED,
  } as const;
  await stage.put('locked', 'lost/free', 'small');
  const small = await stage.put('locked', 'lost/small', 'small', lock);
  const held = await stage.put('locked', 'lost/held', 'small', {
    ObjectLockLegalHoldStatus: 'ON',
    ...CHECKED,
  });
  const parts = await stage.putParts('locked', 'lost/parts', [randomBytes(10)], lock);
  expect(await settled(stage)).toBe(true);
  const letters = (await deadLetters(stage)).map(({ attributes }) => attributes);
  expect(letters.map(({ key, reason, version }) => [key, reason, version]).toSorted()).toEqual([
    ['lost%2Fheld', 'object-lock', held.VersionId],
    ['lost%2Fparts', 'object-lock', parts.VersionId],
    ['lost%2Fsmall', 'object-lock', small.VersionId],
  ]);
  expect(letters[0]?.['detail']).toContain('Bucket is missing ObjectLockConfiguration');
  expect(await seen(stage.destination.s3(), 'lockless-replica', 'lost/free')).not.toBeNull();
  expect(await openUploads(stage, 'lockless-replica')).toEqual([]);
});

test('a retention that has ended before the version is copied is left out', async () => {
  const lock = { ObjectLockMode: 'COMPLIANCE', ObjectLockRetainUntilDate: inDays(1), ...CHECKED } as const;
  await beforeEvents(stage, async () => {
    await stage.put('locked', 'kept/short', 'one', lock);
    stage.aws.clock.advance(DAY_MS + 1_000);
  });
  expect(await locksOf('kept/short')).toMatchObject({
    'locked-replica': NOT_LOCKED,
    'locked-by-default': { mode: 'GOVERNANCE', days: 7 },
  });
});
