/** Two deployments, one in each account, replicate pairs of buckets in both directions, and a chain of three buckets. */
import { DeleteObjectCommand, HeadObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { clientConfig } from '@s3-replicator/local-aws';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { Account } from '../../demo/account.ts';
import { SOURCE_ACCOUNT } from '../../demo/two-accounts.ts';
import { sessionName } from '../../src/lib/hint/session-name.ts';
import { drawn } from './support/seed.ts';
import { replicationFileOf } from './support/stages/packaged.ts';
import { seen } from './support/objects.ts';
import { watchRequests } from './support/operations.ts';
import { REGION, settled, type Stage, startStage } from './support/stages/stage.ts';
import { deployBack, type Opposite } from './support/stages/two-way.ts';
import { setTags, tagsOf } from './support/tags.ts';
import { historyOf } from './support/versions.ts';

let stage: Stage;
let back: Opposite;
beforeAll(async () => {
  stage = await startStage({ configuration: replicationFileOf('two-way-forth'), sourceBuckets: {} });
  back = await deployBack(stage);
});
afterAll(async () => {
  await stage?.stop();
});
afterEach(() => {
  stage.aws.faults.plan = undefined;
  for (const { dead } of [stage, back]) {
    expect(dead.counts()).toEqual({ visible: 0, delayed: 0, inFlight: 0 });
  }
});

/**
 * Waits until the queues of both deployments are empty at the same time. Each write of one deployment causes an event for the
 * other.
 */
const bothSettled = async (): Promise<void> => {
  for (;;) {
    expect(await settled(stage)).toBe(true);
    expect(await settled(back)).toBe(true);
    const { visible, delayed, inFlight } = stage.live.counts();
    if (visible + delayed + inFlight === 0) return;
  }
};

const put = async (
  account: Account,
  [Bucket, Key]: [bucket: string, key: string],
  Body: string,
  Tagging = '',
): Promise<void> => {
  await account.s3().send(new PutObjectCommand({ Bucket, Key, Body, Tagging }));
};

const sizesAt = async (account: Account, bucket: string, key: string): Promise<number[]> =>
  (await historyOf(account.s3(), bucket, key)).map((entry) =>
    entry.kind === 'marker' ? -1 : (entry.seen.ContentLength ?? 0),
  );

interface Pair {
  /** A bucket of the source account. */
  one: string;
  /** A bucket of the destination account. Objects are replicated from `one` to this bucket and back. */
  other: string;
}

const PAIRS: (Pair & { how: string })[] = [
  { how: 'notified by S3', one: 'left', other: 'right' },
  { how: 'with current states only', one: 'here', other: 'there' },
  { how: 'notified through EventBridge', one: 'west', other: 'east' },
  { how: 'with replicas replicated', one: 'inner', other: 'outer' },
];
/** `npm test` plays every other pair. */
const PLAYED = drawn(PAIRS, 2);

const sizesIn = ({ one, other }: Pair, key: string): Promise<number[][]> =>
  Promise.all([sizesAt(stage.source, one, key), sizesAt(stage.destination, other, key)]);

test.each(PLAYED)(
  'buckets $how: an object that is written on one side arrives at the other and does not come back',
  async ({ one, other }) => {
    await put(stage.source, [one, 'from one'], '1');
    await put(stage.destination, [other, 'from other'], '22');
    await bothSettled();
    expect(await sizesIn({ one, other }, 'from one')).toEqual([[1], [1]]);
    expect(await sizesIn({ one, other }, 'from other')).toEqual([[2], [2]]);
    const requests = watchRequests(stage);
    await bothSettled();
    expect(requests).toEqual([]);
  },
);

/** Returns a client of somebody in the source account who may upload, and who has chosen the name of his session. */
const uploader = ({ one }: Pair, session: string): S3Client => {
  const role = stage.aws.iam.putRole({
    accountId: SOURCE_ACCOUNT,
    roleName: 'uploader',
    assumeRolePolicy: { Statement: { Effect: 'Allow', Principal: { AWS: '*' }, Action: 'sts:AssumeRole' } },
    policies: [{ Statement: { Effect: 'Allow', Action: 's3:PutObject', Resource: `arn:aws:s3:::${one}/*` } }],
  });
  const { credentials } = stage.aws.iam.createSession(role.arn, session, 900);
  return new S3Client(clientConfig(stage.aws, credentials));
};

test.each(PLAYED)(
  'buckets $how: neither a stamp nor the session name of its uploader keeps an object from the other side',
  async ({ one, other }) => {
    const s3 = uploader({ one, other }, sessionName('back-prod', REGION));
    await put(stage.destination, [other, 'stamped'], '22');
    await bothSettled();
    const object = { Bucket: one, Key: 'stamped' };
    const { Metadata: genuine } = await stage.source.s3().send(new HeadObjectCommand(object));
    expect(genuine?.['s3r']).toMatch(/\.[0-9a-f]{8}[\w-]{86}$/);
    // The same stamp on other bytes of the same size.
    await s3.send(new PutObjectCommand({ ...object, Body: 'no', Metadata: genuine }));
    await bothSettled();
    s3.destroy();
    expect(await sizesIn({ one, other }, 'stamped')).toEqual([
      [2, 2],
      [2, 2],
    ]);
  },
);

test('a deployment that the rule names is known by its signature, and any other one by a look at the other side', async () => {
  const requests = watchRequests(stage, sessionName('forth-prod', REGION));
  await put(stage.destination, ['right', 'known'], '22');
  await put(stage.destination, ['east', 'unknown'], '22');
  await bothSettled();
  expect(requests).toEqual(['s3:HeadObject east/unknown']);
});

test.each(PLAYED)(
  'buckets $how: old versions of a key do not come back as new ones, although it is overwritten faster than its events arrive',
  async ({ one, other }) => {
    const sizes = Array.from({ length: 6 }, (_, index) => index + 1);
    for (const size of sizes) await put(stage.source, [one, 'hot'], 'x'.repeat(size));
    await bothSettled();
    const [here, there] = await sizesIn({ one, other }, 'hot');
    expect(here).toEqual(sizes);
    expect(there?.at(-1)).toBe(6);
    expect(there).toEqual(there?.toSorted((a, b) => a - b));
  },
);

test.each(PLAYED)(
  'buckets $how: a key that is written on both sides in turn ends the same on both',
  async ({ one, other }) => {
    await put(stage.source, [one, 'in turn'], '1');
    await bothSettled();
    await put(stage.destination, [other, 'in turn'], '22');
    await bothSettled();
    await put(stage.source, [one, 'in turn'], '333');
    await bothSettled();
    expect(await sizesIn({ one, other }, 'in turn')).toEqual([
      [1, 2, 3],
      [1, 2, 3],
    ]);
  },
);

test.each(PLAYED)(
  'buckets $how: a delete on one side reaches the other, and so does an object that comes back',
  async ({ one, other }) => {
    await put(stage.source, [one, 'deleted'], '1');
    await bothSettled();
    await stage.destination.s3().send(new DeleteObjectCommand({ Bucket: other, Key: 'deleted' }));
    await bothSettled();
    expect(await sizesIn({ one, other }, 'deleted')).toEqual([
      [1, -1],
      [1, -1],
    ]);
    await put(stage.source, [one, 'deleted'], '22');
    await bothSettled();
    expect(await sizesIn({ one, other }, 'deleted')).toEqual([
      [1, -1, 2],
      [1, -1, 2],
    ]);
  },
);

test.each(PLAYED)(
  'buckets $how: tags that change where the object was written reach the other side',
  async ({ one, other }) => {
    await put(stage.source, [one, 'tagged'], '1', 'v=1');
    await bothSettled();
    await setTags(stage, { bucket: one, key: 'tagged' }, { v: '2' });
    await bothSettled();
    expect(await tagsOf(stage.source.s3(), one, 'tagged')).toEqual({ v: '2' });
    expect(await tagsOf(stage.destination.s3(), other, 'tagged')).toEqual({ v: '2' });
    expect(await sizesIn({ one, other }, 'tagged')).toEqual([[1], [1]]);
  },
);

test('a key that is written on both sides at once gains no version that nobody wrote', async () => {
  await Promise.all([
    ...Array.from({ length: 5 }, (_, i) => put(stage.source, ['left', 'at once'], `left ${i}`)),
    ...Array.from({ length: 5 }, (_, i) => put(stage.destination, ['right', 'at once'], `right ${i}`)),
  ]);
  await bothSettled();
  for (const [account, bucket] of [
    [stage.source, 'left'],
    [stage.destination, 'right'],
  ] as const) {
    // Ten versions were written in all. If replicas were replicated back and forth, there would be more versions.
    expect((await historyOf(account.s3(), bucket, 'at once')).length).toBeLessThanOrEqual(10);
  }
});

test('every version, delete and tag passes through a chain from its first bucket to the last', async () => {
  for (const body of ['1', '22']) await put(stage.source, ['chain-a', 'k'], body, `body=${body}`);
  await bothSettled();
  await stage.source.s3().send(new DeleteObjectCommand({ Bucket: 'chain-a', Key: 'k' }));
  await bothSettled();
  await put(stage.source, ['chain-a', 'k'], '333', 'v=3');
  await bothSettled();
  await setTags(stage, { bucket: 'chain-a', key: 'k' }, { v: 'changed' });
  await bothSettled();
  expect(await sizesAt(stage.destination, 'chain-b', 'k')).toEqual([1, 2, -1, 3]);
  expect(await sizesAt(stage.source, 'chain-c', 'k')).toEqual([1, 2, -1, 3]);
  expect(await tagsOf(stage.source.s3(), 'chain-c', 'k')).toEqual({ v: 'changed' });
  const first = await seen(stage.source.s3(), 'chain-a', 'k');
  expect(await seen(stage.source.s3(), 'chain-c', 'k')).toMatchObject({ sha256: first?.sha256 });
});
