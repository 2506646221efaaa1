/** The source of a run disappears or can no longer be read. Nothing at the destination is ever deleted for that reason. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import {
  DeleteObjectCommand,
  ListObjectVersionsCommand,
  PutBucketNotificationConfigurationCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { REPOSITORY } from '../../demo/package-stack.ts';
import type { CliRun } from '../../demo/replicator-cli.ts';
import type { LocalAws } from '@s3-replicator/local-aws';
import { PLAYS_ALL } from './support/seed.ts';
import { historiesIn } from './support/backfill/truth.ts';
import { operationOf } from './support/operations.ts';
import { type RunsStage, startRunsStage } from './support/stages/runs.ts';

/**
 * How many keys the source has. Their listing takes several pages, so that a run can be interrupted between two pages. Nearly all
 * keys are replicated already.
 */
const KEYS = 2_100;
const MISSING = 20;

let stage: RunsStage;
beforeAll(async () => {
  stage = await startRunsStage(async ({ aws }) => {
    for (const bucket of ['current', 'whole']) plant(aws, bucket, 'in/', KEYS);
    plant(aws, 'history', 'h/', 40);
  });
  plant(stage.aws, 'current-replica', 'in/', KEYS - MISSING);
  plant(stage.aws, 'whole-replica', 'copy/in/', KEYS - MISSING);
});
afterAll(async () => {
  await stage?.stop();
});
afterEach(() => {
  stage.aws.faults.plan = undefined;
});

const plant = (aws: LocalAws, bucket: string, prefix: string, count: number): void => {
  for (let index = 0; index < count; index += 1)
    aws.s3.createSparseObject({ bucket, key: `${prefix}${index}`, sizeBytes: index % 100, seed: 1 });
};

/** Calls `act` when the functions send their third transaction. By then, the run and the result of its first page are stored. */
const inMidRun = (act: () => void): void => {
  let commits = 0;
  stage.aws.faults.plan = (request) => {
    if (request.caller.kind !== 'session' || operationOf(request) !== 'dynamodb:TransactWriteItems')
      return undefined;
    commits += 1;
    if (commits === 3) act();
    return undefined;
  };
};

const LOCKED_OUT = {
  Version: '2012-10-17' as const,
  Statement: [
    {
      Effect: 'Deny' as const,
      Principal: '*' as const,
      Action: ['s3:ListBucket', 's3:ListBucketVersions'],
      Resource: 'arn:aws:s3:::current',
      Condition: { ArnLike: { 'aws:PrincipalArn': 'arn:aws:iam::*:role/*-backfill' } },
    },
  ],
};

test('a run that loses access to its source fails with the reason, and continues where it stopped when it is resumed', async () => {
  inMidRun(() => stage.aws.s3.setBucketPolicy('current', LOCKED_OUT));
  const { id } = await stage.ask({ kind: 'verify', repair: true, rule: 'current', deleteExtra: true });
  const failed = await stage.untilOver(id);
  expect(failed).toMatchObject({
    phase: 'failed',
    failure: { reason: 'access-denied', detail: expect.stringContaining('source bucket current') },
    compared: { extra: 0 },
    checked: null,
    copied: { outcomes: expect.not.objectContaining({ deleted: expect.anything() }) },
  });
  const { keys = 0 } = failed.compared ?? {};
  expect(keys).toBeGreaterThan(0);
  expect(keys).toBeLessThan(KEYS);

  stage.aws.s3.setBucketPolicy('current', null);
  await stage.ask({ action: 'resume', run: id });
  const run = await stage.untilOver(id);
  expect(run).toMatchObject({
    phase: 'finished',
    failure: null,
    compared: { keys: KEYS, same: KEYS - MISSING, missing: MISSING, hints: MISSING },
    copied: { done: MISSING, failed: 0 },
    checked: { keys: KEYS, same: KEYS, extra: 0 },
  });
});

test.runIf(PLAYS_ALL)(
  'a run whose source bucket is deleted meanwhile fails and deletes nothing',
  async () => {
    const before = await replicasOf('whole-replica');
    inMidRun(() => stage.aws.s3.deleteBucket('whole', { force: true }));
    const { id } = await stage.ask({ kind: 'verify', repair: true, rule: 'whole', deleteExtra: true });
    expect(await stage.untilOver(id)).toMatchObject({
      phase: 'failed',
      failure: { reason: 'no-such-bucket', detail: expect.stringContaining('whole') },
      compared: { extra: 0 },
    });
    // Hints were sent before the failure. Their objects no longer exist at the source, so the hints change nothing.
    await stage.until(id, ({ compared, copied }) => copied.done + copied.failed >= (compared?.hints ?? 0));
    const after = await replicasOf('whole-replica');
    for (const [key, states] of before) expect(after.get(key)).toEqual(states);
  },
);

