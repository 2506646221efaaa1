import { type DeadMessage, readDeadMessage } from './dead-message.ts';
import { type DeadMessageFilter, filterWants } from './filter.ts';
import { createHold, type Hold } from './hold.ts';
import type { OperatorQueue, ReceivedMessage } from './queue.ts';

/** The parts of the environment that a reader of the queue needs. */
export interface Reader {
  /** Milliseconds since the epoch. */
  now(): number;
  interrupted: AbortSignal;
}

export interface ReadRequest {
  filter: DeadMessageFilter;
  /** Maximum number of messages that are passed to `onMessage`. */
  limit: number;
  reader: Reader;
  /** Receives two numbers: how many messages were read so far, and how many of them match. */
  onRead: (read: number, matching: number) => void;
  /** Receives each matching message. SQS delivers messages in no particular order. The reader itself does not keep the message. */
  onMessage: (seen: DeadMessage, message: ReceivedMessage) => void | Promise<void>;
}

/**
 * The rules and destinations of all messages that were read, matching or not. A command lists them if it was given a name that no
 * message has.
 */
export interface NamesRead {
  rules: ReadonlySet<string>;
  destinations: ReadonlySet<string>;
}

export interface LettersRead extends NamesRead {
  read: number;
  matching: number;
  /** Whether more messages match than `limit`, or may match, because SQS delivers no more while so many are held. */
  more: boolean;
  /** The approximate number of messages that were not read, because another reader (another `dlq` command, a move task) held them. */
  hidden: number;
  /** Whether Ctrl-C ended the reading before the end of the queue. */
  interrupted: boolean;
}

/**
 * Reads the messages that match, and removes none of them. Each message is held while the others are read. All messages are
 * released at the end, even after a failure.
 */
export const readLetters = async (queue: OperatorQueue, request: ReadRequest): Promise<LettersRead> => {
  const { visible, inFlight, retentionMs } = await queue.state();
  const hold = createHold(queue, () => request.reader.now(), visible);
  try {
    return await readHeld({ hold, retentionMs, visible, inFlight }, request);
  } finally {
    await hold.release();
  }
};

/** How many calls receive messages at once from a long queue. */
const READERS = 8;
/** Above this number of messages, several calls receive at once. */
const LONG_QUEUE = 500;
/**
 * How many held messages count as the limit of SQS. SQS delivers no more messages while about 120,000 are held, and messages held
 * by other readers count too.
 */
const MAX_HELD = 119_000;
/** Maximum number of names of rules and of destinations that are remembered for an error message. A stack has far fewer rules. */
const MAX_NAMES = 100;

export const createNames = (): NamesRead & { add(seen: DeadMessage): void } => {
  const rules = new Set<string>();
  const destinations = new Set<string>();
  return {
    rules,
    destinations,
    add({ rule, destination }) {
      if (rule !== null && rules.size < MAX_NAMES) rules.add(rule);
      if (destination !== null && destinations.size < MAX_NAMES) destinations.add(destination);
    },
  };
};

/** Reads messages into a hold, and releases none of them. */
export const readHeld = async (
  place: { hold: Hold; retentionMs: number; visible: number; inFlight: number },
  { filter, limit, reader, onRead, onMessage }: ReadRequest,
): Promise<LettersRead> => {
  const { hold, retentionMs, visible, inFlight } = place;
  const names = createNames();
  const result = { read: 0, matching: 0, more: false };
  const take = async (message: ReceivedMessage): Promise<void> => {
    result.read += 1;
    const seen = readDeadMessage(message, { nowMs: reader.now(), retentionMs });
    names.add(seen);
    if (!filterWants(filter, seen, message)) return;
    // One message more than requested is looked for, so that `more` can be determined.
    if (result.matching >= limit) result.more = true;
    else {
      result.matching += 1;
      await onMessage(seen, message);
    }
  };
  const work = async (): Promise<void> => {
    while (!result.more && !reader.interrupted.aborted) {
      const received = await hold.next();
      if (received.length === 0) return;
      for (const message of received) await take(message);
      onRead(result.read, result.matching);
    }
  };
  await allSettled(Array.from({ length: visible > LONG_QUEUE ? READERS : 1 }, work));
  const more = result.more || result.read >= MAX_HELD;
  return { ...result, more, hidden: inFlight, interrupted: reader.interrupted.aborted, ...names };
};

/**
 * Waits for all `works`, so that no message is received after the hold was released. Then throws the first failure, if there is one.
 */
const allSettled = async (works: Promise<void>[]): Promise<void> => {
  const ends = await Promise.allSettled(works);
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
};
