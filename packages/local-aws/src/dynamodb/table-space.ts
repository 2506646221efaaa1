import type { Clock } from '../core/clock.ts';
import {
  isConditionFailure,
  isJson,
  keyAttributeNames,
  type EngineAnswer,
  type EngineCall,
  type Json,
} from './answer.ts';
import { withDeletionProtection } from './deletion-protection.ts';
import { createEngine } from './engine.ts';
import { describeTimeToLive, expiredKeys, updateTimeToLive } from './time-to-live.ts';
import { createTransactions } from './transact-write.ts';

/** The tables of an account and region. dynalite performs most operations, and this module adds the missing ones. */
export interface TableSpace {
  call: EngineCall;
  /** Deletes all expired items and resolves to their number. In AWS, DynamoDB does this by itself within a few days. */
  deleteExpiredItems(): Promise<number>;
}

export function createTableSpace(accountId: string, region: string, clock: Clock): TableSpace {
  const engine = withDeletionProtection(createEngine(accountId, region));
  /** The name of the time-to-live attribute of each table that has one. */
  const timeToLive = new Map<string, string>();
  const transactions = createTransactions(engine, () => clock.now());
  const inTurn = createTurns();

  const call: EngineCall = (operation, input) => {
    if (operation === 'UpdateTimeToLive') return updateTimeToLive(engine, timeToLive, input);
    if (operation === 'DescribeTimeToLive') return describeTimeToLive(engine, timeToLive, input);
    if (operation === 'TransactWriteItems') return inTurn(() => transactions.write(input));
    return inTurn(async () => {
      const answer = await engine(operation, input);
      if (operation === 'DeleteTable' && answer.status === 200) timeToLive.delete(String(input.TableName));
      const isAsked = input.ReturnValuesOnConditionCheckFailure === 'ALL_OLD' && isConditionFailure(answer);
      return isAsked ? withItem(engine, input, answer) : answer;
    });
  };
  return {
    call,
    async deleteExpiredItems() {
      let count = 0;
      for (const [tableName, attribute] of timeToLive) {
        for (const key of await expiredKeys(engine, tableName, attribute, clock)) {
          await call('DeleteItem', { TableName: tableName, Key: key });
          count += 1;
        }
      }
      return count;
    },
  };
}

/**
 * Runs all calls, including reads, one after the other. So no call sees half of a transaction, and if an error contains an item, the
 * condition was evaluated for exactly this item.
 */
function createTurns(): <T>(work: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const turn = last.then(work);
    last = turn.catch(() => undefined);
    return turn;
  };
}

/** Adds the existing item to the error of a failed condition, if the call requests this by ReturnValuesOnConditionCheckFailure. */
async function withItem(call: EngineCall, input: Json, answer: EngineAnswer): Promise<EngineAnswer> {
  const key = input.Key ?? (await keyOf(call, String(input.TableName), input.Item));
  const { body } = await call('GetItem', { TableName: input.TableName, Key: key, ConsistentRead: true });
  return body.Item === undefined ? answer : { ...answer, body: { ...answer.body, Item: body.Item } };
}

async function keyOf(call: EngineCall, tableName: string, item: unknown): Promise<Json> {
  const { body } = await call('DescribeTable', { TableName: tableName });
  const names = keyAttributeNames(body);
  return Object.fromEntries(names.map((name) => [name, isJson(item) ? item[name] : undefined]));
}
