/**
 * Divides the messages of the queues among the destinations of the rules. The result is approximate. To find the destination of
 * every message would take one call for each object.
 */
import type { Transfer } from '../copy/transfer/transfer.ts';
import type { RuleDestination } from '../model/rule.ts';
import { type Arrivals, NOTHING_SEEN, pairName, SHARED_QUEUES, type SharedQueue } from './arrivals.ts';
import type { Pending, QueueCounts } from './deployment-state.ts';

export interface Backlog {
  queues: Record<SharedQueue, QueueCounts>;
  arrivals: Record<SharedQueue, Arrivals>;
  transfers: readonly Pick<Transfer, 'rule' | 'destination' | 'version' | 'seen' | 'failure' | 'startedMs'>[];
  /** The number of messages in the waiting queue, by {@link pairName}. */
  waiting: ReadonlyMap<string, number>;
  /** The time since which a destination is avoided, in milliseconds since the epoch, by {@link pairName}. */
  avoidedSinceMs: ReadonlyMap<string, number>;
}

/** Resolves to the pending work of each destination, by {@link pairName}. */
export const pendingWork = (
  backlog: Backlog,
  pairs: readonly RuleDestination[],
  nowMs: number,
): Map<string, Pending> =>
  new Map(
    pairs.map(({ rule, destination }) => {
      const name = pairName(rule.id, destination.id);
      return [name, pendingOf(backlog, { name, rule: rule.id, destination: destination.id, pairs }, nowMs)];
    }),
  );

interface Pair {
  name: string;
  rule: string;
  destination: string;
  pairs: readonly RuleDestination[];
}

const pendingOf = (backlog: Backlog, pair: Pair, nowMs: number): Pending => {
  const parts = SHARED_QUEUES.map((queue) => shareOf(backlog, queue, pair));
  const waiting = backlog.waiting.get(pair.name) ?? 0;
  const moving = backlog.transfers.filter(
    ({ rule, destination, failure }) =>
      rule === pair.rule && destination === pair.destination && failure === null,
  );
  const queued = parts.reduce((sum, { ready, again }) => sum + ready + again, 0) + waiting;
  const operations = Math.round(queued) + moving.length;
  const bytesMoving = moving.reduce(
    (sum, { version, seen }) => sum + version.sizeBytes - (seen?.bytes ?? 0),
    0,
  );
  const meanBytes = meanSize(backlog, pair);
  return {
    operations,
    bytes:
      Math.round(queued) === 0
        ? bytesMoving
        : meanBytes === null
          ? null
          : Math.round(queued * meanBytes) + bytesMoving,
    oldestSeconds:
      operations === 0
        ? null
        : ageOf(
            [
              ...parts.flatMap(beginsOf),
              ...waitingSince(backlog, pair, waiting),
              ...moving.map(({ startedMs }) => startedMs),
            ],
            nowMs,
          ),
  };
};

interface Share {
  /** Messages that can be received or are being processed. */
  ready: number;
  /** Messages that were sent again and are still delayed. */
  again: number;
  newestMs: number;
  oldestAgainMs: number;
}

const shareOf = ({ queues, arrivals }: Backlog, queue: SharedQueue, { name, pairs }: Pair): Share => {
  const { visible, inFlight, delayed } = queues[queue];
  const { messages, seen } = arrivals[queue];
  const { received, again, newestMs, oldestAgainMs } = seen.get(name) ?? NOTHING_SEEN;
  // If no message was ever received, all destinations get the same share.
  const readyShare = messages === 0 ? 1 / pairs.length : received / messages;
  const sentAgain = [...seen.values()].reduce((sum, each) => sum + each.again, 0);
  const againShare = sentAgain === 0 ? readyShare : again / sentAgain;
  return {
    ready: (visible + inFlight) * readyShare,
    again: delayed * againShare,
    newestMs,
    oldestAgainMs,
  };
};

/**
 * Returns the earliest times at which the pending messages can have been sent. A queue delivers the oldest messages first,
 * approximately. The remaining messages were therefore sent after the newest received message.
 */
const beginsOf = ({ ready, again, newestMs, oldestAgainMs }: Share): number[] => [
  ...(ready >= 0.5 ? [newestMs] : []),
  ...(again >= 0.5 || ready >= 0.5 ? [oldestAgainMs] : []),
];

const waitingSince = ({ avoidedSinceMs }: Backlog, { name }: Pair, waiting: number): number[] =>
  waiting === 0 ? [] : [avoidedSinceMs.get(name) ?? 0];

/** Returns the age of the oldest message. The time 0 means that the time is unknown. */
const ageOf = (begins: readonly number[], nowMs: number): number | null => {
  const known = begins.filter((ms) => ms > 0);
  return known.length === 0 ? null : Math.max(0, Math.round((nowMs - Math.min(...known)) / 1_000));
};

const meanSize = ({ arrivals }: Backlog, { name }: Pair): number | null => {
  let [received, bytes] = [0, 0];
  for (const queue of SHARED_QUEUES) {
    const seen = arrivals[queue].seen.get(name) ?? NOTHING_SEEN;
    received += seen.received;
    bytes += seen.bytes;
  }
  return received === 0 ? null : bytes / received;
};

/** The ages of pending work in detailed metrics, with the age at which each begins, in seconds. */
const AGES = { 'under-1m': 0, '1m-to-15m': 60, '15m-to-2h': 900, 'over-2h': 7_200 } as const;

/** Spreads pending operations evenly up to the age of the oldest, as if they had arrived at a steady rate. */
export const spreadByAge = ({ operations, oldestSeconds }: Pending): Record<string, number> => {
  const oldest = Math.max(1, oldestSeconds ?? 0);
  const begins = [...Object.values(AGES).slice(1), Infinity];
  return Object.fromEntries(
    Object.entries(AGES).map(([age, from], index) => {
      const until = Math.min(begins[index] ?? Infinity, oldest);
      return [age, Math.round((operations * Math.max(0, until - from)) / oldest)];
    }),
  );
};
