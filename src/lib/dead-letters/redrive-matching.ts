import type { OperatorQueue, ReceivedMessage } from './queue.ts';
import { type DeadMessage, type DeadMessageFilter, filterWants, readDeadMessage } from './dead-message.ts';
import { createHold, type Hold } from './hold.ts';
import type { Reader } from './list.ts';

export interface Redriven {
  /** Confirmed in the live queue. */
  moved: DeadMessage[];
  /** Of these, how many could not be deleted from the dead-letter queue: they are in both, which does no harm. */
  inBoth: number;
  /** Matched, but the live queue did not take them: they stay where they were. */
  refused: number;
  /** What ended it early, after some messages had been moved. */
  failure: unknown;
  /** Moved, failed again meanwhile and left where they are: their cause is not mended. */
  cameBack: number;
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
  queue: OperatorQueue,
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
    cameBack: 0,
    hidden: inFlight,
    interrupted: false,
  };
  const returns = createReturnWatch();
  const left = (): number => (limit ?? Number.MAX_SAFE_INTEGER) - result.moved.length - result.refused;
  try {
    while (left() > 0 && !reader.interrupted.aborted) {
      const received = await hold.next();
      if (received.length === 0) break;
      const matching = received
        .map((message) => ({ message, seen: readDeadMessage(message, { nowMs: reader.now(), retentionMs }) }))
        .filter(({ message, seen }) => filterWants(filter, seen, message))
        .filter((each) => !returns.isBack(each))
        .slice(0, left());
      const startMs = reader.now();
      matching.forEach(returns.expect);
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
  return { ...result, cameBack: returns.count(), interrupted: reader.interrupted.aborted && left() > 0 };
};

interface Match {
  message: ReceivedMessage;
  seen: DeadMessage;
}

/**
 * Recognises what was moved and is here again, with one attempt more: moving it on and on would never end while its cause is
 * not mended. By the body, since the message is a new one.
 */
const createReturnWatch = () => {
  const attemptsMoved = new Map<string, number>();
  let count = 0;
  return {
    expect: ({ message, seen }: Match): void => {
      attemptsMoved.set(message.body, Math.max(seen.attempts ?? 0, attemptsMoved.get(message.body) ?? 0));
    },
    isBack: ({ message, seen }: Match): boolean => {
      const isBack = (seen.attempts ?? 0) > (attemptsMoved.get(message.body) ?? Number.MAX_SAFE_INTEGER);
      if (isBack) count += 1;
      return isBack;
    },
    count: () => count,
  };
};

/** Everything not confirmed stays in the hold and is released with the rest. */
const moveBatch = async (
  queue: OperatorQueue,
  hold: Hold,
  matching: Match[],
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
