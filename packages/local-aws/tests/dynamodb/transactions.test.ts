/** Source: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html */
import {
  CreateTableCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  ScanCommand,
  type TransactWriteItem,
  TransactWriteItemsCommand,
} from '@aws-sdk/client-dynamodb';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createDynamoDb, type DynamoDb } from '../../src/dynamodb/dynamodb.ts';
import { type CoreServices, startCoreServices } from '../core-services.ts';

let services: CoreServices;
let client: DynamoDBClient;
const TableName = 'things';

beforeEach(async () => {
  const later: { dynamoDb?: DynamoDb } = {};
  services = await startCoreServices({
    dynamodb: { handle: async (request, response) => later.dynamoDb?.handle(request, response) },
  });
  later.dynamoDb = createDynamoDb(services);
  client = new DynamoDBClient(services.clientOptions());
  await client.send(
    new CreateTableCommand({
      TableName,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [
        { AttributeName: 'p', AttributeType: 'S' },
        { AttributeName: 's', AttributeType: 'S' },
      ],
      KeySchema: [
        { AttributeName: 'p', KeyType: 'HASH' },
        { AttributeName: 's', KeyType: 'RANGE' },
      ],
    }),
  );
});
afterEach(async () => {
  client.destroy();
  await services.close();
});

const keyOf = (s: string) => ({ p: { S: 'p' }, s: { S: s } });
const put = (s: string, n: number, condition = {}): TransactWriteItem => ({
  Put: { TableName, Item: { ...keyOf(s), n: { N: String(n) } }, ...condition },
});
const ifNew = { ConditionExpression: 'attribute_not_exists(p)' };
const transact = (TransactItems: TransactWriteItem[], ClientRequestToken?: string) =>
  client.send(new TransactWriteItemsCommand({ TransactItems, ClientRequestToken }));
const all = async (): Promise<Record<string, number>> => {
  const { Items: items = [] } = await client.send(new ScanCommand({ TableName, ConsistentRead: true }));
  return Object.fromEntries(items.map(({ s, n }) => [s?.S ?? '', Number(n?.N)]));
};

test('a transaction does its puts, updates and deletes together', async () => {
  await client.send(new PutItemCommand({ TableName, Item: { ...keyOf('old'), n: { N: '1' } } }));
  await client.send(new PutItemCommand({ TableName, Item: { ...keyOf('gone'), n: { N: '1' } } }));
  await transact([
    put('new', 5, ifNew),
    {
      Update: {
        TableName,
        Key: keyOf('old'),
        UpdateExpression: 'ADD n :one',
        ConditionExpression: 'n = :one',
        ExpressionAttributeValues: { ':one': { N: '1' } },
      },
    },
    { Delete: { TableName, Key: keyOf('gone'), ConditionExpression: 'attribute_exists(p)' } },
  ]);
  expect(await all()).toEqual({ new: 5, old: 2 });
});

test('a transaction with a failed condition does nothing and reports a reason for each item in order', async () => {
  await transact([put('a', 1), put('b', 1)]);
  const refused = transact([
    put('c', 9),
    put('a', 9, { ...ifNew, ReturnValuesOnConditionCheckFailure: 'ALL_OLD' }),
    {
      Update: {
        TableName,
        Key: keyOf('new by update'),
        UpdateExpression: 'SET n = :nine',
        ExpressionAttributeValues: { ':nine': { N: '9' } },
      },
    },
    put('b', 9, ifNew),
  ]);
  await expect(refused).rejects.toMatchObject({
    name: 'TransactionCanceledException',
    message: expect.stringContaining('[None, ConditionalCheckFailed, None, ConditionalCheckFailed]'),
    CancellationReasons: [
      { Code: 'None' },
      { Code: 'ConditionalCheckFailed', Item: { ...keyOf('a'), n: { N: '1' } } },
      { Code: 'None' },
      { Code: 'ConditionalCheckFailed', Message: 'The conditional request failed' },
    ],
  });
  expect(await all()).toEqual({ a: 1, b: 1 });
});

