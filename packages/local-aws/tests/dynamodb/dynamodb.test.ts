import {
  BatchWriteItemCommand,
  CreateTableCommand,
  DeleteTableCommand,
  DescribeTableCommand,
  DescribeTimeToLiveCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  UpdateItemCommand,
  waitUntilTableNotExists,
} from '@aws-sdk/client-dynamodb';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Credentials } from '../../src/core/access.ts';
import { createDynamoDb, type DynamoDb } from '../../src/dynamodb/dynamodb.ts';
import { accountId, type CoreServices, otherAccountId, region, startCoreServices } from '../core-services.ts';

let services: CoreServices;
let dynamoDb: DynamoDb;
let client: DynamoDBClient;
const clients: DynamoDBClient[] = [];

const TableName = 'records';
const tableArn = `arn:aws:dynamodb:${region}:${accountId}:table/${TableName}`;
const place = { accountId, region, generatedName: 'stack-Table-1' };
const properties = {
  TableName,
  BillingMode: 'PAY_PER_REQUEST',
  AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
  KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
  TimeToLiveSpecification: { AttributeName: 'expiration', Enabled: true },
  PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
  SSESpecification: { SSEEnabled: true },
  Tags: [{ Key: 'a', Value: 'b' }],
};

beforeEach(async () => {
  const later: { dynamoDb?: DynamoDb } = {};
  services = await startCoreServices({
    dynamodb: { handle: async (request, response) => later.dynamoDb?.handle(request, response) },
  });
  dynamoDb = createDynamoDb(services);
  later.dynamoDb = dynamoDb;
  client = connect();
});
afterEach(async () => {
  for (const open of clients.splice(0)) open.destroy();
  await services.close();
});

function connect(credentials?: Credentials): DynamoDBClient {
  const connected = new DynamoDBClient(services.clientOptions(credentials));
  clients.push(connected);
  return connected;
}

test('CloudFormation creates a table with its time to live', async () => {
  const made = await dynamoDb.tableResource.create(place, properties);
  expect(made).toEqual({ physicalId: TableName, attributes: { Arn: tableArn } });
  const { Table } = await client.send(new DescribeTableCommand({ TableName }));
  expect(Table).toMatchObject({ TableArn: tableArn, TableStatus: 'ACTIVE' });
  expect(Table?.BillingModeSummary?.BillingMode).toBe('PAY_PER_REQUEST');
  const ttl = await client.send(new DescribeTimeToLiveCommand({ TableName }));
  expect(ttl.TimeToLiveDescription).toEqual({ TimeToLiveStatus: 'ENABLED', AttributeName: 'expiration' });

  await dynamoDb.tableResource.update(place, TableName, {
    ...properties,
    TimeToLiveSpecification: undefined,
  });
  const without = await client.send(new DescribeTimeToLiveCommand({ TableName }));
  expect(without.TimeToLiveDescription).toEqual({ TimeToLiveStatus: 'DISABLED' });
  const KeySchema = [{ AttributeName: 'other', KeyType: 'HASH' }];
  await expect(dynamoDb.tableResource.update(place, TableName, { ...properties, KeySchema })).rejects.toThrow(
    'custom-named resource requires replacing',
  );

  await dynamoDb.tableResource.delete(place, TableName);
  await dynamoDb.tableResource.delete(place, TableName);
  await expect(client.send(new DescribeTableCommand({ TableName }))).rejects.toMatchObject({
    name: 'ResourceNotFoundException',
  });
});

test('a table created again under the name of a deleted table has no time to live', async () => {
  await dynamoDb.tableResource.create(place, properties);
  await client.send(new DeleteTableCommand({ TableName }));
  await waitUntilTableNotExists({ client, minDelay: 0.1, maxDelay: 1, maxWaitTime: 10 }, { TableName });
  await dynamoDb.tableResource.create(place, { ...properties, TimeToLiveSpecification: undefined });
  const { TimeToLiveDescription } = await client.send(new DescribeTimeToLiveCommand({ TableName }));
  expect(TimeToLiveDescription).toEqual({ TimeToLiveStatus: 'DISABLED' });
});

