/**
 * Counts the messages that the functions have received in the last minutes, and those that they have sent again. A queue does not
 * report the destinations of its messages, so pending work is divided in proportion to these counts (decisions/033). Each execution
 * environment adds to the record at most once in a quarter of a minute, and only if messages have waited or there were many.
 */
import { SHORT_TRIES } from '../delivery/backoff.ts';
import type { OutcomeRecord } from '../delivery/outcome.ts';
import type { Clock } from '../model/ports.ts';
import { isPermission } from '../model/reasons.ts';
import { waitingQueueSuffix } from '../model/rule.ts';

/**
 * The queues whose messages are divided among the destinations. The transfer queue is not one of them, because each transfer has
 * a record.
 */
export const SHARED_QUEUES = ['live', 'backfill'] as const;
export type SharedQueue = (typeof SHARED_QUEUES)[number];

/** The counts of one destination of one rule. */
export interface Seen {
  /** Pieces of messages. A message for two destinations has one piece for each of them. */
  received: number;
  /** Pieces that were sent again, with a delay. */
  again: number;
  /** The bytes of the received pieces, as their events say. */
  bytes: number;
  /** When the message of the newest received piece was sent, in milliseconds since the epoch; 0: unknown. */
  newestMs: number;
  /** When the oldest of the pieces that were sent again was first seen; 0: none was sent again. */
  oldestAgainMs: number;
}

export interface Arrivals {
  messages: number;
  /** By {@link pairName}. */
  seen: Map<string, Seen>;
}

export interface ArrivalStore {
  /** Adds the counts of one execution environment to the record of the minute. */
  add(minuteMs: number, queue: SharedQueue, arrivals: Arrivals): Promise<void>;
  /** Loads the records of the minutes, added up. */
  load(minutesMs: readonly number[]): Promise<Record<SharedQueue, Arrivals>>;
  /**
   * The last arrivals that {@link keep} stored. If no more messages are received, they show to which destinations the remaining
   * messages belong.
   */
  kept(): Promise<Record<SharedQueue, Arrivals>>;
  keep(arrivals: Record<SharedQueue, Arrivals>): Promise<void>;
}

/** Returns the short name of a destination of a rule in the records. */
export const pairName = (rule: string, destination: string): string =>
  waitingQueueSuffix({ id: rule }, { id: destination });

export const noArrivals = (): Arrivals => ({ messages: 0, seen: new Map() });

export const NOTHING_SEEN: Seen = { received: 0, again: 0, bytes: 0, newestMs: 0, oldestAgainMs: 0 };

/** Returns the sum of both. */
export const addSeen = (one: Seen, other: Seen): Seen => ({
  received: one.received + other.received,
  again: one.again + other.again,
  bytes: one.bytes + other.bytes,
  newestMs: Math.max(one.newestMs, other.newestMs),
  oldestAgainMs: earliest(one.oldestAgainMs, other.oldestAgainMs),
});

const earliest = (one: number, other: number): number =>
  one === 0 || other === 0 ? Math.max(one, other) : Math.min(one, other);

const MINUTE_MS = 60_000;
/** How many minutes count, besides the present one. */
const MINUTES = 5;
/** How long an execution environment collects before it writes. */
const COLLECT_MS = 15_000;
/** How old a received message must be to show that its queue has a backlog. */
const WAITED_MS = 10_000;
/** How many messages are enough to write a record without a backlog. When a backlog begins, the share of each destination is then known. */
const MANY_MESSAGES = 100;

export interface ArrivalCollector {
  collect(record: OutcomeRecord): void;
  /**
   * Adds the messages of an invocation to the counts. Called at the end of the invocation. Writes the record now and then. Never
   * throws.
   */
  received(messages: number): Promise<void>;
}

/** Collects the messages that one execution environment receives from one queue. */
export const collectArrivals = (
  queue: SharedQueue,
  store: Pick<ArrivalStore, 'add'>,
  clock: Pick<Clock, 'now'>,
): ArrivalCollector => {
  let collected = noArrivals();
  let writtenMs = clock.now();
  let waited = false;
  return {
    collect(record) {
      const piece = pieceOf(record);
      if (piece === null) return;
      const name = pairName(piece.rule, piece.destination);
      collected.seen.set(name, addSeen(collected.seen.get(name) ?? NOTHING_SEEN, piece.seen));
      waited ||= clock.now() - (piece.seen.newestMs || piece.seen.oldestAgainMs) > WAITED_MS;
    },
    async received(messages) {
      collected.messages += messages;
      const nowMs = clock.now();
      if (nowMs - writtenMs < COLLECT_MS || (!waited && collected.messages < MANY_MESSAGES)) return;
      const arrivals = collected;
      [collected, writtenMs, waited] = [noArrivals(), nowMs, false];
      // No work depends on these counts. They only divide the numbers that the queues report.
      await store.add(minuteOf(nowMs), queue, arrivals).catch(() => undefined);
    },
  };
};

const minuteOf = (nowMs: number): number => Math.floor(nowMs / MINUTE_MS) * MINUTE_MS;

const pieceOf = (record: OutcomeRecord): { rule: string; destination: string; seen: Seen } | null => {
  const { rule, destination, ending, firstSeen, sizeBytes } = record;
  if (rule === null || destination === null || !ENDINGS.has(ending)) return null;
  const seenMs = firstSeen === null ? 0 : Date.parse(firstSeen);
  const isRetried = ending === 'retry';
  const seen = {
    received: 1,
    again: isDelayed(record) ? 1 : 0,
    bytes: sizeBytes ?? 0,
    newestMs: isRetried ? 0 : seenMs,
    oldestAgainMs: isRetried ? seenMs : 0,
  };
  return { rule, destination, seen };
};

/**
 * Returns true if the piece was sent again with a delay. After several failures a piece goes to the waiting queue of its
 * destination instead. Messages in waiting queues are counted separately.
 */
const isDelayed = (record: OutcomeRecord): boolean =>
  record.ending === 'retry' && (record.attempts <= SHORT_TRIES || isPermission(record.reason));

/** The endings that concern pieces of messages. All other endings concern part ranges or whole destinations. */
const ENDINGS: ReadonlySet<OutcomeRecord['ending']> = new Set([
  'done',
  'skip',
  'retry',
  'wait',
  'quarantine',
]);

/** Loads the arrivals of the last minutes. For a queue without any, loads the last arrivals that were kept. */
export const recentArrivals = async (
  store: Pick<ArrivalStore, 'load' | 'kept'>,
  nowMs: number,
): Promise<Record<SharedQueue, Arrivals>> => {
  const minutes = Array.from({ length: MINUTES + 1 }, (_, back) => minuteOf(nowMs) - back * MINUTE_MS);
  const recent = await store.load(minutes);
  if (SHARED_QUEUES.every((queue) => recent[queue].messages > 0)) return recent;
  const kept = await store.kept();
  const of = (queue: SharedQueue): Arrivals => (recent[queue].messages > 0 ? recent[queue] : kept[queue]);
  return { live: of('live'), backfill: of('backfill') };
};
