/**
 * The store of arrivals, in the table of idempotency records: one item for each minute. The name of an attribute consists of a
 * letter for the queue, a letter for the field, and the name of the destination.
 */
import { GetCommand, PutCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import {
  addSeen,
  type Arrivals,
  type ArrivalStore,
  noArrivals,
  NOTHING_SEEN,
  type Seen,
  type SharedQueue,
} from '../../state/arrivals.ts';
import { ARRIVALS_ID } from '../../model/rule.ts';
import { translateTableError } from '../errors.ts';
import { askTable, type ItemTable, openTable, type TableItem } from './table.ts';

const QUEUES = { l: 'live', b: 'backfill' } as const satisfies Record<string, SharedQueue>;
const FIELDS = {
  r: 'received',
  a: 'again',
  b: 'bytes',
  n: 'newestMs',
  o: 'oldestAgainMs',
} as const satisfies Record<string, keyof Seen>;
/** The field that counts the messages of a queue for all destinations together. */
const MESSAGES = 'm';

/** How long the record of a minute is kept. */
const EXPIRES_SECONDS = 3_600;
const KEPT = ARRIVALS_ID;

/** Opens the table in `region`; null: the region of the environment. */
export const createArrivalStore = (tableName: string, region: string | null = null): ArrivalStore => {
  const table = openTable(tableName, region, (error, operation) =>
    translateTableError(error, `${operation} of the arrivals`),
  );
  return {
    add: (...given) => addArrivals(table, ...given),
    async load(minutesMs) {
      const all = await Promise.all(minutesMs.map((minuteMs) => arrivalsIn(table, idOf(minuteMs))));
      return { live: sum(all.map(({ live }) => live)), backfill: sum(all.map(({ backfill }) => backfill)) };
    },
    kept: () => arrivalsIn(table, KEPT),
    async keep(arrivals) {
      const fields = [...fieldsOf('live', arrivals.live), ...fieldsOf('backfill', arrivals.backfill)];
      const Item = { id: KEPT, ...Object.fromEntries(fields) };
      await askTable(table, 'PutItem', () =>
        table.client.send(new PutCommand({ TableName: table.name, Item })),
      );
    },
  };
};

const idOf = (minuteMs: number): string => `${ARRIVALS_ID}#${minuteMs}`;

const addArrivals = async (
  table: ItemTable,
  minuteMs: number,
  queue: SharedQueue,
  arrivals: Arrivals,
): Promise<void> => {
  const fields = fieldsOf(queue, arrivals);
  const [counts, times] = [fields.filter(([name]) => !isTime(name)), fields.filter(([name]) => isTime(name))];
  // The last writer replaces the times of all other writers. The times hardly differ.
  const set = ['#expiration = :expiration', ...times.map((_, index) => `#t${index} = :t${index}`)];
  const command = new UpdateCommand({
    TableName: table.name,
    Key: { id: idOf(minuteMs) },
    UpdateExpression: `ADD ${counts.map((_, index) => `#c${index} :c${index}`).join(', ')} SET ${set.join(', ')}`,
    ExpressionAttributeNames: {
      '#expiration': 'expiration',
      ...numbered('#c', counts, 0),
      ...numbered('#t', times, 0),
    },
    ExpressionAttributeValues: {
      ':expiration': Math.floor(minuteMs / 1_000) + EXPIRES_SECONDS,
      ...numbered(':c', counts, 1),
      ...numbered(':t', times, 1),
    },
  });
  await askTable(table, 'UpdateItem', () => table.client.send(command));
};

type Field = readonly [name: string, value: number];

const isTime = (name: string): boolean => /^.[no]/.test(name);

const numbered = (prefix: string, fields: readonly Field[], part: 0 | 1): Record<string, string | number> =>
  Object.fromEntries(fields.map((field, index) => [`${prefix}${index}`, field[part]]));

const fieldsOf = (queue: SharedQueue, { messages, seen }: Arrivals): Field[] => {
  const letter = queue === 'live' ? 'l' : 'b';
  const fields: Field[] = [[letter + MESSAGES, messages]];
  for (const [name, each] of seen)
    for (const [field, key] of Object.entries(FIELDS)) fields.push([letter + field + name, each[key]]);
  return fields.filter(([, value]) => value !== 0);
};

const arrivalsIn = async (table: ItemTable, id: string): Promise<Record<SharedQueue, Arrivals>> => {
  const command = new GetCommand({ TableName: table.name, Key: { id } });
  const { Item: item = {} } = await askTable(table, 'GetItem', () => table.client.send(command));
  return arrivalsOf(item);
};

const arrivalsOf = (item: TableItem): Record<SharedQueue, Arrivals> => {
  const arrivals = { live: noArrivals(), backfill: noArrivals() };
  for (const [attribute, value] of Object.entries(item)) {
    const queue = QUEUES[attribute[0] as keyof typeof QUEUES];
    if (queue === undefined || typeof value !== 'number') continue;
    const { seen } = arrivals[queue];
    const [field, name] = [attribute[1] ?? '', attribute.slice(2)];
    if (field === MESSAGES && name === '') arrivals[queue].messages += value;
    else if (Object.hasOwn(FIELDS, field)) {
      const key = FIELDS[field as keyof typeof FIELDS];
      seen.set(name, { ...(seen.get(name) ?? NOTHING_SEEN), [key]: value });
    }
  }
  return arrivals;
};

const sum = (all: readonly Arrivals[]): Arrivals => {
  const total = noArrivals();
  for (const { messages, seen } of all) {
    total.messages += messages;
    for (const [name, each] of seen)
      total.seen.set(name, addSeen(total.seen.get(name) ?? NOTHING_SEEN, each));
  }
  return total;
};
