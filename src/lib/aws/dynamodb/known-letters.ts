/** The records of the letters in the dead-letter queue, in the table of idempotency records. */
import { createHash } from 'node:crypto';
import { DeleteCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import type { KnownLetters, LetterKey } from '../../delivery/known-letters.ts';
import { mapConcurrently } from '../../model/concurrency.ts';
import { translateTableError } from '../errors.ts';
import { askTable, getItem, openTable } from './table.ts';

/**
 * Maximum time that a letter exists. The dead-letter queue has the longest retention that SQS allows. After that, SQS deletes the
 * letter.
 */
const LETTER_SECONDS = 14 * 24 * 3_600;
const REMOVED_AT_ONCE = 16;

/** Opens the records of letters. `nowMs` returns milliseconds since the epoch. */
export const createKnownLetters = (tableName: string, nowMs: () => number): KnownLetters => {
  const table = openTable(tableName, null, (error, operation) =>
    translateTableError(error, `${operation} of a dead letter's record`),
  );
  return {
    async keep(of) {
      const expiration = Math.floor(nowMs() / 1_000) + LETTER_SECONDS;
      const command = new PutCommand({ TableName: table.name, Item: { ...itemKey(of), expiration } });
      await askTable(table, 'PutItem', () => table.client.send(command));
    },
    async has(of) {
      const item = await getItem(table, itemKey(of));
      // DynamoDB may keep an item for days after its expiration.
      return item !== null && Number(item['expiration']) * 1_000 > nowMs();
    },
    async forget(letters) {
      await mapConcurrently(letters, REMOVED_AT_ONCE, async (of) => {
        const command = new DeleteCommand({ TableName: table.name, Key: itemKey(of) });
        await askTable(table, 'DeleteItem', () => table.client.send(command));
      });
    },
  };
};

const itemKey = ({ rule, destination, bucket, key }: LetterKey): { id: string } => ({
  id: `letter#${createHash('sha256')
    .update(JSON.stringify([rule, destination, bucket, key]))
    .digest('base64url')}`,
});