test('accounts and regions have tables of their own', async () => {
  await dynamoDb.tableResource.create(place, properties);
  const other = connect(services.iam.rootCredentials(otherAccountId));
  await expect(other.send(new DescribeTableCommand({ TableName }))).rejects.toMatchObject({
    name: 'ResourceNotFoundException',
  });
  const { BillingMode, AttributeDefinitions, KeySchema } = properties;
  const create = { TableName, BillingMode, AttributeDefinitions, KeySchema };
  const { TableDescription } = await other.send(new CreateTableCommand(JSON.parse(JSON.stringify(create))));
  expect(TableDescription?.TableArn).toBe(`arn:aws:dynamodb:${region}:${otherAccountId}:table/${TableName}`);
});

test('each DynamoDB operation needs its own permission on the table', async () => {
  await dynamoDb.tableResource.create(place, properties);
  const session = connect(
    services.sessionOf('function', [{ Effect: 'Allow', Action: 'dynamodb:PutItem', Resource: tableArn }]),
  );
  await session.send(new PutItemCommand({ TableName, Item: { id: { S: 'a' } } }));
  const get = new GetItemCommand({ TableName, Key: { id: { S: 'a' } } });
  await expect(session.send(get)).rejects.toMatchObject({
    name: 'AccessDeniedException',
    message:
      `User: arn:aws:sts::${accountId}:assumed-role/function/test-session is not authorized to perform: dynamodb:GetItem ` +
      `on resource: ${tableArn} because no identity-based policy allows the dynamodb:GetItem action`,
  });
  const batch = new BatchWriteItemCommand({
    RequestItems: { [TableName]: [{ DeleteRequest: { Key: { id: { S: 'a' } } } }] },
  });
  await expect(session.send(batch)).rejects.toMatchObject({ name: 'AccessDeniedException' });
  expect((await client.send(get)).Item).toEqual({ id: { S: 'a' } });
});

test('a policy can leave one item out by its partition key', async () => {
  await dynamoDb.tableResource.create(place, properties);
  const role = services.iam.putRole({
    accountId,
    roleName: 'reader',
    assumeRolePolicy: { Statement: { Effect: 'Allow', Principal: { AWS: '*' }, Action: 'sts:AssumeRole' } },
    policies: [
      {
        Statement: {
          Effect: 'Allow',
          Action: ['dynamodb:GetItem', 'dynamodb:PutItem'],
          Resource: tableArn,
          Condition: { 'ForAllValues:StringNotEquals': { 'dynamodb:LeadingKeys': ['secret'] } },
        },
      },
    ],
  });
  const reader = connect(services.iam.createSession(role.arn, 'somebody', 900).credentials);
  const ask = (id: string) => reader.send(new GetItemCommand({ TableName, Key: { id: { S: id } } }));
  const write = (id: string) => reader.send(new PutItemCommand({ TableName, Item: { id: { S: id } } }));
  await write('plain');
  expect((await ask('plain')).Item).toEqual({ id: { S: 'plain' } });
  for (const refused of [ask('secret'), write('secret')])
    await expect(refused).rejects.toMatchObject({ name: 'AccessDeniedException' });
});

test('a table can be named by its ARN', async () => {
  await dynamoDb.tableResource.create(place, properties);
  await client.send(new PutItemCommand({ TableName: tableArn, Item: { id: { S: 'a' } } }));
  const answer = await client.send(new GetItemCommand({ TableName, Key: { id: { S: 'a' } } }));
  expect(answer.Item).toEqual({ id: { S: 'a' } });
});

