/** The records of scheduled verifies, in the table of runs. */
import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { PutCommand, QueryCommand } from '@aws-sdk/lib-dynamodb';
import type { VerifyLedger, VerifyRecord } from '../../runs/verify-record.ts';
import { translateError } from '../errors.ts';
import { VERIFIES } from './run-items.ts';
import { askTable, openTable, type TableItem } from './table.ts';

/** If `region` is null, the region of the environment is used. */
export const createVerifyLedger = (tableName: string, region: string | null = null): VerifyLedger => {
  const table = openTable(tableName, region, (error, operation) =>
    translateError(error, `${operation} of the schedules of verifies`),
  );
  return {
    async all() {
      const records = new Map<string, VerifyRecord>();
      let from: TableItem | undefined;
      do {
        const command: QueryCommand = new QueryCommand({
          TableName: table.name,
          KeyConditionExpression: '#run = :run',
          ExpressionAttributeNames: { '#run': 'run' },
          ExpressionAttributeValues: { ':run': VERIFIES },
          ConsistentRead: true,
          ExclusiveStartKey: from,
        });
        const answer = await askTable(table, 'Query', () => table.client.send(command));
        for (const { item, record } of answer.Items ?? [])
          records.set(String(item), JSON.parse(String(record)));
        from = answer.LastEvaluatedKey;
      } while (from !== undefined);
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
