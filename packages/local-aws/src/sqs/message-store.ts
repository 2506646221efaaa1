import { randomUUID } from 'node:crypto';
import type { Clock } from '../core/clock.ts';
import { createDueHeap } from './due-heap.ts';
import { createFifo } from './fifo.ts';
import type { MessageContent } from './message-content.ts';
import { createWaitingRoom } from './waiting-room.ts';

export interface Message {
  id: string;
  content: MessageContent;
  senderId: string;
  sentAtMs: number;
  firstReceivedAtMs: number | undefined;
  lastReceivedAtMs: number;
  receiveCount: number;
  /** The queue whose redrive policy moved it here. */
  deadLetterSourceArn: string | undefined;
  state: 'delayed' | 'visible' | 'in-flight' | 'gone';
  /** When a delayed or in-flight message becomes visible. */
  visibleAtMs: number;
  /** Order of arrival in this queue. */
  sequence: number;
}

/**
 * The messages of one standard queue: delayed, visible or in flight. Time passes when a method is called: what became due
 * since is made visible first, and what outlived the retention period is dropped.
 */
export interface MessageStore {
  add(message: {
    /** Default a new one. */
    id?: string;
    content: MessageContent;
    senderId: string;
    delayMs: number;
    /** Given when SQS moves a message: it keeps its id and its time of sending. */
    moved?: Pick<Message, 'id' | 'sentAtMs' | 'deadLetterSourceArn' | 'receiveCount' | 'firstReceivedAtMs'>;
  }): Message;
  /**
   * Puts up to `limit` visible messages in flight. A message that `divert` takes is removed instead. `choose` says which of so many
   * comes next, the oldest being 0.
   */
  take(
    limit: number,
    visibilityTimeoutMs: number,
    divert: (message: Message) => boolean,
    choose?: (count: number) => number,
  ): Message[];
  /** Takes one visible message with a sequence up to `lastSequence` out of the queue. */
  remove(lastSequence: number): Message | undefined;
  /** `undefined` when it was deleted, moved, purged or is too old. */
  find(id: string): Message | undefined;
  delete(message: Message): void;
  /** For a message in flight: visible again at this time. */
  setVisibleAt(message: Message, visibleAtMs: number): void;
  purge(): void;
  counts(): { visible: number; delayed: number; inFlight: number };
  lastSequence(): number;
  /** Resolves when a message may have become visible, or after a short while, or when aborted. */
  mayHaveChanged(untilMs: number, signal: AbortSignal | undefined): Promise<void>;
  wake(): void;
}

export function createMessageStore(clock: Clock, retentionMs: () => number): MessageStore {
  const messages = new Map<string, Message>();
  const due = createDueHeap<Message>();
  const ready = createFifo<Message>();
  const room = createWaitingRoom(clock);
  let sequence = 0;
  const counts = { delayed: 0, visible: 0, 'in-flight': 0, gone: 0 };

  const moveTo = (message: Message, state: Message['state'], visibleAtMs: number): void => {
    counts[message.state] -= 1;
    counts[state] += 1;
    message.state = state;
    message.visibleAtMs = visibleAtMs;
    if (state === 'visible') ready.push(message);
    else if (state === 'gone') messages.delete(message.id);
    else due.add(visibleAtMs, message);
  };
  const settle = (): void => {
    const now = clock.now();
    while (due.firstDueMs() <= now) {
      const entry = due.take();
      if (!entry) break;
      if (isCurrent(entry.dueMs, entry.value)) moveTo(entry.value, 'visible', entry.dueMs);
    }
    // Deleted messages would otherwise stay in memory until their visibility timeout, which may be hours.
    if (due.size() > 1000 + 2 * (counts.delayed + counts['in-flight'])) due.retain(isCurrent);
    for (const message of messages.values()) {
      if (!isTooOld(message)) break;
      moveTo(message, 'gone', 0);
    }
  };
  const isCurrent = (dueMs: number, message: Message): boolean =>
    message.visibleAtMs === dueMs && (message.state === 'delayed' || message.state === 'in-flight');
  const isTooOld = (message: Message): boolean => message.sentAtMs + retentionMs() <= clock.now();
  const nextVisible = (): Message | undefined => {
    for (;;) {
      const message = ready.shift();
      if (!message) return undefined;
      if (message.state !== 'visible') continue;
      if (!isTooOld(message)) return message;
      moveTo(message, 'gone', 0);
    }
  };

  /** Turns the line until the chosen message is its head. */
  const bringForward = (choose: (count: number) => number): void => {
    const waiting: Message[] = [];
    for (let message = ready.shift(); message; message = ready.shift()) {
      if (message.state === 'visible') waiting.push(message);
    }
    const [chosen] = waiting.splice(waiting.length > 0 ? choose(waiting.length) : 0, 1);
    if (chosen) ready.push(chosen);
    for (const message of waiting) ready.push(message);
  };

  return {
    add({ id = randomUUID(), content, senderId, delayMs, moved }) {
      const now = clock.now();
      sequence += 1;
      const message: Message = {
        id,
        content,
        senderId,
        sentAtMs: now,
        firstReceivedAtMs: undefined,
        lastReceivedAtMs: 0,
        receiveCount: 0,
        deadLetterSourceArn: undefined,
        ...moved,
        state: 'gone',
        visibleAtMs: 0,
        sequence,
      };
      counts.gone += 1;
      messages.set(message.id, message);
      moveTo(message, delayMs > 0 ? 'delayed' : 'visible', now + delayMs);
      room.wake();
      return message;
    },
    take(limit, visibilityTimeoutMs, divert, choose) {
      settle();
      const now = clock.now();
      const taken: Message[] = [];
      while (taken.length < limit) {
        if (choose) bringForward(choose);
        const message = nextVisible();
        if (!message) break;
        if (divert(message)) {
          moveTo(message, 'gone', 0);
          continue;
        }
        message.receiveCount += 1;
        message.firstReceivedAtMs ??= now;
        message.lastReceivedAtMs = now;
        moveTo(message, 'in-flight', now + visibilityTimeoutMs);
        taken.push(message);
      }
      return taken;
    },
    remove(lastSequence) {
      settle();
      for (let left = ready.length(); left > 0; left -= 1) {
        const message = nextVisible();
        if (!message) return undefined;
        if (message.sequence <= lastSequence) {
          moveTo(message, 'gone', 0);
          return message;
        }
        ready.push(message);
      }
      return undefined;
    },
    find(id) {
      settle();
      return messages.get(id);
    },
    delete: (message) => moveTo(message, 'gone', 0),
    setVisibleAt(message, visibleAtMs) {
      moveTo(message, visibleAtMs <= clock.now() ? 'visible' : 'in-flight', visibleAtMs);
      room.wake();
    },
    purge() {
      for (const message of messages.values()) moveTo(message, 'gone', 0);
    },
    counts() {
      settle();
      return { visible: counts.visible, delayed: counts.delayed, inFlight: counts['in-flight'] };
    },
    lastSequence: () => sequence,
    mayHaveChanged: (untilMs, signal) => room.wait(Math.min(untilMs, due.firstDueMs()), signal),
    wake: room.wake,
  };
}
