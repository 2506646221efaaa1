import { IdempotencyConfig, makeIdempotent } from '@aws-lambda-powertools/idempotency';
import { DynamoDBPersistenceLayer } from '@aws-lambda-powertools/idempotency/dynamodb';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { Context } from 'aws-lambda';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createDynamoDb, type DynamoDb } from '../../src/dynamodb/dynamodb.ts';
import { accountId, type CoreServices, region, startCoreServices } from '../core-services.ts';

let services: CoreServices;
let client: DynamoDBClient;
let runs: string[] = [];
const tableName = 'idempotency';

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  const later: { dynamoDb?: DynamoDb } = {};
  services = await startCoreServices({
    dynamodb: { handle: async (request, response) => later.dynamoDb?.handle(request, response) },
  });
  later.dynamoDb = createDynamoDb(services);
  await later.dynamoDb.tableResource.create(
    { accountId, region, generatedName: tableName },
    {
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
      KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
    },
  );
  const actions = ['GetItem', 'PutItem', 'UpdateItem', 'DeleteItem'].map((name) => `dynamodb:${name}`);
  const Resource = `arn:aws:dynamodb:${region}:${accountId}:table/${tableName}`;
  client = new DynamoDBClient(
    services.clientOptions(services.sessionOf('function', [{ Effect: 'Allow', Action: actions, Resource }])),
  );
  runs = [];
});
afterEach(async () => {
  vi.useRealTimers();
  client.destroy();
  await services.close();
});

/** The context of an invocation that has one minute left. */
const lambdaContext: Context = {
  callbackWaitsForEmptyEventLoop: false,
  functionName: 'function',
  functionVersion: '$LATEST',
  invokedFunctionArn: `arn:aws:lambda:${region}:${accountId}:function:function`,
  memoryLimitInMB: '128',
  awsRequestId: 'request',
  logGroupName: 'group',
  logStreamName: 'stream',
  getRemainingTimeInMillis: () => 60_000,
  done: () => undefined,
  fail: () => undefined,
  succeed: () => undefined,
};

function idempotent(work: (key: string) => Promise<string>): (key: string) => Promise<unknown> {
  const persistenceStore = new DynamoDBPersistenceLayer({ tableName, awsSdkV3Client: client });
  const config = new IdempotencyConfig({ expiresAfterSeconds: 600 });
  config.registerLambdaContext(lambdaContext);
  return makeIdempotent(
    async (key: string) => {
      runs.push(key);
      return work(key);
    },
    { persistenceStore, config },
  );
}

test('a duplicate of a finished call gets the result of the first and runs nothing', async () => {
  const run = idempotent(async (key) => `receipt of ${key}`);
  expect(await run('fresh')).toBe('receipt of fresh');
  expect(await run('fresh')).toBe('receipt of fresh');
  expect(await run('other')).toBe('receipt of other');
  expect(runs).toEqual(['fresh', 'other']);
});

test('a duplicate of a call in progress is refused', async () => {
  const finish = Promise.withResolvers<string>();
  const run = idempotent(() => finish.promise);
  const first = run('slow');
  await vi.waitFor(() => expect(runs).toEqual(['slow']), { timeout: 20_000 });
  await expect(run('slow')).rejects.toMatchObject({ name: 'IdempotencyAlreadyInProgressError' });
  finish.resolve('done');
  expect(await first).toBe('done');
  expect(await run('slow')).toBe('done');
});

test('a failed call leaves no record', async () => {
  let attempts = 0;
  const run = idempotent(async () => {
    attempts += 1;
    if (attempts === 1) throw new Error('first time');
    return 'second time';
  });
  await expect(run('key')).rejects.toThrow('first time');
  expect(await run('key')).toBe('second time');
});

test('an expired record no longer prevents a call', async () => {
  const run = idempotent(async (key) => `receipt of ${key}`);
  await run('key');
  vi.setSystemTime(Date.now() + 601_000);
  await run('key');
  expect(runs).toEqual(['key', 'key']);
});

test('a call that crashed can be repeated after the deadline of its invocation', async () => {
  const crash = Promise.withResolvers<string>();
  let attempts = 0;
  const run = idempotent(() => {
    attempts += 1;
    return attempts === 1 ? crash.promise : Promise.resolve('done');
  });
  const crashed = run('key');
  await vi.waitFor(() => expect(runs).toEqual(['key']), { timeout: 20_000 });
  vi.setSystemTime(Date.now() + 59_000);
  await expect(run('key')).rejects.toMatchObject({ name: 'IdempotencyAlreadyInProgressError' });
  vi.setSystemTime(Date.now() + 2_000);
  expect(await run('key')).toBe('done');
  crash.resolve('late');
  await crashed;
});