test('a failed condition returns the item it failed on, if asked to', async () => {
  await dynamoDb.tableResource.create(place, properties);
  const Item = { id: { S: 'a' }, value: { S: 'first' } };
  await client.send(new PutItemCommand({ TableName, Item }));
  const put = (ReturnValuesOnConditionCheckFailure: 'ALL_OLD' | 'NONE') =>
    client.send(
      new PutItemCommand({
        TableName,
        Item: { id: { S: 'a' }, value: { S: 'second' } },
        ConditionExpression: 'attribute_not_exists(id)',
        ReturnValuesOnConditionCheckFailure,
      }),
    );
  await expect(put('ALL_OLD')).rejects.toMatchObject({ name: 'ConditionalCheckFailedException', Item });
  const error: unknown = await put('NONE').catch((reason: unknown) => reason);
  expect(error).not.toHaveProperty('Item', Item);
  const update = (id: string) =>
    client.send(
      new UpdateItemCommand({
        TableName,
        Key: { id: { S: id } },
        UpdateExpression: 'SET #value = :new',
        ConditionExpression: '#value = :old',
        ExpressionAttributeNames: { '#value': 'value' },
        ExpressionAttributeValues: { ':new': { S: 'third' }, ':old': { S: 'never' } },
        ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
      }),
    );
  await expect(update('a')).rejects.toMatchObject({ name: 'ConditionalCheckFailedException', Item });
  const absent: unknown = await update('b').catch((reason: unknown) => reason);
  expect(absent).toMatchObject({ name: 'ConditionalCheckFailedException' });
  expect(absent).not.toHaveProperty('Item.id');
});

test('one of many writers under the same condition wins, and the others get its item', async () => {
  await dynamoDb.tableResource.create(place, properties);
  const results = await Promise.all(
    Array.from({ length: 20 }, (_, index) =>
      client
        .send(
          new PutItemCommand({
            TableName,
            Item: { id: { S: 'a' }, writer: { N: String(index) } },
            ConditionExpression: 'attribute_not_exists(id)',
            ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
          }),
        )
        .then(() => ({ winner: String(index) }))
        .catch((error: { Item?: { writer?: { N?: string } } }) => ({ seen: error.Item?.writer?.N })),
    ),
  );
  const winners = results.flatMap((result) => ('winner' in result ? [result.winner] : []));
  expect(winners).toHaveLength(1);
  expect(new Set(results.flatMap((result) => ('seen' in result ? [result.seen] : [])))).toEqual(
    new Set(winners),
  );
});

test('expired items are deleted some time after their expiry, by the local clock', async () => {
  await dynamoDb.tableResource.create(place, properties);
  const inAnHour = Math.floor(services.clock.now() / 1000) + 3600;
  await client.send(
    new PutItemCommand({ TableName, Item: { id: { S: 'a' }, expiration: { N: String(inAnHour) } } }),
  );
  await client.send(new PutItemCommand({ TableName, Item: { id: { S: 'b' } } }));
  const tables = dynamoDb.tables(accountId, region);
  expect(await tables.deleteExpiredItems()).toBe(0);
  services.clock.advance(3_602_000);
  expect(await tables.deleteExpiredItems()).toBe(1);
  const { body } = await tables.call('Scan', { TableName });
  expect(body.Items).toEqual([{ id: { S: 'b' } }]);
});

test('CloudFormation waits until a new table is active, and until a deleted table is gone', async () => {
  // Dynalite responds before an operation is complete. A resource that does not wait would show, once in
  // thousands of runs, a table that is already deleted.
  const describe = () => dynamoDb.tables(accountId, region).call('DescribeTable', { TableName });
  await dynamoDb.tableResource.create(place, properties);
  expect((await describe()).body).toMatchObject({ Table: { TableStatus: 'ACTIVE' } });
  await dynamoDb.tableResource.delete(place, TableName);
  expect((await describe()).body).toMatchObject({
    __type: expect.stringContaining('ResourceNotFoundException'),
  });
});
