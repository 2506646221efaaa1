/** Pending work is divided among the rules without reading any message. */
import { expect, test } from 'vitest';
import type { RuleDestination } from '../../src/lib/model/rule.ts';
import { noArrivals, pairName, recentArrivals } from '../../src/lib/state/arrivals.ts';
import { pendingWork } from '../../src/lib/state/pending.ts';
import { propertyRuns, SEED } from '../model/seed.ts';
import { testDestination, testRule } from '../model/settings.ts';
import { memoryArrivals } from './memory-arrivals.ts';
import { simulate, type Traffic } from './simulated-backlog.ts';

const randomOf = (seed: number): (() => number) => {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
};

const pairsOf = (id: string, ...destinations: string[]): RuleDestination[] => {
  const rule = testRule({ id, destinations: destinations.map((name) => testDestination({ id: name })) });
  return rule.destinations.map((destination) => ({ rule, destination }));
};

/** Three rules that differ in everything: rate, number of destinations, size, and how often they fail. */
const UNLIKE: Traffic[] = [
  { pairs: pairsOf('logs', 'archive'), perSecond: 30, meanBytes: 20_000, failing: 0 },
  { pairs: pairsOf('invoices', 'near', 'far'), perSecond: 6.5, meanBytes: 900_000, failing: 0.02 },
  { pairs: pairsOf('media', 'abroad'), perSecond: 4, meanBytes: 80_000_000, failing: 0.5 },
];
const PAIRS = UNLIKE.flatMap(({ pairs }) => pairs);
const NO_QUEUE = { visible: 0, inFlight: 0, delayed: 0 };

const estimate = async (seed: number) => {
  const store = memoryArrivals();
  const simulation = await simulate(UNLIKE, { capacity: 25, seconds: 1_200, random: randomOf(seed), store });
  const { counts, waiting, nowMs } = simulation;
  const arrivals = await recentArrivals(store, nowMs);
  const backlog = {
    queues: { live: counts, backfill: NO_QUEUE },
    arrivals,
    transfers: [],
    waiting,
    avoidedSinceMs: new Map(),
  };
  return { ...simulation, pending: pendingWork(backlog, PAIRS, nowMs), writes: store.writes() };
};

for (let draw = 0; draw < propertyRuns(1); draw += 1)
  test(`the pending work of three unlike rules is known within 20 % (seed ${SEED + draw})`, async () => {
    const { truth, pending, nowMs, writes } = await estimate(SEED + draw);
    for (const { rule, destination } of PAIRS) {
      const name = pairName(rule.id, destination.id);
      const [really, about] = [truth.get(name)!, pending.get(name)!];
      expect(really.operations, rule.id).toBeGreaterThan(500);
      expect(Math.abs(about.operations / really.operations - 1), `operations of ${rule.id}`).toBeLessThan(
        0.2,
      );
      expect(Math.abs(about.bytes! / really.bytes - 1), `bytes of ${rule.id}`).toBeLessThan(0.2);
      const age = (nowMs - really.oldestMs) / 1_000;
      expect(Math.abs(about.oldestSeconds! / age - 1), `age of ${rule.id}`).toBeLessThan(0.2);
    }
    // For twelve minutes with 25 messages a second, four calls a minute are enough to record the
    // arrivals.
    expect(writes).toBeLessThanOrEqual(80);
  });

test('without a backlog nothing is written down', async () => {
  const store = memoryArrivals();
  const few: Traffic[] = [{ ...UNLIKE[0]!, perSecond: 0.05 }];
  await simulate(few, { capacity: 25, seconds: 600, random: randomOf(SEED), store });
  expect(store.writes()).toBe(0);
});

test('when nothing is received any more, the last shares count', async () => {
  const store = memoryArrivals();
  const name = pairName('media', 'abroad');
  const arrivals = {
    messages: 10,
    seen: new Map([[name, { received: 10, again: 0, bytes: 50, newestMs: 1, oldestAgainMs: 0 }]]),
  };
  await store.keep({ live: arrivals, backfill: noArrivals() });
  const backlog = {
    queues: { live: { ...NO_QUEUE, visible: 7 }, backfill: NO_QUEUE },
    arrivals: await recentArrivals(store, 3_600_000),
    transfers: [],
    waiting: new Map(),
    avoidedSinceMs: new Map(),
  };
  const pending = pendingWork(backlog, PAIRS, 3_600_001);
  expect(pending.get(name)).toEqual({ operations: 7, bytes: 35, oldestSeconds: 3_600 });
  expect(pending.get(pairName('logs', 'archive'))).toEqual({ operations: 0, bytes: 0, oldestSeconds: null });
});
