/** What needs a person: quarantined with its reason, mended, redriven. */
import { ListObjectVersionsCommand, PutBucketPolicyCommand } from '@aws-sdk/client-s3';
import { StartMessageMoveTaskCommand } from '@aws-sdk/client-sqs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { refuseWrites } from '../../demo/refusal.ts';
import { expectReplicas, openUploads, put, seen } from './support/objects.ts';
import { bucketOf, keyOf, operationOf, watchRequests } from './support/operations.ts';
import { cli, deadLetters, purge, s3Record, send } from './support/queues.ts';
import { settled, startStage, type Stage } from './support/stage.ts';
import { putParts } from './support/uploads.ts';

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

/** The one dead letter there is, once everything has settled. */
const quarantined = async () => {
  expect(await settled(stage)).toBe(true);
  const letters = await deadLetters(stage);
  expect(letters).toHaveLength(1);
  return letters[0]?.attributes ?? {};
};

const redrive = async (...argv: string[]): Promise<void> => {
  const run = await cli(stage, 'dlq', 'redrive', ...argv);
  expect(run).toMatchObject({ exitCode: 0 });
  expect(await settled(stage)).toBe(true);
  expect(await deadLetters(stage)).toEqual([]);
};

/** As `dlq redrive` without a filter does, but for the second it waits before it looks whether the task has ended. */
const redriveAll = async (): Promise<void> => {
  const arn = stage.outputs['DeadLetterQueueArn'];
  await stage.source.sqs.send(
    new StartMessageMoveTaskCommand({ SourceArn: arn, DestinationArn: stage.outputs['LiveQueueArn'] }),
  );
  await stage.waitUntil('the dead-letter queue is empty', async () => stage.dead.counts().visible === 0);
  expect(await settled(stage)).toBe(true);
  expect(await deadLetters(stage)).toEqual([]);
};

/** New processes: nothing remembered, no credentials kept. */
const forgetCredentials = () => stage.aws.lambda.killEnvironments(stage.names.replicateFunction);

describe('a denied destination', () => {
  test('is quarantined with its reason, listed, and replicated by a redrive once it is mended', async () => {
    const allow = await refuseWrites(stage.destination.s3(), 'main-replica', 'denied/');
    const { VersionId: versionId } = await put(stage, 'main', 'denied/ü \u0001', 'x');
    await put(stage, 'main', 'allowed', 'y');
    expect(await quarantined()).toEqual({
      reason: 'access-denied',
      rule: 'main',
      destination: 'main-replica',
      bucket: 'main',
      key: 'denied%2F%C3%BC%20%01',
      version: versionId,
      'first-seen': expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
      attempts: '1',
      'request-id': expect.any(String),
      detail: expect.stringMatching(
        /^PutObject in destination bucket main-replica: AccessDenied: .* then redrive\.$/,
      ),
    });
    await expectReplicas(stage, 'main', 'allowed');
    const { stdout } = await cli(stage, 'dlq', 'list', '--json');
    expect(JSON.parse(stdout)).toMatchObject([{ reason: 'access-denied', key: 'denied/ü \u0001' }]);

    await allow();
    await redrive();
    await expectReplicas(stage, 'main', 'denied/ü \u0001');
  });

  test('counts its attempts through several redrives', async () => {
    const allow = await refuseWrites(stage.destination.s3(), 'main-replica', 'stubborn');
    await put(stage, 'main', 'stubborn', 'x');
    const first = await quarantined();
    await cli(stage, 'dlq', 'redrive', '--prefix', 'stubborn');
    const second = await quarantined();
    expect(second).toMatchObject({ attempts: '2', 'first-seen': first['first-seen'] });
    await allow();
    await redrive('--reason', 'access-denied', '--limit', '5');
    await expectReplicas(stage, 'main', 'stubborn');
  });

  test('keeps a large object from leaving an upload behind', async () => {
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
    await putParts(stage, 'lent', 'large', [Buffer.alloc(5 * MIB), Buffer.alloc(1)]);
    expect(await quarantined()).toMatchObject({
      reason: 'access-denied',
      detail: expect.stringContaining('Complete'),
    });
    expect(await openUploads(stage, 'lent-replica')).toEqual([]);
  });

  test('does not keep the other destination waiting, which is not written again by the redrive', async () => {
    const allow = await refuseWrites(stage.destination.s3('eu-central-1'), 'archive', 'acme/half');
    await put(stage, 'shared', 'reports/half.pdf', 'x');
    expect(await quarantined()).toMatchObject({ destination: 'archive' });
    expect(await seen(stage.destination.s3(), 'shared-replica', 'reports/half.pdf')).not.toBeNull();
    await allow();
    const requests = watchRequests(stage);
    await redrive();
    await expectReplicas(stage, 'shared', 'reports/half.pdf');
    expect(requests.filter((request) => request.includes('shared-replica'))).toEqual([]);
  });
});

