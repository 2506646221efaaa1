/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/batch-ops-invoke-lambda.html */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { createRefusals } from '../../src/lib/delivery/refusals.ts';
import { answerBatch } from '../../src/lib/replicate/batch-operations.ts';
import type { Circuits } from '../../src/lib/delivery/circuits.ts';
import { ReplicationError } from '../../src/lib/model/errors.ts';
import type { Reason } from '../../src/lib/model/reasons.ts';
import { noBrakes } from '../model/memory-brakes.ts';
import { closedCircuits } from '../model/memory-circuits.ts';
import { createMemoryBucket } from '../model/memory-buckets.ts';
import { memoryDestination } from '../model/memory-destination.ts';
import { memorySource } from '../model/memory-source.ts';
import { noTransfers } from '../model/memory-transfers.ts';
import { memoryVersionReceipts } from '../model/memory-version-receipts.ts';
import { testConfiguration, testDestination, testInvocation, testRule } from '../model/settings.ts';

const NOW = Date.parse('2026-11-22T12:00:00Z');

const world = (failure: Reason | null = null, healthy: string[] = [], circuits: Partial<Circuits> = {}) => {
  let nowMs = NOW;
  const clock = { now: () => nowMs, sleep: async () => undefined };
  const refusals = createRefusals(clock);
  const brake = noBrakes;
  const source = createMemoryBucket('enabled', clock.now);
  const replica = createMemoryBucket('enabled', clock.now);
  const healthyReplica = createMemoryBucket('enabled', clock.now);
  const rule = testRule({
    versions: 'latest',
    destinations: [
      testDestination({ id: 'one' }),
      ...healthy.map((id) => testDestination({ id, bucket: id })),
    ],
  });
  const answer = (event: unknown, deadlineMs = nowMs + 1_000) =>
    answerBatch(event, {
      configuration: testConfiguration(rule),
      buckets: {
        source: () => memorySource(source, async () => undefined),
        destination: ({ id }) =>
          memoryDestination(id === 'one' ? replica : healthyReplica, async () => {
            if (id === 'one' && failure !== null) throw new ReplicationError(failure, 'so it is');
          }),
      },
      circuits: { ...closedCircuits, ...circuits },
      brake,
      clock,
      refusals,
      invocation: testInvocation({ deadlineMs }),
      ...noTransfers(),
      versionReceipts: memoryVersionReceipts(),
    });
  const wait = (ms: number) => void (nowMs += ms);
  return { source, replica, healthyReplica, answer, wait, bucket: rule.source.bucket };
};

const event = (...tasks: object[]) => ({
  invocationSchemaVersion: '2.0',
  invocationId: 'I',
  job: { id: 'J' },
  tasks,
});
const task = (bucket: string, s3Key: string, more: object = {}) => ({
  taskId: `task of ${s3Key}`,
  s3Key,
  s3VersionId: null,
  s3Bucket: bucket,
  ...more,
});

test('each task of S3 Batch Operations is replicated and answered by its id', async () => {
  const { source, replica, answer, bucket } = world();
  source.put('a b/ü', Buffer.from('one'));
  source.put('c', Buffer.from('two'));
  expect(await answer(event(task(bucket, 'a+b%2F%C3%BC'), task(bucket, 'c', { s3VersionId: '' })))).toEqual({
    invocationSchemaVersion: '2.0',
    treatMissingKeysAs: 'TemporaryFailure',
    invocationId: 'I',
    results: [
      { taskId: 'task of a+b%2F%C3%BC', resultCode: 'Succeeded', resultString: 'one: replicated' },
      { taskId: 'task of c', resultCode: 'Succeeded', resultString: 'one: replicated' },
    ],
  });
  expect([...replica.history.keys()]).toEqual(['a b/ü', 'c']);
});

test('a task of the older schema names its bucket by ARN', async () => {
  const { source, answer, bucket } = world();
  source.put('k', Buffer.from('one'));
  const { results } = await answer({
    ...event(task(bucket, 'k', { s3Bucket: undefined, s3BucketArn: `arn:aws:s3:::${bucket}` })),
    invocationSchemaVersion: '1.0',
  });
  expect(results).toMatchObject([{ resultCode: 'Succeeded' }]);
});

