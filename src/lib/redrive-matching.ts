import type { DeadLetterQueue, ReceivedMessage } from './dead-letter-queue.ts';
import { type DeadMessage, type DeadMessageFilter, filterWants, readDeadMessage } from './dead-message.ts';
import { createHold, type Hold } from './message-hold.ts';
import type { Reader } from './peek.ts';

export interface Redriven {
  /** Confirmed in the live queue. */
  moved: DeadMessage[];
  /** Of these, how many could not be deleted from the dead-letter queue: they are in both, which does no harm. */
  inBoth: number;
  /** Matched, but the live queue did not take them: they stay where they were. */
  refused: number;
  /** What ended it early, after some messages had been moved. */
  failure: unknown;
  /** Held by another reader and therefore not looked at. Approximate. */
  hidden: number;
  interrupted: boolean;
}

/**
 * Sends the messages that match to the live queue, one batch at a time: sent first, deleted only when SQS has confirmed
 * the sending. Killed at any point, no message is lost; one may then be in both queues, which costs one look at the key:
 * a hint is not an order, and converge finds nothing left to do.
 *
 * `limit` null: all that match. `maxPerSecond` null: as fast as it goes.
 */
export const redriveMatching = async (
  queue: DeadLetterQueue,
  request: {
    filter: DeadMessageFilter;
    limit: number | null;
    maxPerSecond: number | null;
    reader: Reader & { sleep(ms: number): Promise<void> };
    onMoved: (count: number) => void;
  },
): Promise<Redriven> => {
  const { filter, limit, maxPerSecond, reader } = request;
  const { retentionMs, inFlight } = await queue.state();
  const hold = createHold(queue, () => reader.now());
  const result: Redriven = {
    moved: [],
    inBoth: 0,
    refused: 0,
    failure: null,
    hidden: inFlight,
    interrupted: false,
  };
  const left = (): number => (limit ?? Number.MAX_SAFE_INTEGER) - result.moved.length - result.refused;
  try {
    while (left() > 0 && !reader.interrupted.aborted) {
      const received = await hold.next();
      if (received.length === 0) break;
      const matching = received
        .map((message) => ({ message, seen: readDeadMessage(message, { nowMs: reader.now(), retentionMs }) }))
        .filter(({ message, seen }) => filterWants(filter, seen, message))
        .slice(0, left());
      const startMs = reader.now();
      await moveBatch(queue, hold, matching, result);
      request.onMoved(result.moved.length);
      const paceMs = maxPerSecond === null ? 0 : (matching.length / maxPerSecond) * 1000;
      const restMs = paceMs - (reader.now() - startMs);
      if (restMs > 0 && left() > 0) await reader.sleep(restMs);
    }
  } catch (error) {
    // What was moved has to be told, whatever stopped it.
    if (result.moved.length === 0) throw error;
    result.failure = error;
  } finally {
    await hold.release();
  }
  return { ...result, interrupted: reader.interrupted.aborted && left() > 0 };
};

/** Everything not confirmed stays in the hold and is released with the rest. */
const moveBatch = async (
  queue: DeadLetterQueue,
  hold: Hold,
  matching: { message: ReceivedMessage; seen: DeadMessage }[],
  result: Redriven,
): Promise<void> => {
  if (matching.length === 0) return;
  const sent = await queue.sendToLive(matching.map(({ message }) => message));
  const sentIds = new Set(sent.map(({ id }) => id));
  result.moved.push(...matching.filter(({ message }) => sentIds.has(message.id)).map(({ seen }) => seen));
  result.refused += matching.length - sent.length;
  result.inBoth += sent.length;
  const removed = await queue.remove(sent);
  for (const { id } of removed) hold.drop(id);
  result.inBoth -= removed.length;
};
