/** Two deployments, one in each account, that replicate the same buckets in both directions; and one behind the other. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DeleteObjectCommand, PutObjectCommand, PutObjectTaggingCommand } from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Account } from '../../demo/account.ts';
import { REPOSITORY, TEMPLATE_FILE } from '../../demo/package-stack.ts';
import { DESTINATION_ACCOUNT, SOURCE_ACCOUNT } from '../../demo/two-accounts.ts';
import { loadConfiguration } from '../../src/lib/configuration/configuration.ts';
import { resourceNames } from '../../src/lib/configuration/resource-names.ts';
import { packaged } from './support/artifact.ts';
import { seen } from './support/objects.ts';
import { watchRequests } from './support/operations.ts';
import { messagesOf, REGION, settled, type Stage, startStage } from './support/stage.ts';
import { historyOf, tagsOf } from './support/versions.ts';

const FORTH = join(REPOSITORY, 'tests', 'e2e', 'support', 'two-way-forth.yml');
const BACK = join(REPOSITORY, 'tests', 'e2e', 'support', 'two-way-back.yml');

let stage: Stage;
let back: Pick<Stage, 'aws' | 'live' | 'dead' | 'names'>;
beforeAll(async () => {
  stage = await startStage({ configuration: FORTH, packaged: await packaged(FORTH), sourceBuckets: {} });
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

/** The other deployment: its destinations exist already, but for the end of the chain. */
const deployBack = async ({ aws }: Stage): Promise<typeof back> => {
  const { deployment, replication } = loadConfiguration(BACK);
  const names = resourceNames(deployment);
  const template = await readFile(join(REPOSITORY, 'destination', 'template.yml'), 'utf8');
  for (const { destinations } of replication.rules) {
    for (const { bucket } of destinations) {
      await aws.cloudformation.deploy({
        accountId: SOURCE_ACCOUNT,
        region: REGION,
        stackName: `back-destination-${bucket}`,
        template,
        parameters: {
          SourceRoleArn: `arn:aws:iam::${DESTINATION_ACCOUNT}:role/${names.replicateRole}`,
          ExternalId: 'e2e',
          BucketName: bucket,
          RoleName: bucket,
          ReplicateDeletes: 'yes',
          CreateBucket: bucket === 'chain-c' ? 'yes' : 'no',
        },
      });
    }
  }
  const artifacts = await packaged(BACK);
  await aws.cloudformation.deploy({
    accountId: DESTINATION_ACCOUNT,
    region: REGION,
    stackName: names.stack,
    template: await readFile(join(artifacts, TEMPLATE_FILE), 'utf8'),
    artifacts,
  });
  const messages = (name: string) => messagesOf(aws, name, DESTINATION_ACCOUNT);
  return { aws, names, live: messages(names.liveQueue), dead: messages(names.deadLetterQueue) };
};

/** What one of them writes is news to the other, so both must be quiet at once. */
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
  Bucket: string,
  Key: string,
  Body: string,
  Tagging = '',
): Promise<void> => {
  await account.s3().send(new PutObjectCommand({ Bucket, Key, Body, Tagging }));
};

const sizesAt = async (account: Account, bucket: string, key: string): Promise<number[]> =>
  (await historyOf(account.s3(), bucket, key)).map((entry) =>
    entry.kind === 'marker' ? -1 : (entry.seen.ContentLength ?? 0),
  );