test.each<[Reason, string]>([
  ['throttled', 'TemporaryFailure'],
  ['connection-lost', 'TemporaryFailure'],
  ['sse-c', 'PermanentFailure'],
])('a task that fails with %s is a %s', async (reason, resultCode) => {
  const { source, answer, bucket } = world(reason);
  source.put('k', Buffer.from('one'));
  const { results } = await answer(event(task(bucket, 'k')));
  expect(results).toEqual([
    { taskId: 'task of k', resultCode, resultString: expect.stringMatching(`^one: ${reason}: `) },
  ]);
});

test('a refused permission is a temporary failure for two minutes, and a permanent one from then on', async () => {
  const { source, answer, wait, bucket } = world('kms');
  source.put('k', Buffer.from('one'));
  const codes: unknown[] = [];
  for (const ms of [0, 60_000, 59_000, 1_000, 60_000, 20 * 60_000]) {
    wait(ms);
    const { results } = await answer(event(task(bucket, 'k')));
    codes.push(results[0]?.resultCode);
  }
  const temporary = 'TemporaryFailure';
  const permanent = 'PermanentFailure';
  expect(codes).toEqual([temporary, temporary, temporary, permanent, permanent, temporary]);
});

test('a task whose destination is avoided is a temporary failure, and no attempt is made', async () => {
  const { source, replica, answer, bucket } = world(null, [], {
    async admit() {
      throw new ReplicationError('assume-role-denied', 'avoided', { isAvoided: true });
    },
  });
  source.put('k', Buffer.from('one'));
  expect((await answer(event(task(bucket, 'k')))).results).toMatchObject([
    { resultCode: 'TemporaryFailure', resultString: expect.stringMatching(/^one: assume-role-denied/) },
  ]);
  expect(replica.history.size).toBe(0);
});

test('a destination that fails does not keep the others from being replicated', async () => {
  const { source, healthyReplica, answer, bucket } = world('object-lock', ['two']);
  source.put('k', Buffer.from('one'));
  const { results } = await answer(event(task(bucket, 'k')));
  expect(results).toMatchObject([{ resultCode: 'PermanentFailure' }]);
  expect(results[0]?.resultString).toMatch(/^one: object-lock: .*, two: replicated$/);
  expect(healthyReplica.current('k')?.bytes.toString()).toBe('one');
});

test('a task whose object is not in the source bucket is a permanent failure', async () => {
  const { answer, bucket } = world();
  const { results } = await answer(event(task(bucket, 'k')));
  expect(results).toMatchObject([
    { resultCode: 'PermanentFailure', resultString: 'one: the object is not in the source bucket' },
  ]);
});

test('a task without a rule or a valid key is a permanent failure, and one without enough time a temporary one', async () => {
  const { answer, bucket } = world();
  const { results } = await answer(event(task('other', 'k'), task(bucket, '%zz'), { taskId: 'x' }));
  expect(results.map(({ resultCode }) => resultCode)).toEqual([
    'PermanentFailure',
    'PermanentFailure',
    'PermanentFailure',
  ]);
  expect((await answer(event(task(bucket, 'k')), NOW)).results).toMatchObject([
    { resultCode: 'TemporaryFailure', resultString: expect.stringMatching(/^one: out-of-time/) },
  ]);
});

test('an event that is no invocation of S3 Batch Operations is refused as a whole', async () => {
  const { answer } = world();
  await expect(answer({ Records: [] })).rejects.toMatchObject({ reason: 'malformed-message' });
  await expect(answer(null)).rejects.toMatchObject({ reason: 'malformed-message' });
});

test('events/batch-operations.json is a valid event of S3 Batch Operations', async () => {
  const { answer } = world();
  const sample: unknown = JSON.parse(readFileSync('events/batch-operations.json', 'utf8'));
  expect((await answer(sample)).results).toMatchObject([{ taskId: 'dGFza2lkZ29lc2hlcmUK' }]);
});
