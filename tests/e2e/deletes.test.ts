/** A delete at the source reaches the replica if the rule replicates deletes. history.test.ts tests deletes between versions. */
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { DeleteObjectCommand, DeleteObjectsCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { SOURCE_ACCOUNT } from '../../demo/two-accounts.ts';
import { run } from '../cli/run.ts';
import { setAwsVariables } from '../model/aws-variables.ts';
import { startFidelityStage } from './support/stages/fidelity.ts';
import { expectReplicas, seen } from './support/objects.ts';
import { settled, type Stage } from './support/stages/stage.ts';
import { expectSameHistory, historyOf } from './support/versions.ts';

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

const remove = (bucket: string, Key: string, VersionId?: string) =>
  stage.source.s3().send(new DeleteObjectCommand({ Bucket: bucket, Key, VersionId }));

const replica = (bucket: string, key: string) => seen(stage.destination.s3(), `${bucket}-replica`, key);

const replicatedIn = async (bucket: string, ...keys: string[]): Promise<void> => {
  for (const key of keys) await stage.put(bucket, key, 'x');
  expect(await settled(stage)).toBe(true);
  for (const key of keys) await expectReplicas(stage, bucket, key);
};

test.each(['everything', 'bridged', 'unstamped', 'suspended', 'plain'])(
  'an object that is deleted in bucket %s is deleted at the destination, and may come back',
  async (bucket) => {
    await replicatedIn(bucket, 'deleted', 'stays', 'one of many', 'another');
    await remove(bucket, 'deleted');
    const Objects = [{ Key: 'one of many' }, { Key: 'another' }, { Key: 'never there' }];
    await stage.source.s3().send(new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects } }));
    expect(await settled(stage)).toBe(true);
    for (const key of ['deleted', 'one of many', 'another']) expect(await replica(bucket, key)).toBeNull();
    await expectReplicas(stage, bucket, 'stays');
    expect(await historyOf(stage.destination.s3(), `${bucket}-replica`, 'never there')).toEqual([]);
    await replicatedIn(bucket, 'deleted');
  },
);

test.each(['kept', 'plain-kept'])(
  'bucket %s: a replica stays when its object is deleted and the rule has `deletes: ignore`',
  async (bucket) => {
    await replicatedIn(bucket, 'deleted');
    await remove(bucket, 'deleted');
    expect(await settled(stage)).toBe(true);
    expect(await replica(bucket, 'deleted')).not.toBeNull();
    await replicatedIn(bucket, 'deleted');
  },
);

test('the permanent deletion of versions is not replicated, even if all versions are deleted', async () => {
  const ids: (string | undefined)[] = [];
  for (const body of ['1', '22', '333']) ids.push((await stage.put('everything', 'emptied', body)).VersionId);
  expect(await settled(stage)).toBe(true);
  await expectSameHistory(stage, 'everything', 'emptied');
  for (const id of ids.toReversed()) await remove('everything', 'emptied', id);
  expect(await settled(stage)).toBe(true);
  const history = await historyOf(stage.destination.s3(), 'everything-replica', 'emptied');
  expect(history.map((entry) => entry.kind === 'version' && entry.seen.ContentLength)).toEqual([1, 2, 3]);
});

test('a delete over the limit of the brake is held until an operator releases it, and the alarm is raised', async () => {
  await replicatedIn('braked', 'held', 'stays');
  await remove('braked', 'held');
  expect(await settled(stage)).toBe(true);
  await expectReplicas(stage, 'braked', 'stays');
  expect(await replica('braked', 'held')).not.toBeNull();
  const { names, aws } = stage;
  await aws.lambda.function(names.replicateFunction).run('{"waiting":true}');
  expect(stage.logs.map(({ line }) => line).join('')).toMatch(/"DeletesPaused":1/);

  const answers = await brake('release', 'braked');
  expect(answers.out).toContain('1 delete and 0 overwrites\n    delete  held');
  await aws.lambda.function(names.backfillFunction).run('{"tend":true}');
  expect(await settled(stage)).toBe(true);
  expect(await replica('braked', 'held')).toBeNull();
  await expectReplicas(stage, 'braked', 'stays');
  const { out } = await brake('status', 'braked');
  expect(out).toMatch(/^open +0 +braked/m);
});

/** Runs `s3-replicator brake …` as an operator of the source account who types the id of the rule. */
const brake = async (command: string, rule: string) => {
  const { aws, replicationFile: file } = stage;
  setAwsVariables({ endpoint: aws.httpEndpoint, credentials: aws.root(SOURCE_ACCOUNT) });
  return await run(['brake', command, '--rule', rule, '--config', file], {
    ask: async () => rule,
    now: () => aws.clock.now(),
  });
};

test('status reads lag, rate, pending work and the closed brake from what the packaged functions did', async () => {
  const { aws, names, replicationFile: file } = stage;
  await replicatedIn('braked', 'counted');
  await remove('braked', 'counted');
  expect(await settled(stage)).toBe(true);
  await aws.lambda.function(names.replicateFunction).run('{"waiting":true}');
  // The current minute has no rate yet, so the clock is moved to the next one.
  aws.clock.advance(60_000);
  // The queues refuse calls without TLS.
  const trusted = getCACertificates('default');
  setDefaultCACertificates([...trusted, aws.caPem]);
  setAwsVariables({ endpoint: aws.endpoint, credentials: aws.root(SOURCE_ACCOUNT) });
  const argv = ['status', '--rule', 'braked', '--config', file];
  const { code, out } = await run([...argv, '--json'], { now: () => aws.clock.now() });
  expect(code).toBe(0);
  const state = JSON.parse(out);
  expect(state.rules).toMatchObject([
    {
      lag: { p50Seconds: expect.any(Number), p99Seconds: expect.any(Number) },
      pending: { operations: 0, oldestSeconds: null },
      operationsPerSecond: expect.any(Number),
      failedLastHour: 0,
      waiting: 0,
      avoided: null,
      brake: { state: 'closed' },
    },
  ]);
  expect(state.rules[0].operationsPerSecond).toBeGreaterThan(0);
  expect(state.queues.live.messages).toEqual({ visible: 0, inFlight: 0, delayed: 0 });
  expect(state.alarms).toMatchObject([
    {
      alarm: 'deletes-paused',
      state: 'ALARM',
      command: expect.stringMatching(/^npx s3-replicator brake status/),
    },
  ]);
  const screen = await run(argv, { now: () => aws.clock.now() });
  expect(screen.out).toMatch(/one rule behind/);
  expect(screen.out).toMatch(/paused +deletes of braked → .* → npx s3-replicator brake status/);
  setDefaultCACertificates(trusted);
});

test('an object that somebody else wrote to an unversioned destination is not deleted', async () => {
  await replicatedIn('plain', 'replaced');
  const s3 = stage.destination.s3();
  await s3.send(new DeleteObjectCommand({ Bucket: 'plain-replica', Key: 'replaced' }));
  await putForeign('replaced');
  await remove('plain', 'replaced');
  expect(await settled(stage)).toBe(true);
  expect(await replica('plain', 'replaced')).toMatchObject({ ContentLength: 7 });
});

const putForeign = async (Key: string): Promise<void> => {
  await stage.destination.s3().send(new PutObjectCommand({ Bucket: 'plain-replica', Key, Body: 'foreign' }));
};
