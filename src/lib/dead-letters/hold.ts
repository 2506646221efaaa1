import type { OperatorQueue, ReceivedMessage } from './queue.ts';

/**
 * Messages received to be looked at. SQS shows a message to one reader at a time, so whoever reads a whole queue has to
 * hold on to everything until it has seen the last message, and then let go of it.
 */
export interface Hold {
  /** The next messages nobody has seen yet; empty when the queue has no more. */
  next(): Promise<ReceivedMessage[]>;
  /** Forgets a message: it was deleted, or somebody else's business. */
  drop(id: string): void;
  /** Makes everything still held visible again. Never leaves out a message because another one failed. */
  release(): Promise<void>;
}

/**
 * Short, because it is how long the queue looks too empty when this process is killed; renewed when half of it is over.
 */
const HOLD_SECONDS = 60;

/** Long polling asks all of SQS's servers. A short poll asks some of them and may find nothing in a full queue. */
const WAIT_SECONDS = 1;

/** `now` gives milliseconds since the epoch. */
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
      // SQS may give a message twice. A whole answer of such is no end: look further, but not for ever.
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
