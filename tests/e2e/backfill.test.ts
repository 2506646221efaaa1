/**
 * Tests backfill and verify on the packaged stack, one behaviour at a time. `backfill-proof.test.ts` proves that they work together
 * and at scale.
 */
import {
  DeleteObjectCommand,
  ListObjectVersionsCommand,
  PutBucketPolicyCommand,
  DeleteBucketPolicyCommand,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { mapConcurrently } from '../../src/lib/model/concurrency.ts';
import { PLAYS_ALL } from './support/seed.ts';
import { startRunsStage, type RunsStage } from './support/stages/runs.ts';

const SAME = 20;
const MISSING = 30;

let stage: RunsStage;
beforeAll(async () => {
  stage = await startRunsStage(async ({ source }) => {
    const s3 = source.s3();
    await putAll(s3, 'current', names('in/same/', SAME));
    await putAll(s3, 'current', [
      ...names('in/missing/', MISSING),
      'in/odd key/ü+%\u{1f600}',
      'out/of the rule',
    ]);
    for (const version of ['1', '2', '3']) await putAll(s3, 'history', names('h/', 8), `version ${version}`);
  });
  await putAll(stage.destination.s3(), 'current-replica', names('in/same/', SAME));
});
afterAll(async () => {
  await stage?.stop();
});

const names = (prefix: string, count: number): string[] =>
  Array.from({ length: count }, (_, index) => `${prefix}${index}`);

const putAll = async (s3: S3Client, bucket: string, keys: string[], body?: string): Promise<void> => {
  await mapConcurrently(keys, 24, async (key) => {
    await s3.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: body ?? `body of ${key}` }));
  });
};

/** Lists every version as `key etag`, in the order of keys and newest first within a key. */
const listed = async (s3: S3Client, Bucket: string, Prefix: string): Promise<string[]> => {
  const found: string[] = [];
  let marker: { KeyMarker?: string; VersionIdMarker?: string } = {};
  for (;;) {
    const page = await s3.send(new ListObjectVersionsCommand({ Bucket, Prefix, ...marker }));
    found.push(...(page.Versions ?? []).map(({ Key: key, ETag: etag }) => `${key} ${etag}`));
    if (page.NextKeyMarker === undefined) return found;
    marker = {
      KeyMarker: page.NextKeyMarker,
      ...(page.NextVersionIdMarker === undefined ? {} : { VersionIdMarker: page.NextVersionIdMarker }),
    };
  }
};

test('a backfill replicates existing objects, reports them, and announces its end', async () => {
  const { id } = await stage.ask({ kind: 'backfill', rule: 'current' });
  const run = await stage.untilOver(id);

  expect(run.phase).toBe('finished');
  // Waits until the run has recorded that the topic accepted the message.
  await stage.until(id, (now) => Reflect.get(now, 'announced') === true);
  const keys = SAME + MISSING + 1;
  expect(run.compared).toMatchObject({ keys, same: SAME, missing: MISSING + 1, hints: MISSING + 1 });
  expect(run.checked).toMatchObject({ keys, same: keys, missing: 0, different: 0, extra: 0, hints: 0 });
  expect(await listed(stage.destination.s3(), 'current-replica', 'in/')).toEqual(
    await listed(stage.source.s3(), 'current', 'in/'),
  );
  const report = await stage.report(run);
  expect(report).toMatchObject({ agrees: true, checked: run.checked, files: [], filesLeftOut: 0 });
  expect(await stage.file(`replication/${stage.names.stack}/${id}/report.html`)).toContain(id);
});

test('a second backfill of the same keys enqueues nothing', async () => {
  const { id } = await stage.ask({ kind: 'backfill', rule: 'current' });
  const run = await stage.untilOver(id);
  expect(run).toMatchObject({
    phase: 'finished',
    compared: { hints: 0, missing: 0, same: run.compared?.keys },
    copied: { done: 0, failed: 0 },
  });
});

test('a backfill replicates every version in order', async () => {
  const first = await stage.ask({ kind: 'backfill', rule: 'history' });
  const second = await stage.invoke({ kind: 'backfill', rule: 'history', prefix: 'h/1' });
  expect(second).toEqual({ refused: expect.stringContaining(first.id), run: first.id });
  const filled = await stage.untilOver(first.id);
  expect(filled).toMatchObject({
    phase: 'finished',
    compared: { keys: 8, missing: 8, versions: 24, hints: 8 },
    copied: { done: 8, failed: 0, copies: 24, outcomes: { replicated: 8 } },
    checked: { keys: 8, same: 8, versions: 24 },
  });
});

/** Changes the replicas of three keys and adds a fourth key, so that each of the four differs from the source in another way. */
const tamper = async (): Promise<void> => {
  const replica = stage.destination.s3();
  const { Versions: versions = [] } = await replica.send(
    new ListObjectVersionsCommand({ Bucket: 'history-replica', Prefix: 'copy/h/' }),
  );
  const versionOf = (key: string, nth: number): string | undefined =>
    versions.filter(({ Key }) => Key === key)[nth]?.VersionId;
  const remove = async (key: string, versionIds: (string | undefined)[]): Promise<void> => {
    for (const VersionId of versionIds)
      await replica.send(new DeleteObjectCommand({ Bucket: 'history-replica', Key: key, VersionId }));
  };
  const missing = 'copy/h/0';
  await remove(
    missing,
    [0, 1, 2].map((nth) => versionOf(missing, nth)),
  );
  await replica.send(
    new PutObjectCommand({ Bucket: 'history-replica', Key: 'copy/h/1', Body: 'of somebody else' }),
  );
  await replica.send(
    new PutObjectCommand({ Bucket: 'history-replica', Key: 'copy/h/extra, "so"', Body: 'x' }),
  );
  await remove('copy/h/2', [versionOf('copy/h/2', 2)]);
};

