import { randomUUID } from 'node:crypto';
import type { Clock } from '../core/clock.ts';
import { createDueHeap, type DueHeap } from './due-heap.ts';
import { createFifo, type Fifo } from './fifo.ts';
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
  /** ARN of the queue from which the redrive policy moved the message. */
  deadLetterSourceArn: string | undefined;
  state: 'delayed' | 'visible' | 'in-flight' | 'gone';
  /** When a delayed or in-flight message becomes visible. */
  visibleAtMs: number;
  /** A number that increases with each message that the queue receives. */
  sequence: number;
}

/**
 * The messages of a standard queue, which are delayed, visible or in flight. Methods that read messages first make due messages visible,
 * and drop messages that are older than the retention period.
 */
export interface MessageStore {
  add(message: {
    /** The message id. The default is a new id. */
    id?: string;
    content: MessageContent;
    senderId: string;
    delayMs: number;
    /** The properties that a message keeps when SQS moves it from another queue. */
    moved?: Pick<Message, 'id' | 'sentAtMs' | 'deadLetterSourceArn' | 'receiveCount' | 'firstReceivedAtMs'>;
  }): Message;
  /**
   * Puts up to `limit` visible messages in flight and returns them. If `divert` returns true for a message, it is removed instead. `choose`
   * returns the index of the next message among `count` visible messages; the oldest has the index 0.
   */
  take(
    limit: number,
    visibilityTimeoutMs: number,
    divert: (message: Message) => boolean,
    choose?: (count: number) => number,
  ): Message[];
  /** Removes and returns a visible message whose sequence is at most `lastSequence`. */
  remove(lastSequence: number): Message | undefined;
  /** Returns a message; `undefined` if it was deleted, moved or purged, or is older than the retention period. */
  find(id: string): Message | undefined;
  delete(message: Message): void;
  /** Sets the time at which a message in flight becomes visible again. */
  setVisibleAt(message: Message, visibleAtMs: number): void;
  purge(): void;
  counts(): { visible: number; delayed: number; inFlight: number };
  lastSequence(): number;
  /** Returns how many messages were sent to the queue, not counting those that SQS moved into it. */
  sentCount(): number;
  /** Returns the age of the oldest message that is visible or in flight, in milliseconds; 0 if there is none. */
  oldestAgeMs(): number;
  /** Resolves when a message may have become visible, when aborted, or after a short time. The caller must check again. */
  mayHaveChanged(untilMs: number, signal: AbortSignal | undefined): Promise<void>;
  wake(): void;
}

export function createMessageStore(clock: Clock, retentionMs: () => number): MessageStore {
  const shelves: Shelves = {
    messages: new Map(),
    due: createDueHeap(),
    ready: createFifo(),
    counts: { delayed: 0, visible: 0, 'in-flight': 0, gone: 0 },
    sent: 0,
    isTooOld: (message) => message.sentAtMs + retentionMs() <= clock.now(),
  };
  const { messages, counts } = shelves;
  const room = createWaitingRoom(clock);
  let sequence = 0;
  const bringUpToDate = (): void => settle(shelves, clock.now());
  return {
    add({ delayMs, ...given }) {
      sequence += 1;
      const message = newMessage(given, sequence, clock.now());
      shelve(shelves, message, clock.now(), delayMs);
      if (given.moved === undefined) shelves.sent += 1;
      room.wake();
      return message;
    },
    take(limit, visibilityTimeoutMs, divert, choose) {
      bringUpToDate();
      const taken: Message[] = [];
      while (taken.length < limit) {
        if (choose) bringForward(shelves, choose);
        const message = nextVisible(shelves);
        if (!message) break;
        if (divert(message)) moveTo(shelves, message, 'gone', 0);
        else taken.push(putInFlight(shelves, message, clock.now(), visibilityTimeoutMs));
      }
      return taken;
    },
    remove(lastSequence) {
      bringUpToDate();
      return removeUpTo(shelves, lastSequence);
    },
    find(id) {
      bringUpToDate();
      return messages.get(id);
    },
    delete: (message) => moveTo(shelves, message, 'gone', 0),
    setVisibleAt(message, visibleAtMs) {
      moveTo(shelves, message, visibleAtMs <= clock.now() ? 'visible' : 'in-flight', visibleAtMs);
      room.wake();
    },
    purge: () => messages.forEach((message) => moveTo(shelves, message, 'gone', 0)),
    counts() {
      bringUpToDate();
      return { visible: counts.visible, delayed: counts.delayed, inFlight: counts['in-flight'] };
    },
    lastSequence: () => sequence,
    sentCount: () => shelves.sent,
    oldestAgeMs: () => oldestAgeMs(shelves, clock.now()),
    mayHaveChanged: (untilMs, signal) => room.wait(Math.min(untilMs, shelves.due.firstDueMs()), signal),
    wake: room.wake,
  };
}

