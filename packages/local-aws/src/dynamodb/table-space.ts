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

/** The tables of an account and region. dynalite performs most operations. Others are added here. */
export interface TableSpace {
  call: EngineCall;
  /** Deletes all expired items and resolves to their number. DynamoDB deletes expired items within a few days. */
  deleteExpiredItems(): Promise<number>;
}

export function createTableSpace(accountId: string, region: string, clock: Clock): TableSpace {
  const engine = withDeletionProtection(createEngine(accountId, region));
  /** The names of the time-to-live attributes, by table. */
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
 * Runs all calls, including reads, one after the other. Therefore no call sees half of a transaction, and the item that is returned after
 * a failed condition is the item that the condition was evaluated for.
 */
function createTurns(): <T>(work: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const turn = last.then(work);
    last = turn.catch(() => undefined);
    return turn;
  };
}

/** Adds the item that did not meet the condition, if it exists, to the error. ReturnValuesOnConditionCheckFailure requests this. */
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
