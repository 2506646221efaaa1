/** Functions that die, credentials that end and records that vanish in the middle of the work. */
import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { SOURCE_ACCOUNT } from '../../demo/two-accounts.ts';
import { isRecord } from '@s3-replicator/local-aws/template';
import { expectReplicas, openUploads, put } from './support/objects.ts';
import { keyOf, operationOf, watchRequests } from './support/operations.ts';
import { cli, deadLetters, purge, s3Record, send } from './support/queues.ts';
import { REGION, settled, startStage, type Stage } from './support/stage.ts';
import { putParts } from './support/uploads.ts';

const MIB = 1024 * 1024;

let stage: Stage;
beforeAll(async () => {
  stage = await startStage({
    edit: {
      stack: ({ Resources: resources }) => {
        // 20 seconds are kept in reserve: one is left for the work.
        Object.assign(resources['ReplicateLambdaFunction']?.Properties ?? {}, { Timeout: 21 });
        const redrivePolicy = resources['LiveQueue']?.Properties['RedrivePolicy'];
        if (isRecord(redrivePolicy)) redrivePolicy['maxReceiveCount'] = 3;
      },
    },
  });
});
afterAll(async () => {
  await stage?.stop();
});
afterEach(() => {
  stage.aws.faults.plan = undefined;
  purge(stage);
});

/** Does something when the functions make this call for the n-th time. The call itself goes on. */
const at = (
  operation: string,
  key: string,
  nth: number,
  interfere: () => void,
): { happened: () => boolean } => {
  let calls = 0;
  stage.aws.faults.plan = (request) => {
    if (request.caller.kind !== 'session' || operationOf(request) !== operation) return undefined;
    if (request.service === 's3' && keyOf(request) !== key) return undefined;
    calls += 1;
    if (calls === nth) interfere();
    return undefined;
  };
  return { happened: () => calls >= nth };
};

const kill = (): void => void stage.aws.lambda.killEnvironments(stage.names.replicateFunction);

describe('a function that is killed', () => {
  test.each([
    ['dynamodb:PutItem', 'small'],
    ['s3:GetObject', 'small'],
    ['s3:PutObject', 'small'],
    ['s3:HeadObject', 'small'],
    ['dynamodb:UpdateItem', 'small'],
    ['s3:CreateMultipartUpload', 'large'],
    ['s3:UploadPart', 'large'],
    ['s3:CompleteMultipartUpload', 'large'],
  ] as const)('at %s of a %s object does it again when the message comes back', async (operation, size) => {
    const key = `killed at ${operation}`;
    const killed = at(operation, key, 1, kill);
    if (size === 'small') await put(stage, 'main', key, 'x');
    else await putParts(stage, 'main', key, [randomBytes(5 * MIB), randomBytes(1)]);
    expect(await settled(stage, 6_000)).toBe(true);
    expect(killed.happened()).toBe(true);
    await expectReplicas(stage, 'main', key);
    expect(await deadLetters(stage)).toEqual([]);
    // Nobody is left who knows the upload: the lifecycle rule in destination/template.yml is for these.
    expect((await openUploads(stage, 'main-replica')).filter((open) => open === key).length).toBeLessThan(2);
  });

  test('each time is moved aside by SQS itself, shown as crashed, and replicated by a redrive', async () => {
    stage.aws.faults.plan = (request) => {
      if (request.service === 's3' && request.caller.kind === 'session' && keyOf(request) === 'deadly')
        kill();
      return undefined;
    };
    await put(stage, 'main', 'deadly', 'x');
    expect(await settled(stage, 20_000)).toBe(true);
    const { stdout } = await cli(stage, 'dlq', 'list', '--json');
    expect(JSON.parse(stdout)).toMatchObject([
      { reason: 'crashed-or-timed-out', bucket: 'main', key: 'deadly' },
    ]);
    stage.aws.faults.plan = undefined;
    expect(await cli(stage, 'dlq', 'redrive')).toMatchObject({ exitCode: 0 });
    expect(await settled(stage)).toBe(true);
    await expectReplicas(stage, 'main', 'deadly');
  });
});

describe('credentials that end', () => {
  const sixParts = () => Array.from({ length: 3 }, () => randomBytes(5 * MIB));

  test.each([
    ['s3:UploadPart', 'arn:aws:iam::222222222222:role/main-replica', 'main'],
    ['s3:CompleteMultipartUpload', 'arn:aws:iam::222222222222:role/main-replica', 'main'],
    ['s3:UploadPart', 'arn:aws:iam::222222222222:role/lent-replica', 'lent'],
    ['s3:GetObject', 'arn:aws:iam::111111111111:role/reader', 'lent'],
  ])('at %s, of %s', async (operation, role, bucket) => {
    const key = `ended at ${operation} of ${role.split('/').at(-1)}`;
    const ended = at(operation, key, operation === 's3:CompleteMultipartUpload' ? 1 : 2, () =>
      stage.aws.iam.expireSessions(role),
    );
    await putParts(stage, bucket, key, sixParts());
    expect(await settled(stage)).toBe(true);
    expect(ended.happened()).toBe(true);
    await expectReplicas(stage, bucket, key);
    expect(await deadLetters(stage)).toEqual([]);
    expect(await openUploads(stage, `${bucket}-replica`)).not.toContain(key);
  });

  test('after their hour are renewed before anything fails', async () => {
    await put(stage, 'main', 'before the hour', 'x');
    expect(await settled(stage)).toBe(true);
    stage.aws.clock.advance(59 * 60_000);
    // The schedule of the transfer function goes off as well.
    const requests = watchRequests(stage, stage.names.replicateFunction);
    await put(stage, 'main', 'after the hour', 'x');
    expect(await settled(stage)).toBe(true);
    await expectReplicas(stage, 'main', 'after the hour');
    expect(requests.filter((request) => request === 'sts:AssumeRole')).toHaveLength(1);
  });
});

test('without its records the function only works more: what is replicated stays as it is', async () => {
  const { VersionId: versionId } = await put(stage, 'main', 'forgotten', 'x');
  expect(await settled(stage)).toBe(true);
  const event = { Records: [s3Record('main', 'forgotten', { versionId, sequencer: '00B1' })] };
  await send(stage, event);
  expect(await settled(stage)).toBe(true);
  const [replica] = await expectReplicas(stage, 'main', 'forgotten');
  await forgetEverything();
  await send(stage, event);
  expect(await settled(stage)).toBe(true);
  const [after] = await expectReplicas(stage, 'main', 'forgotten');
  expect(after?.VersionId).toBe(replica?.VersionId);
});

const forgetEverything = async (): Promise<void> => {
  const tables = stage.aws.dynamodb.tables(SOURCE_ACCOUNT, REGION);
  const TableName = stage.names.table;
  const { body } = await tables.call('Scan', { TableName });
  const items: unknown = body['Items'];
  if (!Array.isArray(items) || items.length === 0) throw new Error('the table is empty already');
  for (const item of items) await tables.call('DeleteItem', { TableName, Key: { id: item.id } });
};

test('an object of which not one part fits into an invocation is quarantined as such before a byte is moved', async () => {
  const requests = watchRequests(stage);
  await putParts(stage, 'main', 'too large', [Buffer.alloc(45 * MIB)]);
  expect(await settled(stage)).toBe(true);
  expect(await deadLetters(stage)).toEqual([
    expect.objectContaining({ attributes: expect.objectContaining({ reason: 'too-large', attempts: '1' }) }),
  ]);
  expect(requests.filter((request) => request.includes('main-replica') && !request.includes('Head'))).toEqual(
    [],
  );
});
