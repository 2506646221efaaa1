/** Object Lock of replicas, against the local S3. */
import { Readable } from 'node:stream';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { DestinationBucket } from '../../src/lib/model/ports.ts';
import { NO_LOCK, REPLICA_ATTRIBUTES } from '../model/memory-buckets.ts';
import { destination, put, startAttributeBuckets, stopAttributeBuckets } from './attribute-buckets.ts';

beforeAll(startAttributeBuckets);
afterAll(stopAttributeBuckets);

const untilMs = Date.now() + 86_400_000;
const lock = { retention: { mode: 'GOVERNANCE', untilMs }, legalHold: true } as const;

test('a lock travels with a whole body', async () => {
  const to = destination('replica-locked');
  const { versionId } = await put(to, 'whole', { lock });
  expect(await to.head('whole', versionId ?? '')).toMatchObject({ lock });
  await put(to, 'streamed', { lock }, Readable.from([Buffer.from('a')]));
  expect(await to.look('streamed')).toMatchObject({ state: { lock } });
  await put(to, 'held', { lock: { ...lock, retention: null } });
  expect(await to.look('held')).toMatchObject({ state: { lock: { ...lock, retention: null } } });
});

test('a lock travels with a multipart upload', async () => {
  const to = destination('replica-locked');
  const upload = await to.createUpload({
    key: 'parts',
    attributes: { ...REPLICA_ATTRIBUTES, lock },
    checksum: { algorithm: 'CRC32', type: 'COMPOSITE' },
  });
  const part = await to.uploadPart({
    key: 'parts',
    uploadId: upload.uploadId,
    partNumber: 1,
    body: Readable.from([Buffer.from('a')]),
    sizeBytes: 1,
    guard: { kind: 'checksum', checksum: { algorithm: 'CRC32', type: 'FULL_OBJECT', value: '6Le+Qw==' } },
  });
  await to.completeUpload({
    key: 'parts',
    uploadId: upload.uploadId,
    parts: [part],
    sizeBytes: 1,
    checksum: null,
    precondition: { kind: 'absent' },
  });
  expect(await to.look('parts')).toMatchObject({ state: { lock } });
});

test('a locked write to a bucket without Object Lock fails with the reason object-lock, and an unlocked write succeeds', async () => {
  const refused = { reason: 'object-lock' };
  await expect(put(destination(), 'locked', { lock })).rejects.toMatchObject(refused);
  await expect(
    destination().createUpload({
      key: 'locked',
      attributes: { ...REPLICA_ATTRIBUTES, lock },
      checksum: null,
    }),
  ).rejects.toMatchObject(refused);
  await expect(put(destination(), 'not-locked', { lock: NO_LOCK })).resolves.toBeDefined();
});

test('a lock can be added to one version later, and other versions keep theirs', async () => {
  const to = destination('replica-locked');
  const first = await put(to, 'later');
  const second = await to.put({
    key: 'later',
    body: Buffer.from('b'),
    sizeBytes: 1,
    attributes: REPLICA_ATTRIBUTES,
    precondition: { kind: 'unchanged', etag: first.etag },
    guard: { kind: 'none' },
  });
  await to.putRetention('later', first.versionId, lock.retention);
  await to.putLegalHold('later', first.versionId);
  await to.putLegalHold('later', first.versionId);
  expect(await to.head('later', first.versionId ?? '')).toMatchObject({ lock });
  expect(await to.head('later', second.versionId ?? '')).toMatchObject({ lock: NO_LOCK });
});

test.each([
  ['a shorter retention', { mode: 'GOVERNANCE', untilMs: untilMs - 60_000 }],
  ['a retention of another mode', { mode: 'COMPLIANCE', untilMs: untilMs + 60_000 }],
] as const)('S3 denies to replace a retention by %s, and accepts a longer one', async (how, retention) => {
  const to = destination('replica-locked');
  const key = `there, ${how}`;
  const { versionId } = await put(to, key, { lock });
  await expect(to.putRetention(key, versionId, retention)).rejects.toMatchObject({
    reason: 'access-denied',
  });
  expect(await to.head(key, versionId ?? '')).toMatchObject({ lock });
  const longer = { mode: 'GOVERNANCE', untilMs: untilMs + 60_000 } as const;
  await to.putRetention(key, versionId, longer);
  expect(await to.head(key, versionId ?? '')).toMatchObject({ lock: { ...lock, retention: longer } });
});

test.each(['retention', 'legal hold'])(
  'a %s added later fails with a reason: object-lock without Object Lock, lost-race without the version',
  async (what) => {
    const give = (to: DestinationBucket, key: string, versionId: string | null) =>
      what === 'retention'
        ? to.putRetention(key, versionId, lock.retention)
        : to.putLegalHold(key, versionId);
    const { versionId } = await put(destination(), `lockless, ${what}`);
    await expect(give(destination(), `lockless, ${what}`, versionId)).rejects.toMatchObject({
      reason: 'object-lock',
    });
    await expect(give(destination('replica-locked'), 'never', null)).rejects.toMatchObject({
      reason: 'lost-race',
    });
  },
);

test.each(['none', 'compute'] as const)(
  'a streamed write into a bucket with default retention fails as invalid-request with the guard `%s`, which sends no header',
  async (kind) => {
    const written = destination('replica-retained').put({
      key: kind,
      body: Readable.from([Buffer.from('a')]),
      sizeBytes: 1,
      attributes: REPLICA_ATTRIBUTES,
      precondition: { kind: 'absent' },
      guard: { kind },
    });
    await expect(written).rejects.toMatchObject({ reason: 'invalid-request' });
  },
);

test('the default retention of a bucket is asked for once, and a refusal can correct the answer', async () => {
  expect(await destination('replica-retained').locksByDefault()).toBe(true);
  for (const bucket of ['replica', 'replica-locked']) {
    expect(await destination(bucket).locksByDefault()).toBe(false);
    destination(bucket).foundLocked();
    expect(await destination(bucket).locksByDefault()).toBe(true);
  }
});
