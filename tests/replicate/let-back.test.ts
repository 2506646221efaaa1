/** The schedule that moves waiting messages back, and finds out whether an avoided destination works again. */
import { expect, test } from 'vitest';
import { watchAnswers } from '../../src/lib/delivery/answer-watch.ts';
import { knowCircuits } from '../../src/lib/delivery/circuits.ts';
import { ReplicationError } from '../../src/lib/model/errors.ts';
import type { Retry } from '../../src/lib/delivery/retry.ts';
import { circuitName } from '../../src/lib/model/rule.ts';
import { isolationWorld } from '../model/isolation-world.ts';
import { createMemoryCircuitStore } from '../model/memory-circuits.ts';
import { createModelTime } from '../model/model-time.ts';
import { s3Event, testDestination } from '../model/settings.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 3_600_000;

const retry = (fields: Partial<Retry> = {}): Retry => ({
  id: 'first',
  origin: 'live',
  tries: 2,
  attempts: 2,
  firstSeenMs: 0,
  waitingSinceMs: 0,
  firstFailedMs: null,
  reason: 'throttled',
  detail: 'SlowDown',
  ...fields,
});

/** A world in which `count` objects wait for the destination `bad`, whose circuit is open. */
const avoidedWorld = async ({ count = 3, openSinceMs = 0 } = {}) => {
  const world = isolationWorld(['bad']);
  const name = circuitName(world.rules[0]!.destinations[0]!);
  await world.store.suspect(name, 'k', 0);
  await world.store.open(name, { sinceMs: openSinceMs, reason: 'throttled', detail: 'SlowDown' });
  const waiting = world.queues.waitingFor.get('bad')!;
  const wait = (key: string, fields: Partial<Retry> = {}): void => {
    const { versionId } = world.source.put(key, Buffer.from('x'));
    waiting.push({ body: s3Event({ key, versionId, sequencer: key }), retry: retry({ id: key, ...fields }) });
  };
  for (let key = 0; key < count; key++) wait(`bad/${key}`);
  const isOpen = async () => (await world.store.load()).open.size > 0;
  return { ...world, waiting, wait, isOpen };
};

test('one waiting message is carried out a minute, and as long as it fails the others wait without a try', async () => {
  const { health, time, waiting, records, isOpen } = await avoidedWorld();
  health.set('bad', 'throttling');
  await time.runUntil(2 * MINUTE_MS + 30_000);
  expect(waiting.map((piece) => piece.retry.tries)).toEqual([2, 2, 2]);
  expect(records.map(({ ending }) => ending)).toEqual(['wait', 'avoided', 'wait', 'avoided']);
  expect(await isOpen()).toBe(true);
});

test('the first write closes the circuit, and everything is let back in the same minute', async () => {
  const { time, waiting, missing, isOpen } = await avoidedWorld({ count: 100 });
  await time.runUntil(MINUTE_MS + 30_000);
  expect([waiting.length, missing('bad'), await isOpen()]).toEqual([0, 0, false]);
});

test('a message that fails again is tried once a minute, and not as often as the schedule finds time', async () => {
  const { receipts, time, waiting, wait, store, rules } = await avoidedWorld({ count: 0 });
  wait('bad/0', { tries: 6 });
  await store.close(circuitName(rules[0]!.destinations[0]!));
  // This failure takes no time, and is not one of the destination.
  receipts.once = () => Promise.reject(new ReplicationError('service-error', 'as told'));
  await time.runUntil(4 * MINUTE_MS + 45_000);
  expect(waiting).toMatchObject([{ retry: { tries: 6 + 4 } }]);
});

test('a waiting message that has nothing to write proves nothing, and the next one is carried out', async () => {
  const { time, source, replicas, waiting, isOpen } = await avoidedWorld({ count: 3 });
  for (const key of ['bad/0', 'bad/1', 'bad/2']) source.forget(key, 0);
  await time.runUntil(MINUTE_MS + 30_000);
  expect([waiting.length, replicas.get('bad')?.history.size, await isOpen()]).toEqual([0, 0, true]);
});

test('a message that has waited for ten days goes to the dead-letter queue with its reason, and younger ones wait on', async () => {
  const { health, time, waiting, wait, missing, dead, records } = await avoidedWorld({
    openSinceMs: -9.5 * DAY_MS,
  });
  health.set('bad', 'throttling');
  for (let key = 0; key < 5; key++) wait(`bad/old-${key}`, { waitingSinceMs: -10 * DAY_MS });
  await time.runUntil(3 * MINUTE_MS + 30_000);
  expect(dead).toHaveLength(5);
  health.set('bad', 'healthy');
  await time.runUntil(6 * MINUTE_MS);
  expect([waiting.length, missing('bad'), dead.length]).toEqual([0, 5, 5]);
  expect(records.filter(({ ending }) => ending === 'quarantine')).toMatchObject(
    Array.from({ length: 5 }, () => ({
      reason: 'retries-exhausted',
      detail: expect.stringMatching(/^throttled/),
    })),
  );
});

test('a call that waits for an answer is in the record after a second, and is aborted when the circuit opens, if it has not ended by then', async () => {
  const time = createModelTime();
  const store = createMemoryCircuitStore();
  const known = knowCircuits({
    store,
    clock: time,
    slots: { live: 1, backfill: 1, transfer: 1 },
    environment: 'e',
    after: time.after,
  });
  const watch = watchAnswers(known).forPool('live');
  const destination = testDestination();
  const aborted: string[] = [];
  const quick = watch.begin(destination, { abort: () => aborted.push('quick') });
  await time.runUntil(900);
  quick.end();
  const call = watch.begin(destination, { abort: () => aborted.push('call') });
  await time.runUntil(1_800);
  expect((await store.load()).hanging.size).toBe(0);
  await time.runUntil(2_000);
  expect([...(await store.load()).hanging.keys()]).toEqual(['e']);
  await store.suspect(circuitName(destination), 'k', 0);
  await store.open(circuitName(destination), { sinceMs: 0, reason: 'no-answer', detail: '' });
  await time.runUntil(10_100);
  // The call that has ended is not aborted. If the watch kept such calls, it would grow with each object for as long as the environment
  // lives.
  expect(aborted).toEqual(['call']);
  call.end();
  await time.runUntil(10_200);
  expect((await store.load()).hanging.size).toBe(0);
});
