import { createHash } from 'node:crypto';
import type { OperatorQueue, ReceivedMessage } from './queue.ts';
import { type DeadMessage, readDeadMessage } from './dead-message.ts';
import { type DeadMessageFilter, filterIsEmpty, filterWants } from './filter.ts';
import { createHold, type Hold } from './hold.ts';
import { createNames, type NamesRead, type Reader } from './read.ts';
import type { Reason } from '../model/reasons.ts';

export interface Redriven extends NamesRead {
  /** How many messages SQS has confirmed in the queues to which they return. */
  moved: number;
  byReason: Partial<Record<Reason, number>>;
  /**
   * How many of the moved messages could not be deleted from the dead-letter queue. They are in both queues, which does no harm.
   */
  inBoth: number;
  /** How many messages matched but were not accepted by the live queue. They stay in the dead-letter queue. */
  refused: number;
  /** The failure that ended the redrive early, after some messages had been moved; null: none. */
  failure: unknown;
  /**
   * How many messages were moved, failed again during the redrive and are left in the dead-letter queue. The cause of their
   * failures is not fixed.
   */
  cameBack: number;
  /** The approximate number of messages that were not read, because another reader held them. */
  hidden: number;
  interrupted: boolean;
}

/**
 * Sends the messages that match to the live queue, one batch at a time. A message is sent first, and deleted only after SQS has
 * confirmed the sending. So no message is lost if the process is killed. A message may then be in both queues. This costs only
 * one more check of its key, because converge does nothing if both sides already agree.
 *
 * If `limit` is null, all messages that match are sent. If `maxPerSecond` is null, the speed is not limited.
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
  const { retentionMs, inFlight, visible } = await queue.state();
  const hold = createHold(queue, () => reader.now(), visible);
  const names = createNames();
  const result: Redriven = {
    ...names,
    moved: 0,
    byReason: {},
    inBoth: 0,
    refused: 0,
    failure: null,
    cameBack: 0,
    hidden: inFlight,
    interrupted: false,
  };
  const returns = createReturnWatch();
  const left = (): number => (limit ?? Number.MAX_SAFE_INTEGER) - result.moved - result.refused;
  const work = async (): Promise<void> => {
    while (left() > 0 && !reader.interrupted.aborted && result.failure === null) {
      const received = await hold.next();
      if (received.length === 0) break;
      const matching = received
        .map((message) => ({ message, seen: readDeadMessage(message, { nowMs: reader.now(), retentionMs }) }))
        .filter(({ message, seen }) => {
          names.add(seen);
          return filterWants(filter, seen, message);
        })
        .filter((each) => !returns.isBack(each))
        .slice(0, left());
      const startMs = reader.now();
      matching.forEach(returns.expect);
      await moveBatch(queue, hold, matching, result);
      request.onMoved(result.moved);
      const paceMs = maxPerSecond === null ? 0 : (matching.length / maxPerSecond) * 1000;
      const restMs = paceMs - (reader.now() - startMs);
      if (restMs > 0 && left() > 0) await reader.sleep(restMs);
    }
  };
  const workers = filterIsEmpty(filter) && limit === null && maxPerSecond === null ? BATCHES_AT_ONCE : 1;
  const fail = (error: unknown): void => {
    result.failure ??= error;
  };
  try {
    await Promise.all(Array.from({ length: workers }, () => work().catch(fail)));
  } finally {
    await hold.release();
  }
  // Messages that were already moved must be reported, even if a failure ended the redrive.
  if (result.failure !== null && result.moved === 0) throw result.failure;
  return { ...result, cameBack: returns.count(), interrupted: reader.interrupted.aborted && left() > 0 };
};

const BATCHES_AT_ONCE = 8;

interface Match {
  message: ReceivedMessage;
  seen: DeadMessage;
}

/**
 * Recognises messages that were moved and came back with more attempts. They are not moved again. Otherwise the redrive would
 * never end as long as the cause of the failures remains. A message that came back has a new id, so it is recognised by the digest
 * of its body.
 */
const createReturnWatch = () => {
  const attemptsMoved = new Map<string, number>();
  let count = 0;
  return {
    expect: ({ message, seen }: Match): void => {
      const name = digestOf(message.body);
      attemptsMoved.set(name, Math.max(seen.attempts ?? 0, attemptsMoved.get(name) ?? 0));
    },
    isBack: ({ message, seen }: Match): boolean => {
      const before = attemptsMoved.get(digestOf(message.body)) ?? Number.MAX_SAFE_INTEGER;
      const isBack = (seen.attempts ?? 0) > before;
      if (isBack) count += 1;
      return isBack;
    },
    count: () => count,
  };
};

const digestOf = (body: string): string => createHash('sha256').update(body).digest('base64url');

/** Moves one batch. Messages whose sending or deletion SQS did not confirm stay in the hold, and are released with the others. */
const moveBatch = async (
  queue: OperatorQueue,
  hold: Hold,
  matching: Match[],
  result: Redriven,
): Promise<void> => {
  if (matching.length === 0) return;
  const sent = await queue.sendBack(matching.map(({ message }) => message));
  const sentIds = new Set(sent.map(({ id }) => id));
  for (const { message, seen } of matching) {
    if (!sentIds.has(message.id)) continue;
    result.moved += 1;
    result.byReason[seen.reason] = (result.byReason[seen.reason] ?? 0) + 1;
  }
  result.refused += matching.length - sent.length;
  result.inBoth += sent.length;
  const removed = await queue.remove(sent);
  for (const { id } of removed) hold.drop(id);
  result.inBoth -= removed.length;
};
