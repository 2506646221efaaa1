/**
 * Transfers in DynamoDB. There is one item for each transfer, with the transfer's id as its key. Measured rates are items of the same
 * table.
 */
import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { DeleteCommand, PutCommand, ScanCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { isDeepStrictEqual } from 'node:util';
import type { PartLayout, Way } from '../../copy/part-layout.ts';
import type { Transfer, TransferStore } from '../../copy/transfer/transfer.ts';
import { assertKnown, newerThanKnown, schemaField } from '../../model/schemas.ts';
import { translateTableError } from '../errors.ts';
import { askTable, getItem, type ItemTable, openTable, type TableItem } from './table.ts';

/** Opens the table in `region`; null: the region of the environment. */
export const createTransferStore = (name: string, region: string | null = null): TransferStore => {
  const table = openTable(name, region, (error, operation) =>
    translateTableError(error, `${operation} in the table of transfers`),
  );
  return {
    load: (id) => loadTransfer(table, id),
    begin: (transfer, replaces) => putTransfer(table, transfer, replaces),
    change: (...change) => changeTransfer(table, change),
    end: (transfer) => endTransfer(table, transfer),
    all: (onNewer) => allTransfers(table, onNewer),
    async rate(destinationBucket, way) {
      const item = await getItem(table, { transfer: rateName(destinationBucket, way) });
      return item === null ? null : Number(item['bytesPerSecond']);
    },
    async measured(destinationBucket, way, bytesPerSecond) {
      const command = new PutCommand({
        TableName: name,
        Item: {
          transfer: rateName(destinationBucket, way),
          bytesPerSecond: Math.max(1, Math.round(bytesPerSecond)),
        },
      });
      await askTable(table, 'PutItem', () => table.client.send(command));
    },
  };
};

const loadTransfer = async (table: ItemTable, id: string): Promise<Transfer | null> => {
  const item = await getItem(table, { transfer: id });
  return item === null ? null : transferOf(item);
};

const putTransfer = async (
  table: ItemTable,
  transfer: Transfer,
  replaces: string | null,
): Promise<boolean> => {
  const command = new PutCommand({
    TableName: table.name,
    Item: transferItem(transfer),
    ConditionExpression: `attribute_not_exists(transfer)${replaces === null ? '' : ' OR uploadId = :replaces'}`,
    ...(replaces === null ? {} : { ExpressionAttributeValues: { ':replaces': replaces } }),
  });
  const refused = await conditionally(table, 'PutItem', () => table.client.send(command));
  if (refused === null) return true;
  // If the first response was lost, the SDK sent the request a second time. In that case the condition failed because of our own first
  // write.
  return (await loadTransfer(table, transfer.id))?.uploadId === transfer.uploadId;
};

type TransferChange = Parameters<TransferStore['change']>;

const changeTransfer = async (
  table: ItemTable,
  [{ id, uploadId }, fields, expecting]: TransferChange,
): Promise<boolean> => {
  const command = new UpdateCommand({
    TableName: table.name,
    Key: { transfer: id },
    ...updateOf(uploadId, fields, expecting),
  });
  const refused = await conditionally(table, 'UpdateItem', () => table.client.send(command));
  if (refused === null) return true;
  if (refused.tries === 1) return false;
  // DynamoDB refused a repeated request, so the first request may have taken effect although its response was lost. Therefore the fields
  // are compared with the stored ones. If two callers write exactly the same fields, both may get true. That is better than false for
  // both, because then neither would continue.
  const now = await loadTransfer(table, id);
  return now?.uploadId === uploadId && isDeepStrictEqual({ ...now, ...fields }, now);
};

const updateOf = (uploadId: string, fields: TransferChange[1], expecting: TransferChange[2]) => {
  const entries = Object.entries(fields);
  const condition =
    expecting === undefined
      ? 'uploadId = :uploadId'
      : 'uploadId = :uploadId AND attempt = :expected AND attribute_type(failure, :failure)';
  return {
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

const endTransfer = async (
  table: ItemTable,
  { id, uploadId }: Pick<Transfer, 'id' | 'uploadId'>,
): Promise<void> => {
  const command = new DeleteCommand({
    TableName: table.name,
    Key: { transfer: id },
    ConditionExpression: 'uploadId = :uploadId',
    ExpressionAttributeValues: { ':uploadId': uploadId },
  });
  await conditionally(table, 'DeleteItem', () => table.client.send(command));
};

async function* allTransfers(
  table: ItemTable,
  onNewer: Parameters<TransferStore['all']>[0] = () => undefined,
): AsyncGenerator<Transfer> {
  let from: TableItem | undefined;
  do {
    const command: ScanCommand = new ScanCommand({
      TableName: table.name,
      FilterExpression: 'attribute_exists(uploadId)',
      ConsistentRead: true,
      ExclusiveStartKey: from,
    });
    const { Items: items = [], LastEvaluatedKey: last } = await askTable(table, 'Scan', () =>
      table.client.send(command),
    );
    for (const item of items) {
      if (newerThanKnown('transfer', item['v']) === null) yield transferOf(item);
      else onNewer(String(item['uploadId']));
    }
    from = last;
  } while (from !== undefined);
}

/**
 * Makes a write that has a condition. Resolves to null when the write took effect. Otherwise its condition was not met, and
 * `tries` is the number of requests that the SDK sent.
 */
const conditionally = async (
  table: ItemTable,
  operation: string,
  send: () => Promise<unknown>,
): Promise<{ tries: number } | null> => {
  try {
    await send();
    return null;
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return { tries: error.$metadata.attempts ?? 1 };
    throw table.failure(error, operation);
  }
};

/** Returns the key of the item that holds a measured rate. No transfer has an id that begins with `rate#`. */
const rateName = (destinationBucket: string, way: Way): string => `rate#${destinationBucket}#${way}`;

/**
 * Converts a transfer to its item. The layout is stored as text, because a list of 10,000 unequal parts would fill most of an
 * item (400 KB).
 */
const transferItem = ({ id, layout, ...others }: Transfer): TableItem => ({
  transfer: id,
  ...schemaField('transfer'),
  ...others,
  layout: layoutText(layout),
});

/** Reads an item that {@link transferItem} made. Throws `newer-release`. */
const transferOf = (item: TableItem): Transfer => {
  const { transfer: id, v, layout, ...others } = item;
  assertKnown('transfer', v);
  return { ...(others as unknown as Transfer), id: String(id), layout: layoutOf(String(layout)) };
};

/** Writes a layout as text, for example `numbered 3`, `uniform 8388608` or `sized 1x5242880 7x8388608`. */
const layoutText = (layout: PartLayout): string => {
  switch (layout.kind) {
    case 'numbered':
      return `numbered ${layout.parts}`;
    case 'uniform':
      return `uniform ${layout.partBytes}`;
    case 'sized':
      return `sized ${layout.runs.map(({ parts, bytes }) => `${parts}x${bytes}`).join(' ')}`;
  }
};

const layoutOf = (text: string): PartLayout => {
  const [kind, ...rest] = text.split(' ');
  if (kind === 'numbered') return { kind, parts: Number(rest[0]) };
  if (kind === 'uniform') return { kind, partBytes: Number(rest[0]) };
  const runs = rest.map((run) => run.split('x').map(Number));
  return { kind: 'sized', runs: runs.map(([parts = 0, bytes = 0]) => ({ parts, bytes })) };
};
