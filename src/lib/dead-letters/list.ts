import type { OperatorQueue } from './queue.ts';
import { type DeadMessage, type DeadMessageFilter, filterWants, readDeadMessage } from './dead-message.ts';
import { createHold } from './hold.ts';

export interface Peeked {
  /** At most `limit`, oldest first. */
  messages: DeadMessage[];
  /** More messages match. */
  more: boolean;
  /** Held by another reader (another `dlq` command, a move task) and therefore not seen. Approximate. */
  hidden: number;
  /** The queue was not read to its end because of Ctrl-C. */
  interrupted: boolean;
}

/** The environment of a reader of the queue. */
export interface Reader {
  /** Milliseconds since the epoch. */
  now(): number;
  interrupted: AbortSignal;
}

/**
 * Reads the messages that match without removing any: each message is held while the others are read and then released, whatever
 * happens. `onRead` receives the number of messages read so far.
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
    // One more than requested, to know whether there are more.
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
