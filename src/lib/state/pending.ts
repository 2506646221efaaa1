/**
 * Shares out the messages of the queues among the destinations of the rules. Asking whose message each is would cost a call for each
 * object. The result is approximate.
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
  /** Since when a destination is avoided, by {@link pairName}, in milliseconds since the epoch. */
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
  /** What can be received or is being worked on. */
  ready: number;
  /** What was sent again and is delayed. */
  again: number;
  newestMs: number;
  oldestAgainMs: number;
}

const shareOf = ({ queues, arrivals }: Backlog, queue: SharedQueue, { name, pairs }: Pair): Share => {
  const { visible, inFlight, delayed } = queues[queue];
  const { messages, seen } = arrivals[queue];
  const { received, again, newestMs, oldestAgainMs } = seen.get(name) ?? NOTHING_SEEN;
  // As long as nothing was ever received, every destination is as likely as the others.
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

/** A queue hands out its oldest messages first, more or less: what is left was sent after the newest that was received. */
const beginsOf = ({ ready, again, newestMs, oldestAgainMs }: Share): number[] => [
  ...(ready >= 0.5 ? [newestMs] : []),
  ...(again >= 0.5 || ready >= 0.5 ? [oldestAgainMs] : []),
];

const waitingSince = ({ avoidedSinceMs }: Backlog, { name }: Pair, waiting: number): number[] =>
  waiting === 0 ? [] : [avoidedSinceMs.get(name) ?? 0];

/** 0 stands for an unknown begin. */
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