test('a verify finds every difference, and a repair fixes all but old versions and extra keys', async () => {
  await tamper();
  const { id } = await stage.ask({ kind: 'verify', rule: 'history' });
  const run = await stage.untilOver(id);
  expect(run).toMatchObject({
    phase: 'finished',
    compared: null,
    checked: { keys: 8, same: 5, missing: 1, different: 1, historyShorter: 1, extra: 1, hints: 0 },
    copied: { done: 0 },
  });
  const { agrees, files } = await stage.report(run);
  expect(agrees).toBe(false);
  const rows = (await Promise.all(files.map(({ key }) => stage.file(key)))).flatMap((text) =>
    text.trimEnd().split('\r\n').slice(1),
  );
  expect(rows.map((row) => row.split(',').slice(0, 2).join(',')).toSorted()).toEqual([
    '"h/0",missing',
    '"h/1",different',
    '"h/2",history-shorter',
    expect.stringMatching(/^"h\/extra/),
  ]);

  const repair = await stage.ask({ kind: 'verify', rule: 'history', repair: true });
  const repaired = await stage.untilOver(repair.id);
  expect(repaired.failure).toBe(null);
  expect(repaired).toMatchObject({
    phase: 'finished',
    // The oldest version of a key cannot be added below its newer versions. The extra key stays, because the repair does not
    // delete.
    checked: { keys: 8, missing: 0, different: 0, historyShorter: 1, extra: 1 },
  });
});

test('a run whose source cannot be listed fails and deletes nothing', async () => {
  const before = await listed(stage.destination.s3(), 'current-replica', '');
  const policy = {
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Deny',
        Principal: '*',
        Action: 's3:ListBucket',
        Resource: 'arn:aws:s3:::current',
        Condition: { ArnLike: { 'aws:PrincipalArn': 'arn:aws:iam::*:role/*-backfill' } },
      },
    ],
  };
  const s3 = stage.source.s3();
  await s3.send(new PutBucketPolicyCommand({ Bucket: 'current', Policy: JSON.stringify(policy) }));
  const { id } = await stage.ask({ kind: 'verify', rule: 'current', repair: true, deleteExtra: true });
  const run = await stage.untilOver(id);
  expect(run).toMatchObject({
    phase: 'failed',
    failure: { reason: 'access-denied', detail: expect.stringContaining('source bucket current') },
    compared: { extra: 0, hints: 0 },
  });
  await s3.send(new DeleteBucketPolicyCommand({ Bucket: 'current' }));
  await stage.ask({ action: 'cancel', run: id });
  expect(await listed(stage.destination.s3(), 'current-replica', '')).toEqual(before);
});

test('the batch function replicates the object of a task of S3 Batch Operations', async () => {
  const batch = stage.aws.lambda.function(stage.names.batchFunction);
  const task = { taskId: 't', s3Key: 'h/batch+%C3%BC', s3VersionId: null, s3Bucket: 'history' };
  await putAll(stage.source.s3(), 'history', ['h/batch ü']);
  const answer = await batch.run(
    JSON.stringify({ invocationSchemaVersion: '2.0', invocationId: 'i', job: { id: 'j' }, tasks: [task] }),
  );
  expect(JSON.parse(answer.payload)).toMatchObject({
    invocationId: 'i',
    results: [
      { taskId: 't', resultCode: 'Succeeded', resultString: expect.stringMatching(/replicated|unchanged/) },
    ],
  });
});

test('an invalid request is answered with all of its problems', async () => {
  const answer = await stage.invoke({ kind: 'copy', rule: 'none', since: 'yesterday', colour: 'red' });
  expect(answer).toEqual({
    problems: [
      expect.stringContaining('"colour" is not a field'),
      expect.stringContaining('"kind" is "copy"'),
      expect.stringContaining('there is no rule "none"'),
      expect.stringContaining('"since" is "yesterday"'),
    ],
  });
});

/** If AWS may stop loops of messages (`Terminate`), a run needs more than one chain of messages. `Allow` is tested only with `DRAW=all`. */
const RECURSIVE_LOOPS = PLAYS_ALL ? (['Allow', 'Terminate'] as const) : (['Terminate'] as const);

test.each(RECURSIVE_LOOPS)(
  'a backfill whose destination throttles for 20 minutes ends, with RecursiveLoop set to %s',
  async (recursiveLoop) => {
    const { aws, names: deployed } = stage;
    for (const name of [deployed.backfillFunction, deployed.replicateFunction])
      aws.lambda.function(name).setRecursiveLoop(recursiveLoop);
    const prefix = `${recursiveLoop}/`;
    // No event reports these objects.
    for (const key of names(prefix, 2))
      aws.s3.createSparseObject({ bucket: 'whole', key, sizeBytes: 10, seed: 1 });
    const untilMs = aws.clock.now() + 20 * 60_000;
    const throttle = { kind: 'error', status: 503, code: 'SlowDown' } as const;
    aws.faults.plan = ({ operation, path }) =>
      operation === 's3:PutObject' && path.startsWith('/whole-replica/') && aws.clock.now() < untilMs
        ? throttle
        : undefined;
    const { id } = await stage.ask({ kind: 'backfill', rule: 'whole', prefix });
    // The steps are small. If a message woke the run again and again, it would do so as often as in real time.
    while (aws.clock.now() < untilMs) {
      await stage.idle();
      aws.clock.advance(60_000);
      await sleep(100);
    }
    expect(await stage.untilOver(id, 20_000)).toMatchObject({
      phase: 'finished',
      compared: { missing: 2, hints: 2 },
      copied: { done: 2, failed: 0 },
      checked: { keys: 2, same: 2 },
    });
    aws.faults.plan = undefined;
  },
);
