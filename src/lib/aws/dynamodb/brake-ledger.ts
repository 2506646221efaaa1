/** The brakes in the table of runs, as the schedule and operators see them (see `brake-store.ts`). */
import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { DeleteCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import type { BrakeLedger, HeldKey } from '../../model/brake.ts';
import {
  attributesOf,
  brakeRecordOf,
  changeBrake,
  openBrakes,
  removedNames,
  removing,
} from './brake-store.ts';
import { BRAKES, heldBy } from './run-items.ts';
import { askTable, itemsOf, type ItemTable, type TableItem } from './table.ts';

/**
 * How long a released key stays on the list after its hint was sent. A message lives at most 14 days, or twice as long if it is redriven.
 */
const SENT_SECONDS = 30 * 24 * 3_600;

/** Opens the table in `region`; null: the region of the environment. */
export const createBrakeLedger = (tableName: string, region: string | null = null): BrakeLedger => {
  const table = openBrakes(tableName, region);
  const change = async (
    ...given: Parameters<typeof changeBrake> extends [unknown, ...infer Rest] ? Rest : never
  ) => await askTable(table, 'UpdateItem', () => changeBrake(table, ...given));
  return {
    async all() {
      const records = new Map<string, ReturnType<typeof brakeRecordOf>>();
      for await (const item of itemsOf(table, BRAKES)) records.set(String(item['item']), brakeRecordOf(item));
      return records;
    },
    ...listOf(table),
    async *held(name) {
      for await (const item of itemsOf(table, heldBy(name))) yield heldKeyOf(item);
    },
    async release(name, { slots }, { untilMs, how }) {
      const removed = ['closed', ...[...slots.keys()].flatMap(attributesOf)];
      await change(name, {
        UpdateExpression: `SET releasedMs = :until, #releasing = :how${removing(removed)}`,
        ExpressionAttributeNames: { '#releasing': 'releasing', ...removedNames(removed) },
        ExpressionAttributeValues: { ':until': untilMs, ':how': how },
      });
    },
    async released(name, releasedMs) {
      try {
        await changeBrake(table, name, {
          UpdateExpression: 'REMOVE #releasing',
          ConditionExpression: 'releasedMs = :released',
          ExpressionAttributeNames: { '#releasing': 'releasing' },
          ExpressionAttributeValues: { ':released': releasedMs },
        });
      } catch (error) {
        // If the condition failed, an operator has released more keys in the meantime, and `releasing` stays.
        if (!(error instanceof ConditionalCheckFailedException)) throw table.failure(error, 'UpdateItem');
      }
    },
    async counted(name, keys) {
      await change(name, {
        UpdateExpression: 'SET #keys = :keys',
        ExpressionAttributeNames: { '#keys': 'keys' },
        ExpressionAttributeValues: { ':keys': keys },
      });
    },
  };
};

/** Returns the methods that change one key on the list of held keys. */
const listOf = (table: ItemTable): Pick<BrakeLedger, 'sent' | 'forget'> => ({
  async sent(name, { key, heldMs }, nowMs) {
    const command = new UpdateCommand({
      ...stillHeld(table, name, key),
      UpdateExpression: 'SET sentMs = :now, #expires = :expires',
      ExpressionAttributeNames: { '#expires': 'expires' },
      ExpressionAttributeValues: {
        ':heldMs': heldMs,
        ':now': nowMs,
        ':expires': Math.floor(nowMs / 1_000) + SENT_SECONDS,
      },
    });
    await unlessHeldAnew(table, 'UpdateItem', () => table.client.send(command));
  },
  async forget(name, { key, heldMs }) {
    const command = new DeleteCommand({
      ...stillHeld(table, name, key),
      ExpressionAttributeValues: { ':heldMs': heldMs },
    });
    await unlessHeldAnew(table, 'DeleteItem', () => table.client.send(command));
  },
});

const stillHeld = (table: ItemTable, name: string, key: string) => ({
  TableName: table.name,
  Key: { run: heldBy(name), item: key },
  ConditionExpression: 'heldMs = :heldMs',
});

/** Ignores a condition that failed: a key that was held again after its release stays on the list as it is. */
const unlessHeldAnew = async (
  table: ItemTable,
  operation: string,
  send: () => Promise<unknown>,
): Promise<void> => {
  try {
    await send();
  } catch (error) {
    if (!(error instanceof ConditionalCheckFailedException)) throw table.failure(error, operation);
  }
};

const heldKeyOf = ({ item, heldMs, change, kind, sentMs }: TableItem): HeldKey => ({
  key: String(item),
  heldMs: Number(heldMs),
  change: change === 'overwrite' ? 'overwrite' : 'delete',
  kind: String(kind),
  sentMs: typeof sentMs === 'number' ? sentMs : null,
});
