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
  /** The queue whose redrive policy moved it here. */
  deadLetterSourceArn: string | undefined;
  state: 'delayed' | 'visible' | 'in-flight' | 'gone';
  /** When a delayed or in-flight message becomes visible. */
  visibleAtMs: number;
  /** Order of arrival in this queue. */
  sequence: number;
}

/**
 * The messages of one standard queue: delayed, visible or in flight. Every method first brings the store up to date: it makes due
 * messages visible and drops those older than the retention period.
 */
export interface MessageStore {
  add(message: {
    /** Default: a new id. */
    id?: string;
    content: MessageContent;
    senderId: string;
    delayMs: number;
    /** Given when SQS moves a message, which keeps its id and its time of sending. */
    moved?: Pick<Message, 'id' | 'sentAtMs' | 'deadLetterSourceArn' | 'receiveCount' | 'firstReceivedAtMs'>;
  }): Message;
  /**
   * Puts up to `limit` visible messages in flight. A message that `divert` takes is removed instead. `choose` picks the next message
   * out of `count`, the oldest being 0.
   */
  take(
    limit: number,
    visibilityTimeoutMs: number,
    divert: (message: Message) => boolean,
    choose?: (count: number) => number,
  ): Message[];
  /** Takes one visible message with a sequence up to `lastSequence` out of the queue. */
  remove(lastSequence: number): Message | undefined;
  /** `undefined` when the message was deleted, moved or purged, or is too old. */
  find(id: string): Message | undefined;
  delete(message: Message): void;
  /** Makes a message in flight visible again at this time. */
  setVisibleAt(message: Message, visibleAtMs: number): void;
  purge(): void;
  counts(): { visible: number; delayed: number; inFlight: number };
  lastSequence(): number;
  /** Resolves when a message may have become visible, after a short while, or when aborted. */
  mayHaveChanged(untilMs: number, signal: AbortSignal | undefined): Promise<void>;
  wake(): void;
}

export function createMessageStore(clock: Clock, retentionMs: () => number): MessageStore {
  const shelves: Shelves = {
    messages: new Map(),
    due: createDueHeap(),
    ready: createFifo(),
    counts: { delayed: 0, visible: 0, 'in-flight': 0, gone: 0 },
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
      counts.gone += 1;
      messages.set(message.id, message);
      moveTo(shelves, message, delayMs > 0 ? 'delayed' : 'visible', clock.now() + delayMs);
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
    purge() {
      for (const message of messages.values()) moveTo(shelves, message, 'gone', 0);
    },
    counts() {
      bringUpToDate();
      return { visible: counts.visible, delayed: counts.delayed, inFlight: counts['in-flight'] };
    },
    lastSequence: () => sequence,
    mayHaveChanged: (untilMs, signal) => room.wait(Math.min(untilMs, shelves.due.firstDueMs()), signal),
    wake: room.wake,
  };
}

/** The messages of a store. `ready` may contain messages that are no longer visible, and `due` may contain outdated entries. */
interface Shelves {
  /** All messages by id, the oldest first. */
  messages: Map<string, Message>;
  /** Delayed messages and those in flight, by the time when they become visible. */
  due: DueHeap<Message>;
  /** Visible messages in the order in which they became visible. */
  ready: Fifo<Message>;
  counts: Record<Message['state'], number>;
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
  // Deleted messages would otherwise stay in memory until their visibility timeout, which may be hours.
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

/** Moves the chosen message to the head of the line. */
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
