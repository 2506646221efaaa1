import type { OperatorQueue } from './queue.ts';
import { type DeadMessage, type DeadMessageFilter, filterWants, readDeadMessage } from './dead-message.ts';
import { createHold } from './hold.ts';

export interface Peeked {
  /** At most `limit` messages, the oldest first. */
  messages: DeadMessage[];
  /** Whether more messages match. */
  more: boolean;
  /**
   * The approximate number of messages that were not read, because another reader (another `dlq` command, a move task) held them.
   */
  hidden: number;
  /** Whether Ctrl-C ended the reading before the end of the queue. */
  interrupted: boolean;
}

/** What a reader of the queue needs from its environment. */
export interface Reader {
  /** Milliseconds since the epoch. */
  now(): number;
  interrupted: AbortSignal;
}

/**
 * Reads the messages that match, and removes none of them. Each message is held while the others are read. All messages are
 * released at the end, even after a failure. `onRead` receives the number of messages read so far.
 */
export const peek = async (
  queue: OperatorQueue,
  request: { filter: DeadMessageFilter; limit: number; reader: Reader; onRead: (count: number) => void },
): Promise<Peeked> => {
  const { filter, limit, reader } = request;
  const { inFlight, retentionMs } = await queue.state();
  const hold = createHold(queue, () => reader.now());
  const messages: DeadMessage[] = [];
  try {
    let read = 0;
    // The loop looks for one message more than requested, so that `more` can be determined.
    while (messages.length <= limit && !reader.interrupted.aborted) {
      const received = await hold.next();
      if (received.length === 0) break;
      read += received.length;
      request.onRead(read);
      for (const message of received) {
        const seen = readDeadMessage(message, { nowMs: reader.now(), retentionMs });
        if (filterWants(filter, seen, message)) messages.push(seen);
      }
    }
  } finally {
    await hold.release();
  }
  const oldestFirst = messages.toSorted((a, b) => b.ageSeconds - a.ageSeconds);
  return {
    messages: oldestFirst.slice(0, limit),
    more: messages.length > limit,
    hidden: inFlight,
    interrupted: reader.interrupted.aborted,
  };
};
