/** DynamoDB: the conditional writes that idempotency records depend on. */
import {
  DeleteItemCommand,
  GetItemCommand,
  PutItemCommand,
  type PutItemCommandInput,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { behaviour } from './behaviour.ts';
import type { Context } from './context.ts';
import { refused, same } from './difference.ts';

const CONDITIONS =
  'https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.ConditionExpressions.html';
const api = (page: string): string =>
  `https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/${page}.html`;
const NEEDS = ['dynamodb'] as const;
const FAILED = '400 ConditionalCheckFailedException';

const onItem = async ({ dynamodb, table, key }: Context) => {
  const TableName = await table();
  const id = { S: key() };
  return {
    TableName,
    id,
    put: (fields: PutItemCommandInput['Item'], more: Partial<PutItemCommandInput> = {}) =>
      dynamodb.send(new PutItemCommand({ TableName, Item: { id, ...fields }, ...more })),
    get: async () =>
      (await dynamodb.send(new GetItemCommand({ TableName, Key: { id }, ConsistentRead: true }))).Item,
  };
};

export const anItemIsCreatedOnce = behaviour(
  'PutItem with attribute_not_exists succeeds once and then fails with ConditionalCheckFailedException.',
  CONDITIONS,
  async (context) => {
    const { id, put, get } = await onItem(context);
    const create = (state: string) =>
      put({ state: { S: state } }, { ConditionExpression: 'attribute_not_exists(id)' });
    await create('first');
    await refused('second', create('second'), FAILED);
    same('item', await get(), { id, state: { S: 'first' } });
  },
  NEEDS,
);

export const ofConcurrentCreatorsOneWinsTheItem = behaviour(
  'Exactly one of several concurrent PutItem calls with attribute_not_exists succeeds.',
  CONDITIONS,
  async (context) => {
    const { put } = await onItem(context);
    const outcomes = await Promise.allSettled(
      ['a', 'b', 'c', 'd'].map((state) =>
        put({ state: { S: state } }, { ConditionExpression: 'attribute_not_exists(id)' }),
      ),
    );
    same('winners', outcomes.filter(({ status }) => status === 'fulfilled').length, 1);
  },
  NEEDS,
);

export const anExpiredRecordIsTakenOver = behaviour(
  'PutItem with the condition of an idempotency record replaces a record that has expired, and fails for one that has not.',
  CONDITIONS,
  async (context) => {
    const { put } = await onItem(context);
    const claim = (now: number, expires: number) =>
      put(
        { expiration: { N: String(expires) }, status: { S: 'INPROGRESS' } },
        {
          ConditionExpression:
            'attribute_not_exists(#id) OR #expiry < :now OR (#status = :inprogress AND #expiry < :now)',
          ExpressionAttributeNames: { '#id': 'id', '#expiry': 'expiration', '#status': 'status' },
          ExpressionAttributeValues: { ':now': { N: String(now) }, ':inprogress': { S: 'INPROGRESS' } },
        },
      );
    await claim(100, 200);
    await refused('before it expired', claim(150, 300), FAILED);
    await claim(201, 300);
    await refused('the next one', claim(250, 400), FAILED);
  },
  NEEDS,
);

export const updatesAndDeletesTakeConditions = behaviour(
  'UpdateItem and DeleteItem change nothing if their condition fails.',
  api('API_UpdateItem'),
  async (context) => {
    const { dynamodb } = context;
    const { TableName, id, put, get } = await onItem(context);
    await put({ state: { S: 'one' } });
    const when = (state: string) => ({
      TableName,
      Key: { id },
      ConditionExpression: '#s = :was',
      ExpressionAttributeNames: { '#s': 'state' },
      ExpressionAttributeValues: { ':was': { S: state } },
    });
    const update = (state: string) => {
      const { ExpressionAttributeValues, ...rest } = when(state);
      return dynamodb.send(
        new UpdateItemCommand({
          ...rest,
          UpdateExpression: 'SET #s = :is',
          ExpressionAttributeValues: { ...ExpressionAttributeValues, ':is': { S: 'two' } },
        }),
      );
    };
    await refused('UpdateItem', update('other'), FAILED);
    await update('one');
    await refused('DeleteItem', dynamodb.send(new DeleteItemCommand(when('one'))), FAILED);
    same('item', await get(), { id, state: { S: 'two' } });
    await dynamodb.send(new DeleteItemCommand(when('two')));
    same('item after the deletion', await get(), undefined);
  },
  NEEDS,
);