test.runIf(PLAYS_ALL)(
  'objects that are deleted at the source during a run stay at the destination and are reported as extra',
  async () => {
    const { id } = await stage.ask({ kind: 'backfill', rule: 'history' });
    await stage.until(id, ({ copied }) => copied.done > 0);
    expect(await stage.ask({ action: 'pause', run: id })).toMatchObject({ phase: 'paused' });
    const s3 = stage.source.s3();
    const { Versions: versions = [] } = await s3.send(new ListObjectVersionsCommand({ Bucket: 'history' }));
    for (const { Key, VersionId } of versions)
      await s3.send(new DeleteObjectCommand({ Bucket: 'history', Key, VersionId }));
    await stage.ask({ action: 'resume', run: id });
    const run = await stage.untilOver(id);

    const replicas = [...(await replicasOf('history-replica', 'copy/')).keys()];
    expect(replicas.length).toBeGreaterThan(0);
    expect(run).toMatchObject({ phase: 'finished', checked: { keys: 0, extra: replicas.length } });
    const { id: again } = await stage.ask({ kind: 'verify', rule: 'history', repair: true });
    expect(await stage.untilOver(again)).toMatchObject({
      checked: { keys: 0, extra: replicas.length },
    });
    expect([...(await replicasOf('history-replica', 'copy/')).keys()]).toEqual(replicas);
    expect(await stage.invoke({ kind: 'verify', rule: 'history', repair: true, deleteExtra: true })).toEqual({
      problems: [expect.stringContaining('deletes')],
    });
  },
);

const replicasOf = (bucket: string, prefix = '') => historiesIn(stage.destination.s3(), bucket, prefix);

/**
 * Runs the command line as if somebody typed `typed` at a terminal. Meanwhile moves the clock of the local AWS, because runs wait
 * between their steps.
 */
const typing = async (typed: string, ...argv: string[]): Promise<CliRun> => {
  const timer = setInterval(() => stage.aws.clock.advance(1_000), 100);
  const terminal = 'process.stdin.isTTY=true;process.stderr.isTTY=true';
  const env = {
    ...process.env,
    ...stage.source.environment(),
    NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(terminal)}`,
  };
  const script = join(REPOSITORY, 'bin', 's3-replicator.mjs');
  try {
    return await new Promise((resolve) => {
      const child = execFile(
        process.execPath,
        [script, ...argv, '--config', stage.replicationFile],
        { env },
        (error, stdout, stderr) =>
          resolve({ exitCode: Number(error === null ? 0 : error.code), stdout, stderr }),
      );
      child.stdin?.end(`${typed}\n`);
    });
  } finally {
    clearInterval(timer);
  }
};

test('only --delete-extra with the typed bucket name deletes extra objects, and only those that the replicator wrote', async () => {
  // Without notifications, only a run can replicate the deletes below.
  const s3 = stage.source.s3();
  await s3.send(
    new PutBucketNotificationConfigurationCommand({ Bucket: 'current', NotificationConfiguration: {} }),
  );
  // The test itself wrote most of the replicas. The replicator wrote only those of the last keys.
  const gone = [1, 2, 3].map((index) => `in/${KEYS - index}`);
  for (const Key of gone) {
    const { Versions: versions = [] } = await s3.send(
      new ListObjectVersionsCommand({ Bucket: 'current', Prefix: Key }),
    );
    const { VersionId } = versions.find((version) => version.Key === Key) ?? {};
    await s3.send(new DeleteObjectCommand({ Bucket: 'current', Key, VersionId }));
  }
  const foreign = 'in/of somebody else';
  await stage.destination
    .s3()
    .send(new PutObjectCommand({ Bucket: 'current-replica', Key: foreign, Body: 'kept' }));
  const before = await replicasOf('current-replica');

  const repair = [
    'verify',
    'start',
    '--rule',
    'current',
    '--repair',
    '--estimate',
    'none',
    '--yes',
    '--wait',
  ];
  const careful = await typing('', ...repair);
  expect(careful.stdout).toContain('4 keys are only at the destination');
  expect(await replicasOf('current-replica')).toEqual(before);

  const wrong = await typing('current', ...repair, '--delete-extra');
  expect(wrong).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('Not confirmed') });
  expect(await replicasOf('current-replica')).toEqual(before);

  const right = await typing('current-replica', ...repair, '--delete-extra');
  expect(right).toMatchObject({ exitCode: 0, stderr: expect.stringContaining('Type current-replica') });
  const after = await replicasOf('current-replica');
  const deleted = [...after].filter(([, states]) => states.at(-1)?.etag === null).map(([key]) => key);
  expect(deleted.toSorted()).toEqual(gone.toSorted());
  // All earlier versions still exist below the delete markers.
  for (const [key, states] of before) expect(after.get(key)?.slice(0, states.length)).toEqual(states);
  expect(after.get(foreign)).toHaveLength(1);
});
