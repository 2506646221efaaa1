/** Transactions of DynamoDB: why one was cancelled, and what to do when two met. */
import { TransactionCanceledException } from '@aws-sdk/client-dynamodb';
import { setTimeout as sleep } from 'node:timers/promises';

export const isCancelled = (error: unknown): error is TransactionCanceledException =>
  error instanceof TransactionCanceledException && !isConflict(error);

/** One for each write, in order: `None` for those that would have been done. */
export const reasonsOf = ({ CancellationReasons: reasons = [] }: TransactionCanceledException): string[] =>
  reasons.map(({ Code: code }) => code ?? 'None');

const TRIES = 12;
const LONGEST_REST_MS = 1_000;

/**
 * Two at once on the same item: one of them is refused (`TransactionConflict`), which the SDK does not try again by itself
 * ("Error handling", DynamoDB transactions).
 */
export const withoutConflicts = async <T>(work: () => Promise<T>): Promise<T> => {
  for (let tries = 1; ; tries += 1) {
    try {
      return await work();
    } catch (error) {
      if (!isConflict(error) || tries >= TRIES) throw error;
      await sleep(Math.random() * Math.min(LONGEST_REST_MS, 20 * 2 ** tries));
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
  // A condition that failed is an answer, whatever else there was.
  return !reasons.includes('ConditionalCheckFailed') && reasons.some((code) => RETRIED.has(code));
};

const RETRIED: ReadonlySet<string> = new Set([
  'TransactionConflict',
  'ThrottlingError',
  'ProvisionedThroughputExceeded',
]);
