/**
 * Every format that one release writes and another may read: how today's code writes a sample of it, how it reads the sample, and what it
 * then has read. Each fixture was written by the release in which its schema number was new.
 */
import type { Context } from 'aws-lambda';
import { expect } from 'vitest';
import { createReceiptStore } from '../../src/lib/aws/dynamodb/receipts.ts';
import { createRunStore } from '../../src/lib/aws/dynamodb/run-store.ts';
import { createTransferStore } from '../../src/lib/aws/dynamodb/transfer-store.ts';
import { createVersionReceipts } from '../../src/lib/aws/dynamodb/version-receipts.ts';
import {
  createDeadLetterQueue,
  createRetries,
  createRunQueues,
  createTransferQueue,
  queueMessage,
} from '../../src/lib/aws/sqs/queues.ts';
import { createWaitingQueues, sendingBack } from '../../src/lib/aws/sqs/waiting-queues.ts';
import { parsePartRangeMessage, partRangeMessage } from '../../src/lib/copy/transfer/part-ranges.ts';
import type { Receipts, Retries } from '../../src/lib/delivery/deps.ts';
import { formatAnnouncement } from '../../src/lib/hint/announcement.ts';
import { formatHint, formatSeveral } from '../../src/lib/hint/hint.ts';
import { parseMessage } from '../../src/lib/hint/parse-message.ts';
import { wholeRange } from '../../src/lib/listing/range.ts';
import type { Schema } from '../../src/lib/model/schemas.ts';
import { parseRunMessage } from '../../src/lib/runs/messages.ts';
import { NOTHING_COMPARED } from '../../src/lib/runs/run.ts';
import { testDestination, testRule } from '../model/settings.ts';
import {
  EVENT,
  HINT,
  LETTER,
  RANGE_MESSAGE,
  RECEIPT,
  RETRY,
  RUN,
  TRANSFER,
  VERSION_RECEIPT,
} from './samples.ts';
import { lambdaRecord, type StoredItem, type StoredMessage, type Stores, type TableName } from './stores.ts';

/** What is stored: a message with its attributes, or an item of a table. */
export type Stored = { message: StoredMessage } | { table: TableName; item: StoredItem };

export interface Format {
  /** The name of its fixtures. */
  name: string;
  schema: Schema;
  write(stores: Stores): Promise<Stored>;
  /** Resolves to what was read. */
  read(stored: Stored, stores: Stores): Promise<unknown>;
  value: unknown;
}

const bodyOf = (stored: Stored): string => messageIn(stored).body;

const messageIn = (stored: Stored): StoredMessage => {
  if (!('message' in stored)) throw new Error('the fixture is no message');
  return stored.message;
};

const plain = (body: string): Stored => ({ message: { body, attributes: {} } });

/** Puts the item into its table, which has no other item. */
const putAlone = async (stored: Stored, stores: Stores): Promise<void> => {
  if (!('table' in stored)) throw new Error('the fixture is no item');
  await stores.clear(stored.table);
  await stores.put(stored.table, stored.item);
};

const retriesOf = ({ sqs, queueUrl }: Stores): Retries =>
  createRetries(sqs, { live: queueUrl, backfill: queueUrl, transfer: queueUrl }, () => queueUrl);

const receiptsOf = (): Receipts => {
  const context: Partial<Context> = { getRemainingTimeInMillis: () => 400_000 };
  return createReceiptStore('receipts')(context as Context);
};

const onlyItem = async (table: TableName, stores: Stores): Promise<Stored> => {
  const [item = {}] = await stores.itemsOf(table);
  return { table, item };
};

const where = { rule: testRule(), destination: testDestination() };
const destination = testDestination();

