/** The records of subscriptions. They are items of the table of runs, with the name of the bucket as sort key. */
import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { DeleteCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { ReplicationError } from '../../model/errors.ts';
import type { SubscriptionRecord, SubscriptionStore } from '../../subscription/subscription-record.ts';
import { errorCode, translateError } from '../errors.ts';
import { SUBSCRIPTIONS, subscriptionKey } from './run-items.ts';
import { askTable, getItem, itemsOf, type ItemTable, openTable, type TableItem } from './table.ts';

/** Opens the table in `region`; null: the region of the environment. */
export const createSubscriptionStore = (name: string, region: string | null = null): SubscriptionStore => {
  const table = openTable(name, region, (error, operation) =>
    translateError(error, `${operation} in the table of runs`),
  );
  return {
    list: () => listRecords(table),
    async find(bucket) {
      const item = await getItem(table, subscriptionKey(bucket));
      return item === null ? null : recordOf(item);
    },
    async want(wanted, state) {
      const command = new UpdateCommand({
        TableName: name,
        Key: subscriptionKey(wanted.bucket),
        UpdateExpression: 'SET wanted = :wanted, history = if_not_exists(history, :history)',
        ExpressionAttributeValues: { ':wanted': JSON.stringify(wanted), ':history': JSON.stringify(state) },
      });
      await askTable(table, 'UpdateItem', () => table.client.send(command));
    },
    advance: (record, next) => advanceRecord(table, record, next),
    remove: (bucket) => removeRecord(table, bucket),
  };
};

const listRecords = async (table: ItemTable): Promise<SubscriptionRecord[]> => {
  const records: SubscriptionRecord[] = [];
  for await (const item of itemsOf(table, SUBSCRIPTIONS)) records.push(recordOf(item));
  return records;
};

const advanceRecord: (
  table: ItemTable,
  ...change: Parameters<SubscriptionStore['advance']>
) => Promise<boolean> = async (table, { wanted, state }, next) => {
  const command = new UpdateCommand({
    TableName: table.name,
    Key: subscriptionKey(wanted.bucket),
    ConditionExpression: 'history = :former',
    UpdateExpression: 'SET history = :next',
    ExpressionAttributeValues: { ':former': JSON.stringify(state), ':next': JSON.stringify(next) },
  });
  try {
    await askTable(table, 'UpdateItem', () => table.client.send(command));
    return true;
  } catch (error) {
    const isRefused =
      error instanceof ReplicationError && error.cause instanceof ConditionalCheckFailedException;
    if (isRefused) return false;
    throw error;
  }
};

const removeRecord = async (table: ItemTable, bucket: string): Promise<void> => {
  const command = new DeleteCommand({ TableName: table.name, Key: subscriptionKey(bucket) });
  try {
    await askTable(table, 'DeleteItem', () => table.client.send(command));
  } catch (error) {
    // Returns true if the table does not exist. It then counts as a table without records, so that the stack can still be
    // removed.
    const isTableGone =
      error instanceof ReplicationError && errorCode(error.cause) === 'ResourceNotFoundException';
    if (!isTableGone) throw error;
  }
};

const recordOf = ({ wanted, history }: TableItem): SubscriptionRecord => ({
  wanted: JSON.parse(String(wanted)) as SubscriptionRecord['wanted'],
  state: JSON.parse(String(history)) as SubscriptionRecord['state'],
});
