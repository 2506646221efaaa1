/** One table of DynamoDB: its client, and the calls that all stores share. */
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient, GetCommand, QueryCommand } from '@aws-sdk/lib-dynamodb';
import type { ReplicationError } from '../../model/errors.ts';
import { CONTROL_CLIENT } from '../control-client.ts';

export type TableItem = Record<string, unknown>;

export interface ItemTable {
  name: string;
  client: DynamoDBDocumentClient;
  /** Translates an error of the SDK. `operation` is DynamoDB's name of the call. */
  failure(error: unknown, operation: string): ReplicationError;
}

/** Opens the table in `region`; null: the region of the environment. */
export const openTable = (name: string, region: string | null, failure: ItemTable['failure']): ItemTable => ({
  name,
  failure,
  client: documentClient(region),
});

export const documentClient = (region: string | null): DynamoDBDocumentClient =>
  DynamoDBDocumentClient.from(
    new DynamoDBClient({ ...CONTROL_CLIENT, ...(region === null ? {} : { region }) }),
    { marshallOptions: { removeUndefinedValues: true } },
  );

/** Makes a call to DynamoDB and translates the error if it fails. */
export const askTable = async <Answer>(
  table: ItemTable,
  operation: string,
  send: () => Promise<Answer>,
): Promise<Answer> => {
  try {
    return await send();
  } catch (error) {
    throw table.failure(error, operation);
  }
};

export const getItem = async (table: ItemTable, Key: TableItem): Promise<TableItem | null> => {
  const command = new GetCommand({ TableName: table.name, Key, ConsistentRead: true });
  const { Item: item } = await askTable(table, 'GetItem', () => table.client.send(command));
  return item ?? null;
};

/** Yields all items whose partition key `run` has this value. */
export async function* itemsOf(table: ItemTable, partition: string): AsyncGenerator<TableItem> {
  let from: TableItem | undefined;
  do {
    const command: QueryCommand = new QueryCommand({
      TableName: table.name,
      KeyConditionExpression: '#run = :run',
      ExpressionAttributeNames: { '#run': 'run' },
      ExpressionAttributeValues: { ':run': partition },
      ConsistentRead: true,
      ExclusiveStartKey: from,
    });
    const { Items = [], LastEvaluatedKey } = await askTable(table, 'Query', () => table.client.send(command));
    yield* Items;
    from = LastEvaluatedKey;
  } while (from !== undefined);
}