const MESSAGES: Format[] = [
  {
    name: 'hint',
    schema: 'hint',
    write: async () => plain(formatHint(HINT)),
    read: async (stored) => parseMessage(bodyOf(stored)),
    value: [{ kind: 'hint', hint: HINT }],
  },
  {
    name: 'announcement',
    schema: 'announcement',
    write: async () => plain(formatAnnouncement([EVENT])),
    read: async (stored) => parseMessage(bodyOf(stored)),
    value: [{ kind: 'announcement', events: [EVENT] }],
  },
  {
    name: 'several',
    schema: 'several',
    write: async () => plain(formatSeveral([formatHint(HINT), formatHint({ ...HINT, key: 'other' })])),
    read: async (stored) => parseMessage(bodyOf(stored)),
    value: [
      { kind: 'hint', hint: HINT },
      { kind: 'hint', hint: { ...HINT, key: 'other' } },
    ],
  },
  {
    name: 'part-range',
    schema: 'part range',
    async write(stores) {
      const message = partRangeMessage(TRANSFER, { firstPart: 3, lastPart: 9 });
      await createTransferQueue(stores.sqs, stores.queueUrl).send([message]);
      return { message: await stores.taken() };
    },
    read: async (stored) => parsePartRangeMessage(bodyOf(stored)),
    value: partRangeMessage(TRANSFER, { firstPart: 3, lastPart: 9 }),
  },
  {
    name: 'range-message',
    schema: 'range',
    async write({ sqs, queueUrl, taken }) {
      await createRunQueues(sqs, { rangesUrl: queueUrl, hintsUrl: queueUrl }).send([RANGE_MESSAGE]);
      return { message: await taken() };
    },
    read: async (stored) => parseRunMessage(bodyOf(stored)),
    value: RANGE_MESSAGE,
  },
  {
    name: 'retry',
    schema: 'attributes',
    async write(stores) {
      await retriesOf(stores).again({ body: formatHint(HINT), retry: RETRY }, 0);
      return { message: await stores.taken() };
    },
    async read(stored) {
      const { retry, newer } = queueMessage(lambdaRecord(messageIn(stored)));
      return newer ?? retry;
    },
    value: RETRY,
  },
  {
    name: 'waiting-message',
    schema: 'attributes',
    async write(stores) {
      await retriesOf(stores).wait(where, { body: formatHint(HINT), retry: RETRY });
      return { message: await stores.taken() };
    },
    async read(stored, { sqs, queueUrl, send, taken }) {
      await send(messageIn(stored));
      const sendBack = sendingBack(sqs, { live: queueUrl, backfill: queueUrl, transfer: queueUrl });
      const queues = createWaitingQueues(sqs, { liveUrl: queueUrl, sendBack }, () => queueUrl);
      const [message] = await queues.receive(where, 1);
      await queues.letBack(where, [message!]);
      return message!.newer ?? { origin: message!.origin, retry: message!.retry, letBack: await taken() };
    },
    value: { origin: 'backfill', retry: RETRY, letBack: expect.objectContaining({ body: formatHint(HINT) }) },
  },
  {
    name: 'dead-letter',
    schema: 'attributes',
    async write({ sqs, queueUrl, taken }) {
      await createDeadLetterQueue(sqs, queueUrl).send(formatHint(HINT), LETTER);
      return { message: await taken() };
    },
    async read(stored) {
      const { earlier, newer } = queueMessage(lambdaRecord(messageIn(stored)));
      return newer ?? earlier;
    },
    value: LETTER,
  },
];

const RECORDS: Format[] = [
  {
    name: 'transfer',
    schema: 'transfer',
    async write(stores) {
      await stores.clear('transfers');
      await createTransferStore('transfers').begin(TRANSFER, null);
      return await onlyItem('transfers', stores);
    },
    async read(stored, stores) {
      await putAlone(stored, stores);
      return await createTransferStore('transfers').load(TRANSFER.id);
    },
    value: TRANSFER,
  },
  {
    name: 'run',
    schema: 'run',
    async write(stores) {
      await stores.clear('runs');
      await createRunStore('runs').create(RUN, wholeRange());
      return { table: 'runs', item: await stores.item('runs', { run: RUN.id, item: 'run' }) };
    },
    async read(stored, stores) {
      await putAlone(stored, stores);
      return await createRunStore('runs').load(RUN.id);
    },
    value: RUN,
  },
  {
    name: 'range',
    schema: 'range',
    async write(stores) {
      await stores.clear('runs');
      await createRunStore('runs').create(RUN, wholeRange());
      const items = await stores.itemsOf('runs');
      return { table: 'runs', item: items.find(({ item }) => String(item).startsWith('range#'))! };
    },
    async read(stored, stores) {
      await putAlone(stored, stores);
      return await createRunStore('runs').openRange(RUN.id, 1, '');
    },
    value: { range: wholeRange(), counted: NOTHING_COMPARED, movedMs: expect.any(Number), wakes: 0 },
  },
  {
    name: 'receipt',
    schema: 'receipt',
    async write(stores) {
      await stores.clear('receipts');
      await receiptsOf().once('work', { message: 'm1', delivery: 1 }, async () => RECEIPT);
      return await onlyItem('receipts', stores);
    },
    async read(stored, stores) {
      await putAlone(stored, stores);
      const lookedAgain = async () => ({ ...RECEIPT, outcome: 'unchanged' as const });
      return await receiptsOf().once('work', { message: 'm2', delivery: 1 }, lookedAgain);
    },
    value: { duplicate: true, receipt: RECEIPT },
  },
  {
    name: 'version-receipt',
    schema: 'version receipt',
    async write(stores) {
      await stores.clear('receipts');
      await createVersionReceipts('receipts').keep(destination, 'key', 'v1', VERSION_RECEIPT);
      return await onlyItem('receipts', stores);
    },
    async read(stored, stores) {
      await putAlone(stored, stores);
      return await createVersionReceipts('receipts').find(destination, 'key', 'v1');
    },
    value: VERSION_RECEIPT,
  },
];

export const STORED_FORMATS = [...MESSAGES, ...RECORDS];