const oldestAgeMs = (shelves: Shelves, nowMs: number): number => {
  settle(shelves, nowMs);
  for (const { state, sentAtMs } of shelves.messages.values())
    if (state === 'visible' || state === 'in-flight') return nowMs - sentAtMs;
  return 0;
};

/** The indexes of a store. `ready` may still contain messages that are no longer visible, and `due` entries that are outdated. */
interface Shelves {
  /** All messages by id, the oldest first. */
  messages: Map<string, Message>;
  /** The delayed messages and the messages in flight, by the time at which they become visible. */
  due: DueHeap<Message>;
  /** Visible messages in the order in which they became visible. */
  ready: Fifo<Message>;
  counts: Record<Message['state'], number>;
  /** How many messages were sent to the queue so far. */
  sent: number;
  isTooOld(message: Message): boolean;
}

type GivenMessage = Omit<Parameters<MessageStore['add']>[0], 'delayMs'>;

const newMessage = (
  { id = randomUUID(), content, senderId, moved }: GivenMessage,
  sequence: number,
  nowMs: number,
): Message => ({
  id,
  content,
  senderId,
  sentAtMs: nowMs,
  firstReceivedAtMs: undefined,
  lastReceivedAtMs: 0,
  receiveCount: 0,
  deadLetterSourceArn: undefined,
  ...moved,
  state: 'gone',
  visibleAtMs: 0,
  sequence,
});

const shelve = (shelves: Shelves, message: Message, nowMs: number, delayMs: number): void => {
  shelves.counts.gone += 1;
  shelves.messages.set(message.id, message);
  moveTo(shelves, message, delayMs > 0 ? 'delayed' : 'visible', nowMs + delayMs);
};

function moveTo(shelves: Shelves, message: Message, state: Message['state'], visibleAtMs: number): void {
  shelves.counts[message.state] -= 1;
  shelves.counts[state] += 1;
  message.state = state;
  message.visibleAtMs = visibleAtMs;
  if (state === 'visible') shelves.ready.push(message);
  else if (state === 'gone') shelves.messages.delete(message.id);
  else shelves.due.add(visibleAtMs, message);
}

function settle(shelves: Shelves, nowMs: number): void {
  const { due, counts, messages } = shelves;
  while (due.firstDueMs() <= nowMs) {
    const entry = due.take();
    if (!entry) break;
    if (isCurrent(entry.dueMs, entry.value)) moveTo(shelves, entry.value, 'visible', entry.dueMs);
  }
  // Removes outdated entries, which would otherwise keep deleted messages in memory until their visibility timeout ends, possibly for
  // hours.
  if (due.size() > 1000 + 2 * (counts.delayed + counts['in-flight'])) due.retain(isCurrent);
  for (const message of messages.values()) {
    if (!shelves.isTooOld(message)) break;
    moveTo(shelves, message, 'gone', 0);
  }
}

const isCurrent = (dueMs: number, message: Message): boolean =>
  message.visibleAtMs === dueMs && (message.state === 'delayed' || message.state === 'in-flight');

function nextVisible(shelves: Shelves): Message | undefined {
  for (;;) {
    const message = shelves.ready.shift();
    if (!message) return undefined;
    if (message.state !== 'visible') continue;
    if (!shelves.isTooOld(message)) return message;
    moveTo(shelves, message, 'gone', 0);
  }
}

/** Moves the message that `choose` selects to the front of `ready`. */
function bringForward({ ready }: Shelves, choose: (count: number) => number): void {
  const waiting: Message[] = [];
  for (let message = ready.shift(); message; message = ready.shift()) {
    if (message.state === 'visible') waiting.push(message);
  }
  const [chosen] = waiting.splice(waiting.length > 0 ? choose(waiting.length) : 0, 1);
  if (chosen) ready.push(chosen);
  for (const message of waiting) ready.push(message);
}

function putInFlight(
  shelves: Shelves,
  message: Message,
  nowMs: number,
  visibilityTimeoutMs: number,
): Message {
  message.receiveCount += 1;
  message.firstReceivedAtMs ??= nowMs;
  message.lastReceivedAtMs = nowMs;
  moveTo(shelves, message, 'in-flight', nowMs + visibilityTimeoutMs);
  return message;
}

function removeUpTo(shelves: Shelves, lastSequence: number): Message | undefined {
  for (let left = shelves.ready.length(); left > 0; left -= 1) {
    const message = nextVisible(shelves);
    if (!message) return undefined;
    if (message.sequence <= lastSequence) {
      moveTo(shelves, message, 'gone', 0);
      return message;
    }
    shelves.ready.push(message);
  }
  return undefined;
}