describe('redriving what was replicated meanwhile', () => {
  test('writes nothing', async () => {
    const allow = await refuseWrites(stage.destination.s3(), 'main-replica', 'meanwhile');
    await put(stage, 'main', 'meanwhile', 'x');
    await quarantined();
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
});

describe('every other reason', () => {
  test('assume-role-denied: another external id', async () => {
    const arn = 'arn:aws:iam::222222222222:role/main-replica';
    const role = stage.aws.iam.role(arn);
    if (role === undefined) throw new Error(`there is no role ${arn}`);
    const changed = JSON.parse(JSON.stringify(role.assumeRolePolicy).replace('"e2e"', '"another"'));
    stage.aws.iam.putRole({ ...role, assumeRolePolicy: changed });
    await forgetCredentials();
    await put(stage, 'main', 'distrusted', 'x');
    expect(await quarantined()).toMatchObject({
      reason: 'assume-role-denied',
      detail: expect.stringContaining(arn),
    });
    stage.aws.iam.putRole(role);
    await redriveAll();
    await expectReplicas(stage, 'main', 'distrusted');
  });

  test('no-such-bucket: the destination bucket is gone', async () => {
    stage.aws.s3.deleteBucket('suspended-replica', { force: true });
    await put(stage, 'suspended', 'k', 'x');
    await putParts(stage, 'suspended', 'large', [Buffer.alloc(5 * MIB), Buffer.alloc(1)]);
    expect(await settled(stage)).toBe(true);
    const reasons = (await deadLetters(stage)).map(({ attributes }) => attributes['reason']);
    expect(reasons).toEqual(['no-such-bucket', 'no-such-bucket']);
    stage.aws.s3.createBucket({ name: 'suspended-replica', accountId: '222222222222', region: 'us-east-1' });
    await redriveAll();
    await expectReplicas(stage, 'suspended', 'k');
  });

  test('no-such-bucket: the source bucket is gone', async () => {
    stage.aws.s3.deleteBucket('plain', { force: true });
    await send(stage, { Records: [s3Record('plain', 'k')] });
    expect(await quarantined()).toMatchObject({ reason: 'no-such-bucket', bucket: 'plain' });
  });

  test('sse-c: S3 wants the key the object was encrypted with', async () => {
    // The real thing is in attributes.test.ts: this bucket, like every new one, refuses SSE-C.
    stage.aws.faults.plan = (request) =>
      bucketOf(request) === 'main' && keyOf(request) === 'sse-c' && operationOf(request) === 's3:GetObject'
        ? { kind: 'error', status: 400, code: 'InvalidRequest' }
        : undefined;
    await send(stage, { Records: [s3Record('main', 'sse-c')] });
    expect(await quarantined()).toMatchObject({ reason: 'sse-c' });
  });

  test.each(['GLACIER', 'DEEP_ARCHIVE'] as const)('archived: an object in class %s', async (storageClass) => {
    await put(stage, 'main', storageClass, 'x', { StorageClass: storageClass });
    expect(await quarantined()).toMatchObject({
      reason: 'archived',
      detail: expect.stringContaining('restore-object'),
    });
    await put(stage, 'main', storageClass, 'x', { StorageClass: 'STANDARD' });
    expect(await settled(stage)).toBe(true);
    await redriveAll();
    await expectReplicas(stage, 'main', storageClass);
  });

  test('key-too-long: with the destination prefix', async () => {
    const fits = `images/${'k'.repeat(1_003)}`;
    await put(stage, 'shared', fits, 'x');
    await put(stage, 'shared', `${fits}k`, 'x');
    expect(await quarantined()).toMatchObject({
      reason: 'key-too-long',
      key: encodeURIComponent(`${fits}k`),
    });
    await expectReplicas(stage, 'shared', fits);
  });

  test('unknown-rule: a dead letter of a rule that is gone', async () => {
    const hint = {
      's3-replicator': 'hint',
      bucket: 'main',
      key: 'k',
      rule: 'gone',
      destination: 'main-replica',
    };
    await send(stage, hint);
    expect(await quarantined()).toMatchObject({ reason: 'unknown-rule' });
  });

  test('wrong-region: the destination bucket is elsewhere', async () => {
    stage.aws.s3.deleteBucket('main-replica', { force: true });
    stage.aws.s3.createBucket({ name: 'main-replica', accountId: '222222222222', region: 'eu-west-1' });
    await put(stage, 'main', 'abroad', 'x');
    expect(await quarantined()).toMatchObject({ reason: 'wrong-region' });
    stage.aws.s3.deleteBucket('main-replica', { force: true });
    stage.aws.s3.createBucket({ name: 'main-replica', accountId: '222222222222', region: 'us-east-1' });
    await redriveAll();
    await expectReplicas(stage, 'main', 'abroad');
  });

  test('kms: the destination role may not use the key', async () => {
    const arn = 'arn:aws:iam::222222222222:role/secrets-replica';
    const role = stage.aws.iam.role(arn);
    if (role === undefined) throw new Error(`there is no role ${arn}`);
    const without = JSON.parse(
      JSON.stringify(role.policies).replaceAll('kms:GenerateDataKey', 'kms:DescribeKey'),
    );
    stage.aws.iam.putRole({ ...role, policies: without });
    await put(stage, 'secrets', 'k', 'x');
    // S3 says AccessDenied, not KMS; its message names the action.
    expect(await quarantined()).toMatchObject({
      reason: 'access-denied',
      detail: expect.stringContaining('kms:GenerateDataKey'),
    });
    stage.aws.iam.putRole(role);
    await redriveAll();
    await expectReplicas(stage, 'secrets', 'k');
  });

  test('retries-exhausted: what was worth another try fails twelve times', async () => {
    stage.aws.faults.plan = (request) =>
      operationOf(request) === 's3:GetObject' &&
      keyOf(request) === 'hopeless' &&
      request.caller.kind === 'session'
        ? { kind: 'error', status: 409, code: 'OperationAborted' }
        : undefined;
    await put(stage, 'main', 'hopeless', 'x');
    expect(await settled(stage, 20_000)).toBe(true);
    expect(await deadLetters(stage)).toEqual([
      {
        body: expect.stringContaining('"key":"hopeless"'),
        attributes: expect.objectContaining({ reason: 'retries-exhausted', attempts: '12' }),
      },
    ]);
    stage.aws.faults.plan = undefined;
    await redriveAll();
    await expectReplicas(stage, 'main', 'hopeless');
  });
});
