/**
 * A destination denies writes. Its objects are quarantined with the reason, and a redrive replicates them once the permission is
 * restored.
 */
import { ListObjectVersionsCommand, PutBucketPolicyCommand } from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { refuseWrites } from '../../demo/refusal.ts';
import { expectReplicas, openUploads, seen } from './support/objects.ts';
import { onlyDeadLetter } from './support/only-dead-letter.ts';
import { bucketOf, watchRequests } from './support/operations.ts';
import { cli, deadLetters, purge, s3Record, send } from './support/queues.ts';
import { settled, startStage, type Stage } from './support/stages/stage.ts';

const MIB = 1024 * 1024;

let stage: Stage;
beforeAll(async () => {
  stage = await startStage();
});
afterAll(async () => {
  await stage?.stop();
});
beforeEach(() => purge(stage));
afterEach(() => {
  stage.aws.faults.plan = undefined;
});

const redrive = async (...argv: string[]): Promise<void> => {
  const run = await cli(stage, 'dlq', 'redrive', ...argv);
  expect(run).toMatchObject({ exitCode: 0 });
  expect(await settled(stage)).toBe(true);
  expect(await deadLetters(stage)).toEqual([]);
};

test('an object that the destination denies is quarantined with its reason, listed, and replicated by a redrive later', async () => {
  const allow = await refuseWrites(stage.destination.s3(), 'main-replica', 'denied/');
  const { VersionId: versionId } = await stage.put('main', 'denied/ü \u0001', 'x');
  await stage.put('main', 'allowed', 'y');
  expect(await onlyDeadLetter(stage)).toEqual({
    reason: 'access-denied',
    rule: 'main',
    destination: 'main-replica',
    bucket: 'main',
    key: 'denied%2F%C3%BC%20%01',
    version: versionId,
    'first-seen': expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
    attempts: '2',
    'request-id': expect.any(String),
    detail: expect.stringMatching(/^PutObject in destination bucket main-replica: AccessDenied: /),
  });
  await expectReplicas(stage, 'main', 'allowed');
  const { stdout } = await cli(stage, 'dlq', 'list', '--each', '--json');
  expect(JSON.parse(stdout)).toMatchObject({ reason: 'access-denied', key: 'denied/ü \u0001' });

  await allow();
  await redrive();
  await expectReplicas(stage, 'main', 'denied/ü \u0001');
});

test('an object is replicated without a dead letter if its permission was granted a minute ago and is not known yet', async () => {
  const role = stage.aws.iam.role('arn:aws:iam::222222222222:role/main-replica');
  if (role === undefined) throw new Error('there is no role main-replica');
  stage.aws.iam.putRole({ ...role, policies: [] });
  stage.aws.faults.propagation = { policyMs: 60_000 };
  stage.aws.iam.putRole(role);
  await stage.put('main', 'granted just now', 'x');
  expect(await settled(stage)).toBe(true);
  stage.aws.faults.propagation = undefined;
  expect(await deadLetters(stage)).toEqual([]);
  await expectReplicas(stage, 'main', 'granted just now');
  const line = stage.logs.find(
    ({ line: text }) => text.includes('"reason":"access-denied"') && text.includes('granted just now'),
  );
  expect(line?.line).toContain('"ending":"retry"');
});

test('a dead letter counts its attempts through several redrives', async () => {
  const allow = await refuseWrites(stage.destination.s3(), 'main-replica', 'stubborn');
  await stage.put('main', 'stubborn', 'x');
  const first = await onlyDeadLetter(stage);
  await cli(stage, 'dlq', 'redrive', '--prefix', 'stubborn');
  const second = await onlyDeadLetter(stage);
  expect(second).toMatchObject({ attempts: '4', 'first-seen': first['first-seen'] });
  await allow();
  await redrive('--reason', 'access-denied', '--limit', '5');
  await expectReplicas(stage, 'main', 'stubborn');
});

test('a large object that the destination denies leaves no upload behind', async () => {
  await stage.destination.s3().send(
    new PutBucketPolicyCommand({
      Bucket: 'lent-replica',
      Policy: JSON.stringify({
        Statement: [
          {
            Effect: 'Deny',
            Principal: '*',
            Action: 's3:PutObject',
            Resource: 'arn:aws:s3:::lent-replica/*',
            Condition: { Null: { 's3:if-none-match': 'false' } },
          },
        ],
      }),
    }),
  );
  await stage.putParts('lent', 'large', [Buffer.alloc(5 * MIB), Buffer.alloc(1)]);
  expect(await onlyDeadLetter(stage)).toMatchObject({
    reason: 'access-denied',
    detail: expect.stringContaining('Complete'),
  });
  expect(await openUploads(stage, 'lent-replica')).toEqual([]);
});