describe.each([
  ['notified by S3', 'left', 'right'],
  ['through EventBridge', 'west', 'east'],
  ['current states only', 'here', 'there'],
  ['with replicas replicated', 'inner', 'outer'],
])('both directions, %s', (_how, one, other) => {
  const sides = (key: string): Promise<number[][]> =>
    Promise.all([sizesAt(stage.source, one, key), sizesAt(stage.destination, other, key)]);

  test('what is written on one side arrives at the other and does not come back', async () => {
    await put(stage.source, one, 'from one', '1');
    await put(stage.destination, other, 'from other', '22');
    await bothSettled();
    expect(await sides('from one')).toEqual([[1], [1]]);
    expect(await sides('from other')).toEqual([[2], [2]]);
    const requests = watchRequests(stage);
    await bothSettled();
    expect(requests).toEqual([]);
  });

  test('a key that is overwritten faster than its events arrive: old versions do not come back as new ones', async () => {
    const sizes = Array.from({ length: 10 }, (_, index) => index + 1);
    for (const size of sizes) await put(stage.source, one, 'hot', 'x'.repeat(size));
    await bothSettled();
    const [here, there] = await sides('hot');
    expect(here).toEqual(sizes);
    expect(there?.at(-1)).toBe(10);
    expect(there).toEqual(there?.toSorted((a, b) => a - b));
  });

  test('a key that is written on both sides in turn', async () => {
    await put(stage.source, one, 'in turn', '1');
    await bothSettled();
    await put(stage.destination, other, 'in turn', '22');
    await bothSettled();
    await put(stage.source, one, 'in turn', '333');
    await bothSettled();
    expect(await sides('in turn')).toEqual([
      [1, 2, 3],
      [1, 2, 3],
    ]);
  });

  test('a delete, and an object that comes back on the other side', async () => {
    await put(stage.source, one, 'deleted', '1');
    await bothSettled();
    await stage.destination.s3().send(new DeleteObjectCommand({ Bucket: other, Key: 'deleted' }));
    await bothSettled();
    expect(await sides('deleted')).toEqual([
      [1, -1],
      [1, -1],
    ]);
    await put(stage.source, one, 'deleted', '22');
    await bothSettled();
    expect(await sides('deleted')).toEqual([
      [1, -1, 2],
      [1, -1, 2],
    ]);
  });

  test('tags of an object, changed where it was written', async () => {
    await put(stage.source, one, 'tagged', '1', 'v=1');
    await bothSettled();
    const Tagging = { TagSet: [{ Key: 'v', Value: '2' }] };
    await stage.source.s3().send(new PutObjectTaggingCommand({ Bucket: one, Key: 'tagged', Tagging }));
    await bothSettled();
    expect(await tagsOf(stage.source.s3(), one, 'tagged')).toEqual({ v: '2' });
    expect(await tagsOf(stage.destination.s3(), other, 'tagged')).toEqual({ v: '2' });
    expect(await sides('tagged')).toEqual([[1], [1]]);
  });
});

test('a key that is written on both sides at once ends the same on both, or each side keeps what was written there', async () => {
  await Promise.all([
    ...Array.from({ length: 5 }, (_, i) => put(stage.source, 'left', 'at once', `left ${i}`)),
    ...Array.from({ length: 5 }, (_, i) => put(stage.destination, 'right', 'at once', `right ${i}`)),
  ]);
  await bothSettled();
  for (const [account, bucket] of [
    [stage.source, 'left'],
    [stage.destination, 'right'],
  ] as const) {
    // Ten versions were written, and each side has no more than those.
    expect((await historyOf(account.s3(), bucket, 'at once')).length).toBeLessThanOrEqual(10);
  }
});

test('a chain: from the first bucket to the last, with every version, delete and tag', async () => {
  for (const body of ['1', '22']) await put(stage.source, 'chain-a', 'k', body, `body=${body}`);
  await bothSettled();
  await stage.source.s3().send(new DeleteObjectCommand({ Bucket: 'chain-a', Key: 'k' }));
  await bothSettled();
  await put(stage.source, 'chain-a', 'k', '333', 'v=3');
  await bothSettled();
  const Tagging = { TagSet: [{ Key: 'v', Value: 'changed' }] };
  await stage.source.s3().send(new PutObjectTaggingCommand({ Bucket: 'chain-a', Key: 'k', Tagging }));
  await bothSettled();
  expect(await sizesAt(stage.destination, 'chain-b', 'k')).toEqual([1, 2, -1, 3]);
  expect(await sizesAt(stage.source, 'chain-c', 'k')).toEqual([1, 2, -1, 3]);
  expect(await tagsOf(stage.source.s3(), 'chain-c', 'k')).toEqual({ v: 'changed' });
  const first = await seen(stage.source.s3(), 'chain-a', 'k');
  expect(await seen(stage.source.s3(), 'chain-c', 'k')).toMatchObject({ sha256: first?.sha256 });
});
