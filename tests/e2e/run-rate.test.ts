/**
 * The rate of a run on the packaged stack. The tests count the requests of its functions to S3, by the clock of the local AWS. Only the
 * soak and `DRAW=all` run these tests, because a run at a rate takes its time.
 */
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runReplicatorCli } from '../../demo/replicator-cli.ts';
import { mapConcurrently } from '../../src/lib/model/concurrency.ts';
import { bucketOf, operationOf } from './support/operations.ts';
import { PLAYS_ALL } from './support/seed.ts';
import { type RunsStage, startRunsStage } from './support/stages/runs.ts';

const OBJECTS = 150;
const OBJECT_BYTES = 1_000;
/** The buckets that are filled before the deployment: one for each run. */
const BUCKETS = { current: 'in/', whole: '', locked: 'latest/' };

let stage: RunsStage;
beforeAll(async () => {
  if (!PLAYS_ALL) return;
  stage = await startRunsStage(async ({ source }) => {
    const keys = Object.entries(BUCKETS).flatMap(([bucket, prefix]) =>
      Array.from({ length: OBJECTS }, (_, index) => ({ Bucket: bucket, Key: `${prefix}${index}` })),
    );
    await mapConcurrently(keys, 24, async (place) => {
      await source.s3().send(new PutObjectCommand({ ...place, Body: 'x'.repeat(OBJECT_BYTES) }));
    });
  });
});
afterAll(async () => {
  await stage?.stop();
});

interface Asked {
  atMs: number;
  operation: string;
}

/** Runs the backfill of the rule. Resolves to what the functions asked of the buckets of the rule, with the time of the local AWS. */
const backfill = async (rule: string, ...options: string[]): Promise<Asked[]> => {
  const { aws } = stage;
  const asked: Asked[] = [];
  aws.faults.plan = (request) => {
    if (request.service === 's3' && request.caller.kind === 'session' && bucketOf(request).startsWith(rule))
      asked.push({ atMs: aws.clock.now(), operation: operationOf(request) });
    return undefined;
  };
  const argv = ['backfill', 'start', '--rule', rule, '--yes', '--estimate', 'none', '--json', ...options];
  const { exitCode, stdout, stderr } = await runReplicatorCli(
    [...argv, '--config', stage.replicationFile],
    stage.source.environment(),
  );
  expect(exitCode, stderr).toBe(0);
  const [{ id }] = JSON.parse(stdout).runs;
  expect(await stage.untilOver(id)).toMatchObject({ phase: 'finished', checked: { same: OBJECTS } });
  aws.faults.plan = undefined;
  return asked;
};

/**
 * Returns the highest ratio of the work that was done to the work that the rate allows by then, for all times since the first request. At a
 * ratio of 1, the run keeps exactly to its rate. Two seconds of work may be done at the beginning.
 */
const mostAhead = (asked: Asked[], perSecond: number, weigh: (operation: string) => number): number => {
  let done = 0;
  const ratios = asked.map(({ atMs, operation }) => {
    done += weigh(operation);
    return done / (perSecond * ((atMs - asked[0]!.atMs) / 1_000 + 2));
  });
  return Math.max(...ratios);
};

test.runIf(PLAYS_ALL)(
  'a run keeps below its requests or bytes per second, and a run without a rate does not',
  async () => {
    const [requests, bytes] = [10, 2_500];
    const each = () => 1;
    const ofBody = (operation: string) => (operation === 's3:PutObject' ? OBJECT_BYTES : 0);
    const byRequests = await backfill('current', '--max-requests-per-second', String(requests));
    expect(mostAhead(byRequests, requests, each)).toBeLessThanOrEqual(1.05);
    const byBytes = await backfill('whole', '--max-bytes-per-second', String(bytes));
    expect(mostAhead(byBytes, bytes, ofBody)).toBeLessThanOrEqual(1.05);
    const free = await backfill('locked');
    expect(mostAhead(free, requests, each)).toBeGreaterThan(1.5);
    expect(mostAhead(free, bytes, ofBody)).toBeGreaterThan(1.5);
  },
);