test('a denied destination does not delay the other one, which the redrive does not write again', async () => {
  const allow = await refuseWrites(stage.destination.s3('eu-central-1'), 'archive', 'acme/half');
  await stage.put('shared', 'reports/half.pdf', 'x');
  expect(await onlyDeadLetter(stage)).toMatchObject({ destination: 'archive' });
  expect(await seen(stage.destination.s3(), 'shared-replica', 'reports/half.pdf')).not.toBeNull();
  await allow();
  const requests = watchRequests(stage);
  await redrive();
  await expectReplicas(stage, 'shared', 'reports/half.pdf');
  expect(requests.filter((request) => request.includes('shared-replica'))).toEqual([]);
});

test('a redrive of an object that has been replicated meanwhile writes nothing', async () => {
  const allow = await refuseWrites(stage.destination.s3(), 'main-replica', 'meanwhile');
  await stage.put('main', 'meanwhile', 'x');
  await onlyDeadLetter(stage);
  await allow();
  await send(stage, { Records: [s3Record('main', 'meanwhile')] });
  expect(await settled(stage)).toBe(true);
  await expectReplicas(stage, 'main', 'meanwhile');
  const versions = await versionsOf('main-replica', 'meanwhile');
  expect(versions).toHaveLength(1);
  await redrive();
  expect(await versionsOf('main-replica', 'meanwhile')).toEqual(versions);
});

const versionsOf = async (bucket: string, key: string): Promise<string[]> => {
  const { Versions: versions = [] } = await stage.destination
    .s3()
    .send(new ListObjectVersionsCommand({ Bucket: bucket, Prefix: key }));
  return versions.map(({ VersionId: versionId }) => versionId ?? '');
};

test('a destination that throttles everything is avoided, and its objects arrive by themselves when it is back', async () => {
  const throttled = { kind: 'error', status: 503, code: 'SlowDown' } as const;
  stage.aws.faults.plan = (request) =>
    request.service === 's3' && bucketOf(request) === 'main-replica' ? throttled : undefined;
  const keys = Array.from({ length: 8 }, (_, index) => `avoided-${index}`);
  for (const key of keys) await stage.put('main', key, 'x');
  expect(await settled(stage, 180)).toBe(false);
  expect(stage.live.counts()).toEqual({ visible: 0, delayed: 0, inFlight: 0 });
  const { stdout } = await cli(stage, 'waiting', 'list', '--json', '--rule', 'main');
  expect(JSON.parse(stdout)).toMatchObject([{ messages: expect.any(Number), reason: 'throttled' }]);
  stage.aws.faults.plan = undefined;
  expect(await settled(stage)).toBe(true);
  for (const key of keys) await expectReplicas(stage, 'main', key);
  expect(await deadLetters(stage)).toEqual([]);
});

test('a destination that denies every write but may be read is avoided, and its objects arrive by themselves when it takes them', async () => {
  const allow = await refuseWrites(stage.destination.s3(), 'main-replica', '');
  const keys = Array.from({ length: 8 }, (_, index) => `unwritable-${index}`);
  for (const key of keys) await stage.put('main', key, 'x');
  expect(await settled(stage, 180)).toBe(false);
  const { stdout } = await cli(stage, 'waiting', 'list', '--json', '--rule', 'main');
  expect(JSON.parse(stdout)).toMatchObject([{ messages: expect.any(Number), reason: 'access-denied' }]);
  await allow();
  expect(await settled(stage)).toBe(true);
  for (const key of keys) await expectReplicas(stage, 'main', key);
  expect(await deadLetters(stage)).toEqual([]);
});

test('a destination that does not answer keeps nothing else waiting, and gets its objects when it answers again', async () => {
  stage.aws.faults.plan = (request) =>
    request.caller.kind === 'session' && request.service === 's3' && bucketOf(request) === 'plain-replica'
      ? { kind: 'delay', byMs: 600_000 }
      : undefined;
  const keys = Array.from({ length: 24 }, (_, index) => `hanging/${index}`);
  for (const key of keys) await stage.put('plain', key, key);
  await stage.put('main', 'beside a hanging destination', 'x');
  const isReplicated = async (bucket: string, key: string): Promise<boolean> =>
    (await seen(stage.destination.s3(), bucket, key)) !== null;
  await expect.poll(() => isReplicated('main-replica', 'beside a hanging destination')).toBe(true);
  expect(await isReplicated('plain-replica', 'hanging/0')).toBe(false);

  stage.aws.faults.plan = undefined;
  expect(await settled(stage)).toBe(true);
  for (const key of keys) await expectReplicas(stage, 'plain', key);
  expect(await deadLetters(stage)).toEqual([]);
});
