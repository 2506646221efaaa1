import { setTimeout as sleep } from 'node:timers/promises';
import type { DynamoDb } from '../dynamodb/dynamodb.ts';
import type { Provider, ResourceContext } from './provider.ts';

/** AWS::DynamoDB::Table. CloudFormation calls a table complete when it can be used, not when it was asked for. */
export const tableProvider = (dynamodb: DynamoDb): Provider => {
  const { tableResource } = dynamodb;
  return {
    create: async (context, properties) => {
      const created = await tableResource.create(context, properties);
      await untilActive(dynamodb, context, created.physicalId);
      return created;
    },
    update: async (context, physicalId, properties) => {
      const updated = await tableResource.update(context, physicalId, properties);
      await untilActive(dynamodb, context, updated.physicalId);
      return updated;
    },
    delete: (context, physicalId) => tableResource.delete(context, physicalId),
  };
};

const untilActive = async (
  dynamodb: DynamoDb,
  context: ResourceContext,
  tableName: string,
): Promise<void> => {
  const tables = dynamodb.tables(context.accountId, context.region);
  for (;;) {
    const { status, body } = await tables.call('DescribeTable', { TableName: tableName });
    if (status !== 200) throw new Error(`there is no table ${tableName} any more`);
    if (JSON.stringify(body.Table).includes('"TableStatus":"ACTIVE"')) return;
    await sleep(1);
  }
};
