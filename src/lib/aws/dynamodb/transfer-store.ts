/** Transfers in DynamoDB: one item for each, found by its id. Measured rates are items of the same table. */
import type { Way } from '../../copy/part-layout.ts';
import { ConditionalCheckFailedException, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import {
  DeleteCommand,
  DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  ScanCommand,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb';
import { isDeepStrictEqual } from 'node:util';
import { ReplicationError } from '../../model/errors.ts';
import type { Transfer, TransferStore } from '../../copy/transfer/transfer.ts';
import { CONTROL_CLIENT } from '../control-client.ts';
import { translateError } from '../errors.ts';
import { type Item, transferItem, transferOf } from './transfer-item.ts';

/** `region`: where it is not that of the environment. */
export const createTransferStore = (table: string, region: string | null = null): TransferStore => {
  const place = region === null ? {} : { region };
  const client = DynamoDBDocumentClient.from(new DynamoDBClient({ ...CONTROL_CLIENT, ...place }), {
    marshallOptions: { removeUndefinedValues: true },
  });

  const get = async (name: string): Promise<Item | null> => {
    const command = new GetCommand({ TableName: table, Key: { transfer: name }, ConsistentRead: true });
    const { Item: item } = await translated('GetItem', () => client.send(command));
    return item ?? null;
  };

  const load = async (id: string): Promise<Transfer | null> => {
    const item = await get(id);
    return item === null ? null : transferOf(item);
  };

  return {
    load,

    async begin(transfer, replaces) {
      const command = new PutCommand({
        TableName: table,
        Item: transferItem(transfer),
        ConditionExpression: `attribute_not_exists(transfer)${replaces === null ? '' : ' OR uploadId = :replaces'}`,
        ...(replaces === null ? {} : { ExpressionAttributeValues: { ':replaces': replaces } }),
      });
      if ((await conditionally('PutItem', () => client.send(command))) === null) return true;
      // The SDK may have asked a second time, after an answer that was lost.
      return (await load(transfer.id))?.uploadId === transfer.uploadId;
    },

    async change({ id, uploadId }, fields, expecting) {
      const refused = await conditionally('UpdateItem', () =>
        client.send(new UpdateCommand({ TableName: table, ...updateOf(id, uploadId, fields, expecting) })),
      );
      if (refused === null) return true;
      if (refused.tries === 1) return false;
      // As above. Two who wrote the very same are told the same: better both go on than none.
      const now = await load(id);
      return now?.uploadId === uploadId && isDeepStrictEqual({ ...now, ...fields }, now);
    },

    async end({ id, uploadId }) {
      const command = new DeleteCommand({
        TableName: table,
        Key: { transfer: id },
        ConditionExpression: 'uploadId = :uploadId',
        ExpressionAttributeValues: { ':uploadId': uploadId },
      });
      await conditionally('DeleteItem', () => client.send(command));
    },

    async *all() {
      let from: Item | undefined;
      do {
        const command: ScanCommand = new ScanCommand({
          TableName: table,
          FilterExpression: 'attribute_exists(uploadId)',
          ConsistentRead: true,
          ExclusiveStartKey: from,
        });
        const { Items: items = [], LastEvaluatedKey: last } = await translated('Scan', () =>
          client.send(command),
        );
        for (const item of items) yield transferOf(item);
        from = last;
      } while (from !== undefined);
    },

    async rate(destinationBucket, way) {
      const item = await get(rateName(destinationBucket, way));
      return item === null ? null : Number(item['bytesPerSecond']);
    },

    async measured(destinationBucket, way, bytesPerSecond) {
      const item = {
        transfer: rateName(destinationBucket, way),
        bytesPerSecond: Math.max(1, Math.round(bytesPerSecond)),
      };
      await translated('PutItem', () => client.send(new PutCommand({ TableName: table, Item: item })));
    },
  };
};

/** No transfer's id is like it. */
const rateName = (destinationBucket: string, way: Way): string => `rate#${destinationBucket}#${way}`;

type Change = Parameters<TransferStore['change']>;

const updateOf = (id: string, uploadId: string, fields: Change[1], expecting: Change[2]) => {
  const entries = Object.entries(fields);
  const condition =
    expecting === undefined
      ? 'uploadId = :uploadId'
      : 'uploadId = :uploadId AND attempt = :expected AND attribute_type(failure, :failure)';
  return {
    Key: { transfer: id },
    UpdateExpression: `SET ${entries.map((_, index) => `#f${index} = :f${index}`).join(', ')}`,
    ConditionExpression: condition,
    ExpressionAttributeNames: Object.fromEntries(entries.map(([name], index) => [`#f${index}`, name])),
    ExpressionAttributeValues: {
      ':uploadId': uploadId,
      ...(expecting && { ':expected': expecting.attempt, ':failure': expecting.failed ? 'M' : 'NULL' }),
      ...Object.fromEntries(entries.map(([, value], index) => [`:f${index}`, value])),
    },
  };
};

/** Null: done. Otherwise its condition was not met, and how often DynamoDB was asked until it said so. */
const conditionally = async (
  operation: string,
  send: () => Promise<unknown>,
): Promise<{ tries: number } | null> => {
  try {
    await send();
    return null;
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return { tries: error.$metadata.attempts ?? 1 };
    throw storeError(error, operation);
  }
};

const translated = async <T>(operation: string, send: () => Promise<T>): Promise<T> => {
  try {
    return await send();
  } catch (error) {
    throw storeError(error, operation);
  }
};

/** Nothing is wrong with the object: trouble with this table must not send every large one to a person. */
const storeError = (error: unknown, operation: string): ReplicationError => {
  const translation = translateError(error, `${operation} in the table of transfers`);
  if (translation.disposition === 'retry') return translation;
  const { message, requestId } = translation;
  return new ReplicationError('service-error', message, { cause: error, requestId });
};
