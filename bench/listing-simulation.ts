/** Simulates listings of buckets in simulated time. Every page takes 50 ms. */
import { ReplicationError } from '../src/lib/model/errors.ts';
import { createMemoryLedger } from '../src/lib/listing/ledger.ts';
import { createPace } from '../src/lib/listing/pace.ts';
import type { Entries, Keyed, ListPage } from '../src/lib/listing/page.ts';
import { patientListing } from '../src/lib/listing/patient-listing.ts';
import { wholeRange } from '../src/lib/listing/range.ts';
import { runLocally } from '../src/lib/listing/run-locally.ts';
import { listByBisection } from './listing-bisection.ts';
import { createSimulatedClock, type SimulatedClock } from './listing-clock.ts';
import { type KeySet, rankBehind } from './listing-keys.ts';

export const PAGE_MS = 50;
export const PAGE_KEYS = 1_000;

export interface Listed {
  seconds: number;
  requests: number;
  throttled: number;
}

/** Limits the requests per second for each partition of the key space. The bucket refuses requests over the limit with SlowDown. */
interface Rates {
  requestsPerSecond: number;
  partitionOf(key: string): string;
}

/** Lists a simulated bucket in the same way as the replicator. Throws if a key is missing or was listed twice. */
export const simulateRanges = async (keys: KeySet, workers: number, rates?: Rates): Promise<Listed> => {
  const clock = createSimulatedClock();
  const bucket = createBucket(keys, clock, rates);
  const pace = createPace({ clock, most: workers, ...(rates === undefined && { initial: workers }) });
  let count = 0;
  const run = runLocally({
    ranges: [wholeRange()],
    workers,
    limits: { prefix: '' },
    ports: {
      listPage: patientListing(bucket.listPage, { clock, pace, random: () => 0.5 }),
      ledger: createMemoryLedger([wholeRange()]),
      now: () => clock.now(),
      consumerOf:
        () =>
        async ({ entries }) => {
          count += entries.length;
          return null;
        },
    },
  });
  await clock.runUntil(run.finished);
  return bucket.listed(count);
};

export const simulateBisection = async (keys: KeySet, workers: number): Promise<Listed> => {
  const clock = createSimulatedClock();
  const bucket = createBucket(keys, clock);
  return bucket.listed(
    await clock.runUntil(listByBisection(bucket.listPage, { workers, pageSize: PAGE_KEYS })),
  );
};

const createBucket = (keys: KeySet, clock: SimulatedClock, rates?: Rates) => {
  let requests = 0;
  let throttled = 0;
  const used = new Map<string, { second: number; count: number }>();
  const isTooMany = (key: string): boolean => {
    if (rates === undefined) return false;
    const partition = rates.partitionOf(key);
    const second = Math.floor(clock.now() / 1_000);
    const counted = used.get(partition);
    const now = counted?.second === second ? counted : { second, count: 0 };
    used.set(partition, now);
    now.count += 1;
    return now.count > rates.requestsPerSecond;
  };
  const listPage: ListPage<Keyed> = async ({ after, maxKeys }) => {
    requests += 1;
    const isRefused = isTooMany(after.key);
    await clock.sleep(PAGE_MS);
    if (isRefused) {
      throttled += 1;
      throw new ReplicationError('throttled', 'SlowDown');
    }
    const start = after.key === '' ? 0 : rankBehind(keys, after.key);
    const end = Math.min(keys.size, start + maxKeys);
    return {
      entries: entriesOf(keys, start, end),
      next: end < keys.size ? { key: keys.keyAt(end - 1), versionId: null } : null,
    };
  };
  return {
    listPage,
    listed(count: number): Listed {
      if (count !== keys.size) throw new Error(`${count} keys were listed instead of ${keys.size}`);
      return { seconds: clock.now() / 1_000, requests, throttled };
    },
  };
};

/**
 * Returns the entries of a page. Each entry is made only when it is read, because the listing engine reads only a few entries of each page.
 */
const entriesOf = (keys: KeySet, start: number, end: number): Entries<Keyed> => ({
  length: end - start,
  at: (index) => {
    const rank = index < 0 ? end + index : start + index;
    return rank >= start && rank < end ? { key: keys.keyAt(rank) } : undefined;
  },
  slice: (from = 0, to = end - start) => [...entriesOf(keys, start + from, start + to)],
  *[Symbol.iterator]() {
    for (let rank = start; rank < end; rank += 1) yield { key: keys.keyAt(rank) };
  },
});
