/** Moves waiting messages back. Both the schedule and an operator's command use this. */
import type { RuleDestination } from '../model/rule.ts';
import { MAX_WAITING_MS } from './backoff.ts';
import type { WaitingQueues } from './deps.ts';

/** How many messages SQS receives at once. */
export const BATCH_MESSAGES = 10;
/** How many batches of one destination are moved at once. */
export const BATCHES_AT_ONCE = 8;

/**
 * Moves back a batch of the messages that already waited at `beganMs`. Resolves to the number of moved messages, or to null if no message
 * is visible.
 *
 * A message that is younger than `beganMs` has failed in the meantime, and stays hidden. Otherwise it would be tried again and again
 * without a pause, as long as the caller finds messages. A message of a newer release stays too, because this release could not read
 * it from its own queue either. It is moved only when SQS would soon delete it.
 */
export const letBackBatch = async (
  where: RuleDestination,
  waiting: Pick<WaitingQueues, 'receive' | 'letBack'>,
  beganMs: number,
): Promise<number | null> => {
  const messages = await waiting.receive(where, BATCH_MESSAGES);
  if (messages.length === 0) return null;
  const old = messages.filter(
    ({ sentMs, newer }) => sentMs < (newer === undefined ? beganMs : beganMs - MAX_WAITING_MS),
  );
  return old.length === 0 ? 0 : await waiting.letBack(where, old);
};
