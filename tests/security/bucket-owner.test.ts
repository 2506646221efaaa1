/**
 * Somebody takes over the name of a bucket: the bucket was deleted, or its name is mistyped, and another account has created it and
 * lets everybody use it. Nothing may be written to such a bucket, and nothing read from it.
 */
import {
  CreateMultipartUploadCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { clientConfig } from '@s3-replicator/local-aws';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { deadLetters, s3Record, send } from '../e2e/support/queues.ts';
import { bucketOf } from '../e2e/support/operations.ts';
import { messagesOf, REGION } from '../e2e/support/stages/stage.ts';
import { type RunsStage, startRunsStage } from '../e2e/support/stages/runs.ts';

const ATTACKER = '333333333333';
const SOURCE_ROLE = 'arn:aws:iam::111111111111:role/runs-prod-us-east-1-replicate';
const DESTINATION_ROLE = 'arn:aws:iam::222222222222:role/current-replica';

let stage: RunsStage;
let attacker: S3Client;
/** The buckets that the functions sent requests to, each with the owner that the request expects. */
const asked = new Set<string>();

beforeAll(async () => {
  stage = await startRunsStage();
  attacker = new S3Client(clientConfig(stage.aws, stage.aws.root(ATTACKER)));
});
afterAll(async () => {
  attacker?.destroy();
  await stage?.stop();
});
afterEach(() => messagesOf(stage.aws, stage.names.deadLetterQueue).purge());

/** The attacker creates the bucket, and lets both accounts do everything there. */
const takeOver = (name: string): void => {
  stage.aws.s3.deleteBucket(name, { force: true });
  create(name, ATTACKER);
  stage.aws.s3.setBucketPolicy(name, {
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Allow',
        Principal: { AWS: ['111111111111', '222222222222'] },
        Action: 's3:*',
        Resource: [`arn:aws:s3:::${name}`, `arn:aws:s3:::${name}/*`],
      },
    ],
  });
};

const create = (name: string, accountId: string): void =>
  stage.aws.s3.createBucket({
    name,
    accountId,
    region: REGION,
    VersioningConfiguration: { Status: 'Enabled' },
  });

const keysIn = async (s3: S3Client, Bucket: string): Promise<unknown[]> => {
  const { Contents: contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket }));
  return contents.map(({ Key: key }) => key);
};

const put = async (s3: S3Client, Bucket: string, Key: string): Promise<void> => {
  await s3.send(new PutObjectCommand({ Bucket, Key, Body: Key }));
};

const reasons = async (): Promise<unknown[]> =>
  (await deadLetters(stage)).map(({ attributes }) => attributes['reason']);

test('every request of the functions to a bucket names the account that owns it', async () => {
  stage.aws.faults.plan = (request) => {
    // ListBuckets concerns no bucket.
    if (request.service === 's3' && request.caller.kind === 'session' && bucketOf(request) !== '')
      asked.add(`${bucketOf(request)} of ${String(request.headers['x-amz-expected-bucket-owner'])}`);
    return undefined;
  };
  await put(stage.source.s3(), 'current', 'in/good');
  await stage.untilQuiet();
  const run = await stage.ask({ kind: 'backfill', rule: 'history' });
  await stage.untilOver(run.id);
  stage.aws.faults.plan = undefined;

  expect(await keysIn(stage.destination.s3(), 'current-replica')).toEqual(['in/good']);
  expect(asked).toEqual(new Set([...asked].filter((each) => /of (111111111111|222222222222)$/.test(each))));
  for (const [bucket, owner] of Object.entries(OWNERS)) expect(asked).toContain(`${bucket} of ${owner}`);
});

const OWNERS = {
  current: '111111111111',
  'current-replica': '222222222222',
  history: '111111111111',
  'history-replica': '222222222222',
  reports: '111111111111',
};

test('whoever takes over the name of the destination bucket gets no object, and each object is reported as wrong-bucket-owner', async () => {
  takeOver('current-replica');
  for (const key of ['in/1', 'in/2', 'in/3']) await put(stage.source.s3(), 'current', key);
  await stage.untilQuiet();

  expect(await keysIn(attacker, 'current-replica')).toEqual([]);
  expect(await reasons()).toEqual(Array(3).fill('wrong-bucket-owner'));
  const [letter] = await deadLetters(stage);
  expect(letter?.attributes['detail']).toContain('Account 222222222222 has no bucket current-replica');
});

test('where the role may not ask whose the bucket is, access-denied names both causes', async () => {
  const role = stage.aws.iam.role(DESTINATION_ROLE);
  if (role === undefined) throw new Error('there is no role');
  const policies = JSON.parse(JSON.stringify(role.policies).replace('s3:ListAllMyBuckets', 's3:None'));
  stage.aws.iam.putRole({ ...role, policies });
  await stage.aws.lambda.killEnvironments(stage.names.replicateFunction);
  await put(stage.source.s3(), 'current', 'in/unasked');
  await stage.untilQuiet();
  stage.aws.iam.putRole(role);

  expect(await deadLetters(stage)).toMatchObject([
    {
      attributes: {
        reason: 'access-denied',
        detail: expect.stringContaining('if current-replica does not belong to account 222222222222'),
      },
    },
  ]);
  expect(await keysIn(attacker, 'current-replica')).toEqual([]);
});

test.each([
  [DESTINATION_ROLE, 'current-replica'],
  [SOURCE_ROLE, 'whole'],
])(
  'a stolen session of %s that names no owner reaches nothing in a bucket whose name was taken over',
  async (role, bucket) => {
    takeOver(bucket);
    const key = 'in/stolen';
    const { credentials } = stage.aws.iam.createSession(role, 'stolen', 900);
    const thief = new S3Client(clientConfig(stage.aws, credentials));
    await put(attacker, bucket, key);
    await expect(keysIn(thief, bucket)).rejects.toThrow('Access Denied');
    await expect(put(thief, bucket, key)).rejects.toThrow('Access Denied');
    await expect(thief.send(new CreateMultipartUploadCommand({ Bucket: bucket, Key: key }))).rejects.toThrow(
      'Access Denied',
    );
    thief.destroy();
  },
);

test('whoever takes over the name of a source bucket feeds nothing into the replica, by a run or by a message', async () => {
  takeOver('history');
  await put(attacker, 'history', 'evil');
  await send(stage, { Records: [s3Record('history', 'evil')] });
  const run = await stage.ask({ kind: 'backfill', rule: 'history' });
  expect(await stage.untilOver(run.id)).toMatchObject({
    phase: 'failed',
    failure: { reason: 'wrong-bucket-owner', detail: expect.stringContaining('source bucket history') },
  });
  await stage.untilQuiet();

  expect(await reasons()).toEqual(['wrong-bucket-owner']);
  expect(await keysIn(stage.destination.s3(), 'history-replica')).toEqual([]);
});

test('whoever takes over the name of the report bucket gets no report, and the run says why', async () => {
  takeOver('reports');
  const run = await stage.ask({ kind: 'verify', rule: 'locked' });
  expect(await stage.untilOver(run.id)).toMatchObject({
    phase: 'failed',
    failure: { reason: 'wrong-bucket-owner', detail: expect.stringContaining('report bucket reports') },
  });
  expect(await keysIn(attacker, 'reports')).toEqual([]);
});
