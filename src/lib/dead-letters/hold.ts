import type { Held, OperatorQueue, ReceivedMessage } from './queue.ts';

/**
 * Messages that were received only to be read. SQS hides a received message for a limited time. A reader of the whole queue must
 * keep all messages hidden until the last one is read. Otherwise it would receive the same messages again. At the end the reader
 * releases all messages.
 *
 * A hold keeps the handles of the messages and not their contents, so that its memory does not grow with the size of the messages.
 */
export interface Hold {
  /** Returns the next messages that were not read yet. Returns an empty array if the queue has no more. */
  next(): Promise<ReceivedMessage[]>;
  /** Hides the held messages for longer, if half of their time is over. A reader that waits calls it again and again. */
  renew(): Promise<void>;
  /** Returns the present handles of those messages that are still held. */
  handlesOf(ids: readonly string[]): Held[];
  /** Removes a message from the hold. Call this after the message was deleted from the queue. */
  drop(id: string): void;
  /** Makes the held messages visible again, except those of `kept`. If one cannot be released, the others are released nevertheless. */
  release(kept?: ReadonlySet<string>): Promise<void>;
}

/**
 * Returns how long a received message stays hidden, in seconds. If the process is killed, the received messages stay hidden until
 * this time is over, so the time is short. A long queue needs more time, because renewing the hold takes a call for ten messages.
 * The hold is renewed when half of the time is over.
 */
const holdSeconds = (messages: number): number =>
  Math.min(MAX_HOLD_SECONDS, Math.max(MIN_HOLD_SECONDS, Math.ceil(messages / 100)));
const MIN_HOLD_SECONDS = 60;
const MAX_HOLD_SECONDS = 300;

/**
 * How long a receive call waits. Long polling asks all servers of SQS. A short poll asks only some of them, so it may report a
 * full queue as empty.
 */
const WAIT_SECONDS = 1;

interface State {
  readonly queue: OperatorQueue;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly seconds: number;
  readonly held: Map<string, Held & { untilMs: number }>;
  readonly seen: Set<string>;
  renewing: Promise<void> | null;
}

/**
 * Creates a hold on messages of the queue. `messages` is the approximate number of messages in the queue. `now` returns
 * milliseconds since the epoch.
 */
export const createHold = (queue: OperatorQueue, now: () => number, messages = 0): Hold => {
  const seconds = holdSeconds(messages);
  const state: State = { queue, now, seconds, held: new Map(), seen: new Set(), renewing: null };
  const { held } = state;
  return {
    next: () => nextOf(state),
    renew: () => renewOnce(state),
    handlesOf: (ids) => ids.flatMap((id) => held.get(id) ?? []),
    drop: (id) => void held.delete(id),
    async release(kept = new Set()) {
      const released = [...held.values()].filter(({ id }) => !kept.has(id));
      for (const { id } of released) held.delete(id);
      await queue.changeVisibility(released, 0);
    },
  };
};

const nextOf = async (state: State): Promise<ReceivedMessage[]> => {
  const { queue, seconds, seen } = state;
  // SQS may deliver a message twice. A response that contains only known messages does not mean that the queue has no more.
  // So the loop receives again, but at most ten times.
  for (let attempt = 0; attempt < 10; attempt += 1) {
    await renewOnce(state);
    const untilMs = state.now() + seconds * 1000;
    const messages = await queue.receive({ visibilityTimeoutSeconds: seconds, waitSeconds: WAIT_SECONDS });
    if (messages.length === 0) return [];
    const fresh = messages.filter(({ id }) => !seen.has(id));
    keep(state, messages, untilMs);
    for (const { id } of messages) seen.add(id);
    if (fresh.length > 0) return fresh;
  }
  return [];
};

const keep = ({ held }: State, messages: readonly Held[], untilMs: number): void => {
  for (const { id, receiptHandle } of messages) held.set(id, { id, receiptHandle, untilMs });
};

/** Renews the hold once, even if several readers of the hold ask for it at the same time. */
const renewOnce = async (state: State): Promise<void> => {
  state.renewing ??= renew(state).finally(() => (state.renewing = null));
  await state.renewing;
};

const renew = async (state: State): Promise<void> => {
  const { queue, seconds, held } = state;
  const halfTimeMs = (seconds * 1000) / 2;
  const due = [...held.values()].filter(({ untilMs }) => untilMs - state.now() < halfTimeMs);
  if (due.length === 0) return;
  const untilMs = state.now() + seconds * 1000;
  await queue.changeVisibility(due, seconds);
  keep(
    state,
    due.filter(({ id }) => held.has(id)),
    untilMs,
  );
};
