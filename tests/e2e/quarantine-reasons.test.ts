/**
 * Tests every reason that needs a person. The object is quarantined with the reason, and a redrive replicates the object once the
 * cause is removed.
 */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { expectReplicas } from './support/objects.ts';
import { onlyDeadLetter } from './support/only-dead-letter.ts';
import { bucketOf, keyOf, operationOf } from './support/operations.ts';
import { deadLetters, purge, redriveAll, s3Record, send } from './support/queues.ts';
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

const redriveUntilEmpty = async (): Promise<void> => {
  await redriveAll(stage);
  expect(await settled(stage)).toBe(true);
  expect(await deadLetters(stage)).toEqual([]);
};

/** Ends the processes of the function. New processes have no cached credentials. */
const forgetCredentials = () => stage.aws.lambda.killEnvironments(stage.names.replicateFunction);

test('a wrong external id is quarantined as assume-role-denied', async () => {
  const arn = 'arn:aws:iam::222222222222:role/main-replica';
  const role = stage.aws.iam.role(arn);
  if (role === undefined) throw new Error(`there is no role ${arn}`);
  const changed = JSON.parse(JSON.stringify(role.assumeRolePolicy).replace('"e2e"', '"another"'));
  stage.aws.iam.putRole({ ...role, assumeRolePolicy: changed });
  await forgetCredentials();
  await stage.put('main', 'distrusted', 'x');
  expect(await onlyDeadLetter(stage)).toMatchObject({
    reason: 'assume-role-denied',
    detail: expect.stringContaining(arn),
  });
  stage.aws.iam.putRole(role);
  await redriveUntilEmpty();
  await expectReplicas(stage, 'main', 'distrusted');
});

test('a missing destination bucket is quarantined as no-such-bucket', async () => {
  stage.aws.s3.deleteBucket('suspended-replica', { force: true });
  await stage.put('suspended', 'k', 'x');
  await stage.putParts('suspended', 'large', [Buffer.alloc(5 * MIB), Buffer.alloc(1)]);
  expect(await settled(stage)).toBe(true);
  const reasons = (await deadLetters(stage)).map(({ attributes }) => attributes['reason']);
  expect(reasons).toEqual(['no-such-bucket', 'no-such-bucket']);
  stage.aws.s3.createBucket({ name: 'suspended-replica', accountId: '222222222222', region: 'us-east-1' });
  await redriveUntilEmpty();
  await expectReplicas(stage, 'suspended', 'k');
});

test('a missing source bucket is quarantined as no-such-bucket', async () => {
  stage.aws.s3.deleteBucket('plain', { force: true });
  await send(stage, { Records: [s3Record('plain', 'k')] });
  expect(await onlyDeadLetter(stage)).toMatchObject({ reason: 'no-such-bucket', bucket: 'plain' });
});

test('an object with a customer-provided key is quarantined as sse-c', async () => {
  // This bucket rejects SSE-C, as all new buckets do, so the error is injected. attributes.test.ts uses a real object with SSE-C.
  stage.aws.faults.plan = (request) =>
    bucketOf(request) === 'main' && keyOf(request) === 'sse-c' && operationOf(request) === 's3:GetObject'
      ? { kind: 'error', status: 400, code: 'InvalidRequest' }
      : undefined;
  await send(stage, { Records: [s3Record('main', 'sse-c')] });
  expect(await onlyDeadLetter(stage)).toMatchObject({ reason: 'sse-c' });
});

test.each(['GLACIER', 'DEEP_ARCHIVE'] as const)(
  'an object in class %s is quarantined as archived',
  async (storageClass) => {
    await stage.put('main', storageClass, 'x', { StorageClass: storageClass });
    expect(await onlyDeadLetter(stage)).toMatchObject({
      reason: 'archived',
      detail: expect.stringContaining('InvalidObjectState'),
    });
    await stage.put('main', storageClass, 'x', { StorageClass: 'STANDARD' });
    expect(await settled(stage)).toBe(true);
    await redriveUntilEmpty();
    await expectReplicas(stage, 'main', storageClass);
  },
);

test('a key that is too long with the destination prefix is quarantined as key-too-long', async () => {
  const fits = `images/${'k'.repeat(1_003)}`;
  await stage.put('shared', fits, 'x');
  await stage.put('shared', `${fits}k`, 'x');
  expect(await onlyDeadLetter(stage)).toMatchObject({
    reason: 'key-too-long',
    key: encodeURIComponent(`${fits}k`),
  });
  await expectReplicas(stage, 'shared', fits);
});

test('a hint of a removed rule is quarantined as unknown-rule', async () => {
  const hint = {
    's3-replicator': 'hint',
    bucket: 'main',
    key: 'k',
    rule: 'gone',
    destination: 'main-replica',
  };
  await send(stage, hint);
  expect(await onlyDeadLetter(stage)).toMatchObject({ reason: 'unknown-rule' });
});

test('a destination bucket in another region is quarantined as wrong-region', async () => {
  stage.aws.s3.deleteBucket('main-replica', { force: true });
  stage.aws.s3.createBucket({ name: 'main-replica', accountId: '222222222222', region: 'eu-west-1' });
  await stage.put('main', 'abroad', 'x');
  expect(await onlyDeadLetter(stage)).toMatchObject({ reason: 'wrong-region' });
  stage.aws.s3.deleteBucket('main-replica', { force: true });
  stage.aws.s3.createBucket({ name: 'main-replica', accountId: '222222222222', region: 'us-east-1' });
  await redriveUntilEmpty();
  await expectReplicas(stage, 'main', 'abroad');
});

test('a destination role without access to its KMS key is quarantined as access-denied', async () => {
  const arn = 'arn:aws:iam::222222222222:role/secrets-replica';
  const role = stage.aws.iam.role(arn);
  if (role === undefined) throw new Error(`there is no role ${arn}`);
  const without = JSON.parse(
    JSON.stringify(role.policies).replaceAll('kms:GenerateDataKey', 'kms:DescribeKey'),
  );
  stage.aws.iam.putRole({ ...role, policies: without });
  await stage.put('secrets', 'k', 'x');
  // S3 returns AccessDenied rather than an error of KMS. The message of the error names the action.
  expect(await onlyDeadLetter(stage)).toMatchObject({
    reason: 'access-denied',
    detail: expect.stringContaining('kms:GenerateDataKey'),
  });
  stage.aws.iam.putRole(role);
  await redriveUntilEmpty();
  await expectReplicas(stage, 'secrets', 'k');
});

test('a retryable failure is quarantined as retries-exhausted after twelve attempts and two hours', async () => {
  stage.aws.faults.plan = (request) =>
    operationOf(request) === 's3:GetObject' &&
    keyOf(request) === 'hopeless' &&
    request.caller.kind === 'session'
      ? { kind: 'error', status: 409, code: 'OperationAborted' }
      : undefined;
  await stage.put('main', 'hopeless', 'x');
  // With steps of eleven minutes, two hours take few attempts.
  expect(await settled(stage, 20_000, 11 * 60)).toBe(true);
  const [letter, ...others] = await deadLetters(stage);
  expect(others).toEqual([]);
  expect(letter?.body).toContain('"key":"hopeless"');
  expect(letter?.attributes['reason']).toBe('retries-exhausted');
  expect(Number(letter?.attributes['attempts'])).toBeGreaterThanOrEqual(12);
  stage.aws.faults.plan = undefined;
  await redriveUntilEmpty();
  await expectReplicas(stage, 'main', 'hopeless');
});
