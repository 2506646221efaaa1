/** Transactions of DynamoDB: the reasons why a transaction was cancelled, and the retries after a conflict of two transactions. */
import { TransactionCanceledException } from '@aws-sdk/client-dynamodb';
import { TransactWriteCommand, type TransactWriteCommandInput } from '@aws-sdk/lib-dynamodb';
import { setTimeout as sleep } from 'node:timers/promises';
import { askTable, type ItemTable } from './table.ts';

export type Write = NonNullable<TransactWriteCommandInput['TransactItems']>[number];

/**
 * Makes all writes in one transaction. Resolves to null when all of them took effect. Otherwise none took effect, and the result
 * lists one reason for each write, in the order of the writes. The reason is `None` for a write that would have succeeded.
 */
export const transact = (table: ItemTable, writes: Write[]): Promise<string[] | null> =>
  askTable(table, 'TransactWriteItems', () =>
    withoutConflicts(async () => {
      try {
        await table.client.send(new TransactWriteCommand({ TransactItems: writes }));
        return null;
      } catch (error) {
        if (error instanceof TransactionCanceledException && !isConflict(error)) return reasonsOf(error);
        throw error;
      }
    }),
  );

const reasonsOf = ({ CancellationReasons: reasons = [] }: TransactionCanceledException): string[] =>
  reasons.map(({ Code: code }) => code ?? 'None');

/** How often a transaction is tried before its conflict counts as a failure. */
const TRANSACTION_TRIES = 12;
/** Maximum pause between two tries. */
const MAX_PAUSE_MS = 1_000;

/**
 * Tries a transaction again after a conflict. When two transactions write the same item at once, DynamoDB refuses one of them
 * (`TransactionConflict`). The SDK does not retry the refused transaction ("Error handling", DynamoDB transactions).
 */
const withoutConflicts = async <T>(work: () => Promise<T>): Promise<T> => {
  for (let tries = 1; ; tries += 1) {
    try {
      return await work();
    } catch (error) {
      if (!isConflict(error) || tries >= TRANSACTION_TRIES) throw error;
      await sleep(Math.random() * Math.min(MAX_PAUSE_MS, 20 * 2 ** tries));
    }
  }
};

const isConflict = (error: unknown): boolean => {
  if (!(error instanceof TransactionCanceledException)) {
    return (
      error instanceof Error &&
      ['TransactionConflictException', 'TransactionInProgressException'].includes(error.name)
    );
  }
  const reasons = reasonsOf(error);
  // If a condition was not met, a retry would not help. Such a failure does not count as a conflict, even if it has other reasons
  // too.
  return !reasons.includes('ConditionalCheckFailed') && reasons.some((code) => RETRIED_REASONS.has(code));
};

const RETRIED_REASONS: ReadonlySet<string> = new Set([
  'TransactionConflict',
  'ThrottlingError',
  'ProvisionedThroughputExceeded',
]);