test('a condition check changes nothing, whether or not it holds', async () => {
  const check = (s: string, ConditionExpression: string): TransactWriteItem => ({
    ConditionCheck: { TableName, Key: keyOf(s), ConditionExpression },
  });
  await transact([put('a', 1)]);
  await transact([
    check('nothing', 'attribute_not_exists(p)'),
    check('a', 'attribute_exists(p)'),
    put('b', 2),
  ]);
  expect(await all()).toEqual({ a: 1, b: 2 });
  await expect(transact([put('c', 3), check('a', 'attribute_not_exists(p)')])).rejects.toMatchObject({
    CancellationReasons: [{ Code: 'None' }, { Code: 'ConditionalCheckFailed' }],
  });
  expect(await all()).toEqual({ a: 1, b: 2 });
});

test('an update that cannot be applied cancels the transaction as a validation error', async () => {
  await transact([put('a', 1)]);
  const Update = {
    TableName,
    Key: keyOf('a'),
    UpdateExpression: 'ADD n :text',
    ExpressionAttributeValues: { ':text': { SS: ['x'] } },
  };
  await expect(transact([put('b', 1), { Update }])).rejects.toMatchObject({
    name: 'TransactionCanceledException',
    CancellationReasons: [{ Code: 'None' }, { Code: 'ValidationError' }],
  });
  expect(await all()).toEqual({ a: 1 });
});

test('a transaction with no items, one item twice or more than 100 items is refused', async () => {
  await expect(transact([put('a', 1), { Delete: { TableName, Key: keyOf('a') } }])).rejects.toMatchObject({
    name: 'ValidationException',
    message: 'Transaction request cannot include multiple operations on one item',
  });
  await expect(transact([])).rejects.toMatchObject({ name: 'ValidationException' });
  const many = Array.from({ length: 101 }, (_, index) => put(`k${index}`, index));
  await expect(transact(many)).rejects.toMatchObject({ name: 'ValidationException' });
  await transact(many.slice(1));
  expect(Object.keys(await all())).toHaveLength(100);
});

test('a repeated client token does nothing, and is refused with other parameters', async () => {
  await transact([put('a', 1, ifNew)], 'token');
  await transact([put('a', 1, ifNew)], 'token');
  await expect(transact([put('a', 2)], 'token')).rejects.toMatchObject({
    name: 'IdempotentParameterMismatchException',
  });
  expect(await all()).toEqual({ a: 1 });
});

test("concurrent transactions see each other's effects, and readers never see half of one", async () => {
  await transact([put('left', 0), put('right', 0)]);
  const add = (s: string): TransactWriteItem => ({
    Update: {
      TableName,
      Key: keyOf(s),
      UpdateExpression: 'ADD n :one',
      ExpressionAttributeValues: { ':one': { N: '1' } },
    },
  });
  const read = async (): Promise<void> => {
    const { left, right } = await all();
    expect(left).toBe(right);
  };
  await Promise.all(
    Array.from({ length: 30 }, async (_, index) => {
      // The last action fails in every third transaction.
      const work = transact([
        add('left'),
        add('right'),
        ...(index % 3 === 0 ? [put('left2', 0, NEVER)] : []),
      ]);
      await Promise.all([work.catch(() => undefined), read()]);
    }),
  );
  expect(await all()).toEqual({ left: 20, right: 20 });
  const { Item: item } = await client.send(new GetItemCommand({ TableName, Key: keyOf('left2') }));
  expect(item).toBeUndefined();
});

const NEVER = { ConditionExpression: 'attribute_exists(p)' };

test('a transaction whose items have more than 4 MB together is refused, and writes nothing', async () => {
  const large = (name: string, length: number) => ({
    Put: { TableName, Item: { ...keyOf(name), text: { S: 'x'.repeat(length) } } },
  });
  const names = Array.from({ length: 10 }, (_, index) => `large-${index}`);
  const send = (TransactItems: TransactWriteItem[]) =>
    client.send(new TransactWriteItemsCommand({ TransactItems }));
  await send(names.map((name) => large(name, 400_000)));
  // An update counts with the size of the whole item.
  const touch = names.map((name) => ({
    Update: {
      TableName,
      Key: keyOf(name),
      UpdateExpression: 'SET n = :n',
      ExpressionAttributeValues: { ':n': { N: '1' } },
    },
  }));
  await expect(send([...touch, large('more', 300_000)])).rejects.toMatchObject({
    name: 'ValidationException',
  });
  const { Item } = await client.send(new GetItemCommand({ TableName, Key: keyOf('more') }));
  expect(Item).toBeUndefined();
});
