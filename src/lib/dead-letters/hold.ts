import type { OperatorQueue, ReceivedMessage } from './queue.ts';

/**
 * Messages that were received only to be read. SQS hides a received message for a limited time. A reader of the whole queue must
 * keep all messages hidden until the last one is read. Otherwise it would receive the same messages again. At the end the reader
 * releases all messages.
 */
export interface Hold {
  /** Returns the next messages that were not read yet. Returns an empty array if the queue has no more. */
  next(): Promise<ReceivedMessage[]>;
  /** Removes a message from the hold. Call this after the message was deleted from the queue. */
  drop(id: string): void;
  /** Makes all held messages visible again. If a message cannot be released, the others are released nevertheless. */
  release(): Promise<void>;
}

/**
 * How long a received message stays hidden. If the process is killed, the received messages stay hidden until this time is over,
 * so the time is short. The hold is renewed when half of the time is over.
 */
const HOLD_SECONDS = 60;

/**
 * How long a receive call waits. Long polling asks all servers of SQS. A short poll asks only some of them, so it may report a
 * full queue as empty.
 */
const WAIT_SECONDS = 1;

/** `now` returns milliseconds since the epoch. */
export const createHold = (queue: OperatorQueue, now: () => number): Hold => {
  const held = new Map<string, { message: ReceivedMessage; untilMs: number }>();
  const seen = new Set<string>();

  const keep = (messages: ReceivedMessage[], untilMs: number): void => {
    for (const message of messages) held.set(message.id, { message, untilMs });
  };

  const renew = async (): Promise<void> => {
    const halfTimeMs = (HOLD_SECONDS * 1000) / 2;
    const due = [...held.values()].filter(({ untilMs }) => untilMs - now() < halfTimeMs);
    if (due.length === 0) return;
    const messages = due.map(({ message }) => message);
    const untilMs = now() + HOLD_SECONDS * 1000;
    await queue.changeVisibility(messages, HOLD_SECONDS);
    keep(messages, untilMs);
  };

  return {
    async next() {
      // SQS may deliver a message twice. A response that contains only known messages does not mean that the queue has no more.
      // So the loop receives again, but at most ten times.
      for (let attempt = 0; attempt < 10; attempt += 1) {
        await renew();
        const untilMs = now() + HOLD_SECONDS * 1000;
        const messages = await queue.receive({
          visibilityTimeoutSeconds: HOLD_SECONDS,
          waitSeconds: WAIT_SECONDS,
        });
        if (messages.length === 0) return [];
        const fresh = messages.filter(({ id }) => !seen.has(id));
        keep(messages, untilMs);
        for (const { id } of messages) seen.add(id);
        if (fresh.length > 0) return fresh;
      }
      return [];
    },
    drop(id) {
      held.delete(id);
    },
    async release() {
      const messages = [...held.values()].map(({ message }) => message);
      held.clear();
      await queue.changeVisibility(messages, 0);
    },
  };
};
