/** The records of scheduled verifies, in the table of runs. */
import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { PutCommand } from '@aws-sdk/lib-dynamodb';
import type { VerifyLedger, VerifyRecord } from '../../runs/verify-record.ts';
import { translateError } from '../errors.ts';
import { VERIFIES } from './run-items.ts';
import { itemsOf, openTable } from './table.ts';

/** Opens the table in `region`; null: the region of the environment. */
export const createVerifyLedger = (tableName: string, region: string | null = null): VerifyLedger => {
  const table = openTable(tableName, region, (error, operation) =>
    translateError(error, `${operation} of the schedules of verifies`),
  );
  return {
    async all() {
      const records = new Map<string, VerifyRecord>();
      for await (const { item, record } of itemsOf(table, VERIFIES))
        records.set(String(item), JSON.parse(String(record)));
      return records;
    },
    async put(name, record, before) {
      const command = new PutCommand({
        TableName: table.name,
        Item: { run: VERIFIES, item: name, record: JSON.stringify(record) },
        ExpressionAttributeNames: { '#record': 'record' },
        ...(before === null
          ? { ConditionExpression: 'attribute_not_exists(#record)' }
          : {
              ConditionExpression: '#record = :before',
              ExpressionAttributeValues: { ':before': JSON.stringify(before) },
            }),
      });
      try {
        await table.client.send(command);
        return true;
      } catch (error) {
        if (error instanceof ConditionalCheckFailedException) return false;
        throw table.failure(error, 'PutItem');
      }
    },
  };
};
