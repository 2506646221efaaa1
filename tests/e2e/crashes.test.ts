/** Functions are killed, credentials expire and records disappear in the middle of the work. */
import { setTimeout as sleep } from 'node:timers/promises';
import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { SOURCE_ACCOUNT } from '../../demo/two-accounts.ts';
import { expectReplicas, openUploads } from './support/objects.ts';
import { keyOf, operationOf, watchRequests } from './support/operations.ts';
import { cli, deadLetters, purge, s3Record, send } from './support/queues.ts';
import { drawn } from './support/seed.ts';
import { REGION, settled, startStage, type Stage } from './support/stages/stage.ts';

const MIB = 1024 * 1024;
const GIB = 1024 * MIB;

/** How many invocations the account may run at once. With `ACCOUNT_CONCURRENCY=10`, the number of a new account, the test takes longer. */
const ACCOUNT_CONCURRENCY = Number(process.env['ACCOUNT_CONCURRENCY'] ?? 4);

let stage: Stage;
beforeAll(async () => {
  stage = await startStage({
    lambda: { accountConcurrency: ACCOUNT_CONCURRENCY, asyncRetryDelaysMs: [100, 100] },
    edit: {
      stack: ({ Resources: resources }) => {
        // The function keeps 20 seconds in reserve. The other 40 seconds are enough for small objects even on a busy machine, but not
        // for a part of 4 GiB.
        Object.assign(resources['ReplicateLambdaFunction']?.Properties ?? {}, { Timeout: 60 });
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

/** Calls `interfere` when the functions send this request for the n-th time. The request itself continues. */
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

/** How far the clock of the local AWS was moved. A wait moves it only while nothing works, so this is how long messages waited. */
const movedSeconds = (): number => Math.round((stage.aws.clock.now() - Date.now()) / 1_000);

const kill = (): void => void stage.aws.lambda.killEnvironments(stage.names.replicateFunction);

describe('functions that are killed', () => {
  test.each(
    drawn(
      [
        ['dynamodb:PutItem', 'small'],
        ['s3:GetObject', 'small'],
        ['s3:PutObject', 'small'],
        ['s3:HeadObject', 'small'],
        ['dynamodb:UpdateItem', 'small'],
        ['s3:CreateMultipartUpload', 'large'],
        ['s3:UploadPart', 'large'],
        ['s3:CompleteMultipartUpload', 'large'],
      ] as const,
      4,
    ),
  )(
    'a function killed at %s of a %s object does the work again within ten minutes',
    async (operation, size) => {
      const key = `killed at ${operation}`;
      const killed = at(operation, key, 1, kill);
      const beganSeconds = movedSeconds();
      if (size === 'small') await stage.put('main', key, 'x');
      else await stage.putParts('main', key, [randomBytes(5 * MIB), randomBytes(1)]);
      // Short steps show well enough how long the message waited.
      expect(await settled(stage, 3_600, 1, 60)).toBe(true);
      expect(killed.happened()).toBe(true);
      expect(movedSeconds() - beganSeconds).toBeLessThan(600);
      await expectReplicas(stage, 'main', key);
      expect(await deadLetters(stage)).toEqual([]);
      // Only the killed function knew the id of its upload, so no other function can abort the upload. The lifecycle rule in
      // destination/template.yml aborts it later.
      expect((await openUploads(stage, 'main-replica')).filter((open) => open === key).length).toBeLessThan(
        2,
      );
    },
  );

  test('a message on which eight invocations in a row died is quarantined as crashed, and is replicated by a redrive', async () => {
    const killed = at('s3:GetObject', 'deadly', 1, () => void pretendDeaths(7).then(kill));
    await stage.put('main', 'deadly', 'x');
    expect(await settled(stage)).toBe(true);
    expect(killed.happened()).toBe(true);
    const { stdout } = await cli(stage, 'dlq', 'list', '--each', '--json');
    const letter = { reason: 'crashed-or-timed-out', attempts: 2, bucket: 'main', key: 'deadly' };
    expect(JSON.parse(stdout)).toMatchObject(letter);
    expect(await cli(stage, 'dlq', 'redrive')).toMatchObject({ exitCode: 0 });
    expect(await settled(stage)).toBe(true);
    await expectReplicas(stage, 'main', 'deadly');
  });
});

/** Writes into all records in progress that this many functions have died at them. To really kill as many functions would take long. */
const pretendDeaths = async (deaths: number): Promise<void> => {
  const tables = stage.aws.dynamodb.tables(SOURCE_ACCOUNT, REGION);
  const TableName = stage.names.table;
  const { body } = await tables.call('Scan', { TableName });
  const items: unknown = body['Items'];
  for (const item of Array.isArray(items) ? items : [])
    if (item.status?.S === 'INPROGRESS')
      await tables.call('PutItem', { TableName, Item: { ...item, deaths: { N: String(deaths) } } });
};

describe('an account without free concurrency', () => {
  /** Starts invocations that hang in S3 until the returned function ends them. */
  const holdAllSlots = async (): Promise<() => Promise<unknown>> => {
    stage.aws.faults.plan = (request) =>
      keyOf(request) === 'hangs' ? { kind: 'delay', byMs: 60_000 } : undefined;
    const batch = stage.aws.lambda.function(stage.names.batchFunction);
    const task = { taskId: 't', s3Key: 'hangs', s3VersionId: null, s3Bucket: 'main' };
    const event = JSON.stringify({ invocationSchemaVersion: '2.0', invocationId: 'i', tasks: [task] });
    const release = new AbortController();
    // At first another function may have a slot, and each call that hangs ends at some time. Therefore a slot that becomes free is taken
    // again.
    const hold = async (): Promise<void> => {
      while (!release.signal.aborted) {
        await batch.run(event).catch(() => null);
        await sleep(10);
      }
    };
    const running = Array.from({ length: ACCOUNT_CONCURRENCY }, hold);
    await expect.poll(() => batch.pool().busy(), { timeout: 30_000 }).toBe(ACCOUNT_CONCURRENCY);
    return async () => {
      release.abort();
      await stage.aws.lambda.killEnvironments(stage.names.batchFunction);
      await Promise.all(running);
    };
  };

  test('a message that was received sixteen times without being run is replicated when there is room', async () => {
    await stage.aws.lambda.killEnvironments(stage.names.replicateFunction);
    const release = await holdAllSlots();
    await stage.put('main', 'starved', 'x');
    for (let receives = 1; receives <= 16; receives++) {
      await expect.poll(() => stage.live.counts().inFlight, { interval: 5 }).toBe(1);
      stage.aws.clock.advance(451_000);
      await expect.poll(() => stage.live.counts().visible, { interval: 1 }).toBe(1);
    }
    await release();
    expect(await settled(stage)).toBe(true);
    await expectReplicas(stage, 'main', 'starved');
    expect(await deadLetters(stage)).toEqual([]);
  });
});

describe('credentials that expire', () => {
  const threeParts = () => Array.from({ length: 3 }, () => randomBytes(5 * MIB));

  test.each([
    ['s3:UploadPart', 'arn:aws:iam::222222222222:role/main-replica', 'main'],
    ['s3:CompleteMultipartUpload', 'arn:aws:iam::222222222222:role/main-replica', 'main'],
    ['s3:UploadPart', 'arn:aws:iam::222222222222:role/lent-replica', 'lent'],
    ['s3:GetObject', 'arn:aws:iam::111111111111:role/reader', 'lent'],
  ])(
    'credentials that expire at %s of %s are renewed, and the object arrives',
    async (operation, role, bucket) => {
      const key = `expired at ${operation} of ${role.split('/').at(-1)}`;
      const expired = at(operation, key, operation === 's3:CompleteMultipartUpload' ? 1 : 2, () =>
        stage.aws.iam.expireSessions(role),
      );
      await stage.putParts(bucket, key, threeParts());
      expect(await settled(stage)).toBe(true);
      expect(expired.happened()).toBe(true);
      await expectReplicas(stage, bucket, key);
      expect(await deadLetters(stage)).toEqual([]);
      expect(await openUploads(stage, `${bucket}-replica`)).not.toContain(key);
    },
  );

  test('credentials are renewed after their hour, before any call fails', async () => {
    await stage.put('main', 'before the hour', 'x');
    expect(await settled(stage)).toBe(true);
    stage.aws.clock.advance(59 * 60_000);
    // The scheduled transfer function runs as well, so only the replicate function is watched.
    const requests = watchRequests(stage, stage.names.replicateFunction);
    await stage.put('main', 'after the hour', 'x');
    expect(await settled(stage)).toBe(true);
    await expectReplicas(stage, 'main', 'after the hour');
    expect(requests.filter((request) => request === 'sts:AssumeRole')).toHaveLength(1);
  });
});

test('a function without its records repeats work, but leaves replicas as they are', async () => {
  const { VersionId: versionId } = await stage.put('main', 'forgotten', 'x');
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

test('an object whose part does not fit into an invocation is quarantined as too large before a byte is moved', async () => {
  const requests = watchRequests(stage);
  const size = { sizeBytes: 4 * GIB, partSizeBytes: 4 * GIB };
  stage.aws.s3.createSparseObject({ bucket: 'main', key: 'too large', seed: 1, ...size });
  expect(await settled(stage)).toBe(true);
  expect(await deadLetters(stage)).toEqual([
    expect.objectContaining({ attributes: expect.objectContaining({ reason: 'too-large', attempts: '1' }) }),
  ]);
  expect(requests.filter((request) => request.includes('main-replica') && !request.includes('Head'))).toEqual(
    [],
  );
});
