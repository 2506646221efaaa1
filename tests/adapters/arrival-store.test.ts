/** The record of arrivals in the local DynamoDB. */
import type { LocalAws } from '@s3-replicator/local-aws';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createArrivalStore } from '../../src/lib/aws/dynamodb/arrival-store.ts';
import { type Arrivals, noArrivals, type Seen } from '../../src/lib/state/arrivals.ts';
import { startLocalTable } from './local-table.ts';

const MINUTE_MS = 60_000;

let aws: LocalAws;
let stop: () => Promise<void>;
beforeAll(async () => {
  ({ aws, stop } = await startLocalTable('arrivals', { id: 'HASH' }));
});
afterAll(() => stop());

const arrivals = (messages: number, seen: Record<string, Seen>): Arrivals => ({
  messages,
  seen: new Map(Object.entries(seen)),
});

test('what several environments saw in several minutes is added up for each queue', async () => {
  const store = createArrivalStore('arrivals', aws.region);
  const seen = { received: 3, again: 1, bytes: 30, newestMs: 100, oldestAgainMs: 50 };
  await Promise.all([
    store.add(0, 'live', arrivals(2, { one: seen })),
    store.add(0, 'live', arrivals(5, { one: seen, two: { ...seen, again: 0, oldestAgainMs: 0 } })),
    store.add(0, 'backfill', arrivals(7, {})),
  ]);
  await store.add(MINUTE_MS, 'live', arrivals(1, { one: { ...seen, newestMs: 400, oldestAgainMs: 40 } }));
  expect(await store.load([0, MINUTE_MS, 2 * MINUTE_MS])).toEqual({
    live: arrivals(8, {
      one: { received: 9, again: 3, bytes: 90, newestMs: 400, oldestAgainMs: 40 },
      two: { received: 3, again: 0, bytes: 30, newestMs: 100, oldestAgainMs: 0 },
    }),
    backfill: arrivals(7, {}),
  });
});

test('the last arrivals are kept until there are others', async () => {
  const store = createArrivalStore('arrivals', aws.region);
  expect(await store.kept()).toEqual({ live: noArrivals(), backfill: noArrivals() });
  const live = arrivals(4, { one: { received: 4, again: 0, bytes: 0, newestMs: 9, oldestAgainMs: 0 } });
  await store.keep({ live, backfill: noArrivals() });
  expect(await store.kept()).toEqual({ live, backfill: noArrivals() });
});
