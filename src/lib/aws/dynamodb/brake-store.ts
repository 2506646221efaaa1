/**
 * The brakes in the table of runs: one item for each brake, and one for each key on its list. Three attributes of a brake hold the counts
 * of one slot. The name of each attribute is a letter and the time at which the slot begins.
 */
import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { UpdateCommand, type UpdateCommandInput } from '@aws-sdk/lib-dynamodb';
import { type BrakeRecord, type BrakeStore, type Counts, NO_COUNTS } from '../../model/brake.ts';
import { isRecord } from '../../model/json.ts';
import { translateTableError } from '../errors.ts';
import { brakeKey, heldBy } from './run-items.ts';
import { askTable, getItem, type ItemTable, openTable, type TableItem } from './table.ts';

const LETTERS = { deletes: 'd:', expirations: 'e:', overwrites: 'o:' } as const;
const NAMES = ['deletes', 'expirations', 'overwrites'] as const satisfies (keyof Counts)[];

export const openBrakes = (tableName: string, region: string | null): ItemTable =>
  openTable(tableName, region, (error, operation) =>
    translateTableError(error, `${operation} of the brakes`),
  );

export const createBrakeStore = (tableName: string): BrakeStore => {
  const table = openBrakes(tableName, null);
  const load = async (name: string): Promise<BrakeRecord> =>
    brakeRecordOf((await getItem(table, brakeKey(name))) ?? {});
  return {
    load,
    async count(name, slotMs, counts, old) {
      const added = NAMES.filter((each) => counts[each] > 0);
      const removed = old.flatMap(attributesOf);
      return await changeBrake(table, name, {
        UpdateExpression: `ADD ${added.map((each) => `#${each} :${each}`).join(', ')}${removing(removed)}`,
        ExpressionAttributeNames: {
          ...Object.fromEntries(added.map((each) => [`#${each}`, LETTERS[each] + String(slotMs)])),
          ...removedNames(removed),
        },
        ExpressionAttributeValues: Object.fromEntries(added.map((each) => [`:${each}`, counts[each]])),
      });
    },
    async close(name, closed) {
      try {
        return await changeBrake(table, name, {
          UpdateExpression: 'SET #closed = :closed',
          ConditionExpression: 'attribute_not_exists(#closed)',
          ExpressionAttributeNames: { '#closed': 'closed' },
          ExpressionAttributeValues: { ':closed': closed },
        });
      } catch (error) {
        if (error instanceof ConditionalCheckFailedException) return await load(name);
        throw table.failure(error, 'UpdateItem');
      }
    },
    async hold(name, { key, heldMs, change, kind }) {
      const command = new UpdateCommand({
        TableName: table.name,
        Key: { run: heldBy(name), item: key },
        UpdateExpression: 'SET heldMs = :heldMs, #change = :change, #kind = :kind REMOVE sentMs, #expires',
        ExpressionAttributeNames: { '#change': 'change', '#kind': 'kind', '#expires': 'expires' },
        ExpressionAttributeValues: { ':heldMs': heldMs, ':change': change, ':kind': kind },
      });
      await askTable(table, 'UpdateItem', () => table.client.send(command));
    },
    async heldMs(name, key) {
      const item = await getItem(table, { run: heldBy(name), item: key });
      return item === null ? null : Number(item['heldMs']);
    },
  };
};

/** Changes the item of a brake, and resolves to its new record. Throws the errors of the SDK unchanged. */
export const changeBrake = async (
  table: ItemTable,
  name: string,
  input: Omit<UpdateCommandInput, 'TableName' | 'Key'>,
): Promise<BrakeRecord> => {
  const command = new UpdateCommand({
    ...input,
    TableName: table.name,
    Key: brakeKey(name),
    ReturnValues: 'ALL_NEW',
  });
  return brakeRecordOf((await table.client.send(command)).Attributes ?? {});
};

export const attributesOf = (slotMs: number): string[] => NAMES.map((each) => LETTERS[each] + String(slotMs));

/** Returns the clause that removes the attributes. {@link removedNames} returns the names in the clause. */
export const removing = (attributes: readonly string[]): string =>
  attributes.length === 0 ? '' : ` REMOVE ${attributes.map((_, index) => `#r${index}`).join(', ')}`;

export const removedNames = (attributes: readonly string[]): Record<string, string> =>
  Object.fromEntries(attributes.map((each, index) => [`#r${index}`, each]));

export const brakeRecordOf = (item: TableItem): BrakeRecord => {
  const { closed, keys, releasedMs, releasing } = item;
  const slots = new Map<number, Counts>();
  for (const [attribute, count] of Object.entries(item)) {
    const name = NAMES.find((each) => attribute.startsWith(LETTERS[each]));
    if (name === undefined) continue;
    const slotMs = Number(attribute.slice(LETTERS[name].length));
    slots.set(slotMs, { ...(slots.get(slotMs) ?? NO_COUNTS), [name]: Number(count) });
  }
  return {
    slots,
    closed: isRecord(closed) ? { sinceMs: Number(closed['sinceMs']), why: String(closed['why']) } : null,
    keys: typeof keys === 'number' ? keys : null,
    releasedMs: Number(releasedMs ?? 0),
    releasing: releasing === 'pass-on' || releasing === 'keep' ? releasing : null,
  };
};
