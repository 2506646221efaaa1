import type { Clock } from '../core/clock.ts';
import { createEngine, type EngineAnswer } from './engine.ts';
import { createTransactions } from './transact-write.ts';

type Json = Record<string, unknown>;

/** The tables of one account and region: dynalite, and what it lacks. */
export interface TableSpace {
  /** `input` names the table by its plain name. */
  call(operation: string, input: Json): Promise<EngineAnswer>;
  /** Deletes every item whose time to live is over, as DynamoDB does within a few days. Resolves to their number. */
  deleteExpiredItems(): Promise<number>;
}

export function createTableSpace(accountId: string, region: string, clock: Clock): TableSpace {
  const engine = createEngine(accountId, region);
  const timeToLive = new Map<string, string>();
  const transactions = createTransactions(engine.call, () => clock.now());
  let last: Promise<unknown> = Promise.resolve();

  /**
   * One after the other, reads too: the item a failed condition tells is the one the condition was judged by, and nobody sees half
   * of a transaction.
   */
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const turn = last.then(work);
    last = turn.catch(() => undefined);
    return turn;
  };

  const space: TableSpace = {
    call(operation, input) {
      if (operation === 'UpdateTimeToLive') return updateTimeToLive(engine.call, timeToLive, input);
      if (operation === 'DescribeTimeToLive') return describeTimeToLive(engine.call, timeToLive, input);
      if (operation === 'TransactWriteItems') return inTurn(() => transactions.write(input));
      return inTurn(async () => {
        const answer = await engine.call(operation, input);
        const isAsked = input.ReturnValuesOnConditionCheckFailure === 'ALL_OLD' && isConditionFailure(answer);
        return isAsked ? withItem(engine.call, input, answer) : answer;
      });
    },
    async deleteExpiredItems() {
      let count = 0;
      for (const [tableName, attribute] of timeToLive) {
        for (const key of await expiredKeys(engine.call, tableName, attribute, clock)) {
          await space.call('DeleteItem', { TableName: tableName, Key: key });
          count += 1;
        }
      }
      return count;
    },
  };
  return space;
}

type Call = (operation: string, input: Json) => Promise<EngineAnswer>;

function isConditionFailure({ body }: EngineAnswer): boolean {
  return String(body.__type).endsWith('#ConditionalCheckFailedException');
}

/** ReturnValuesOnConditionCheckFailure: the error carries the item as it is, if there is one. */
async function withItem(call: Call, input: Json, answer: EngineAnswer): Promise<EngineAnswer> {
  const key = input.Key ?? (await keyOf(call, String(input.TableName), input.Item));
  const { body } = await call('GetItem', { TableName: input.TableName, Key: key, ConsistentRead: true });
  return body.Item === undefined ? answer : { ...answer, body: { ...answer.body, Item: body.Item } };
}

async function keyOf(call: Call, tableName: string, item: unknown): Promise<Json> {
  const names = await keyNames(call, tableName);
  return Object.fromEntries(names.map((name) => [name, isJson(item) ? item[name] : undefined]));
}

async function keyNames(call: Call, tableName: string): Promise<string[]> {
  const { body } = await call('DescribeTable', { TableName: tableName });
  const schema = isJson(body.Table) ? body.Table.KeySchema : undefined;
  return Array.isArray(schema)
    ? schema.map((element: unknown) => String(isJson(element) && element.AttributeName))
    : [];
}

async function updateTimeToLive(
  call: Call,
  timeToLive: Map<string, string>,
  input: Json,
): Promise<EngineAnswer> {
  const described = await call('DescribeTable', { TableName: input.TableName });
  if (described.status !== 200) return described;
  const { TimeToLiveSpecification: specification } = input;
  const name = isJson(specification) ? specification.AttributeName : undefined;
  if (!isJson(specification) || typeof name !== 'string' || typeof specification.Enabled !== 'boolean') {
    return failure(
      'One or more parameter values were invalid: TimeToLiveSpecification must name an attribute',
    );
  }
  const known = timeToLive.get(String(input.TableName));
  if (specification.Enabled === (known !== undefined)) {
    return failure(known === undefined ? 'TimeToLive is already disabled' : 'TimeToLive is already enabled');
  }
  if (specification.Enabled) timeToLive.set(String(input.TableName), name);
  else timeToLive.delete(String(input.TableName));
  return { status: 200, body: { TimeToLiveSpecification: specification } };
}

async function describeTimeToLive(
  call: Call,
  timeToLive: Map<string, string>,
  input: Json,
): Promise<EngineAnswer> {
  const described = await call('DescribeTable', { TableName: input.TableName });
  if (described.status !== 200) return described;
  const name = timeToLive.get(String(input.TableName));
  const description =
    name === undefined
      ? { TimeToLiveStatus: 'DISABLED' }
      : { TimeToLiveStatus: 'ENABLED', AttributeName: name };
  return { status: 200, body: { TimeToLiveDescription: description } };
}

/** Expired is what has a number of seconds in the past, but not more than five years back. */
async function expiredKeys(call: Call, tableName: string, attribute: string, clock: Clock): Promise<Json[]> {
  const names = await keyNames(call, tableName);
  const nowSeconds = Math.floor(clock.now() / 1000);
  const oldestSeconds = nowSeconds - 5 * 365 * 86_400;
  const keys: Json[] = [];
  let start: unknown;
  do {
    const { body } = await call('Scan', {
      TableName: tableName,
      ...(start !== undefined && { ExclusiveStartKey: start }),
    });
    for (const item of Array.isArray(body.Items) ? body.Items : []) {
      if (!isJson(item)) continue;
      const value = item[attribute];
      const seconds = isJson(value) && typeof value.N === 'string' ? Number(value.N) : NaN;
      if (seconds < nowSeconds && seconds > oldestSeconds) {
        keys.push(Object.fromEntries(names.map((name) => [name, item[name]])));
      }
    }
    start = body.LastEvaluatedKey;
  } while (start !== undefined);
  return keys;
}

function failure(message: string): EngineAnswer {
  return { status: 400, body: { __type: 'com.amazon.coral.validate#ValidationException', message } };
}

function isJson(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
