/** Destinations that deny, hang and throttle beside a healthy one, in model time at the default concurrency. */
import { expect, test } from 'vitest';
import { HANGING_MS } from '../../src/lib/delivery/answer-watch.ts';
import { isolationWorld } from '../model/isolation-world.ts';

const BAD = ['denied', 'hanging', 'throttling'] as const;
const NAMES = ['good', ...BAD];
const MINUTE_MS = 60_000;
const PER_SECOND = 6;
/** A quarter of the default of `stack.maximumConcurrency`. */
const SHARE = 12;

const p99 = (sorted: number[]): number => sorted[Math.floor(sorted.length * 0.99)] ?? NaN;

test('destinations that deny, hang and throttle do not slow down another one, and are caught up on within two minutes', async () => {
  const world = isolationWorld(NAMES);
  await world.write(PER_SECOND, MINUTE_MS);
  const normal = p99(world.lags('good'));

  for (const name of BAD) world.health.set(name, name);
  await world.write(PER_SECOND, 4 * MINUTE_MS);
  const lags = world.lags('good', MINUTE_MS);
  expect(lags.length).toBeGreaterThan(PER_SECOND * 179);
  expect(p99(lags)).toBeLessThanOrEqual(1.5 * normal);
  expect(Math.max(...world.slots.map(({ long }) => long))).toBeLessThanOrEqual(SHARE);
  for (const name of BAD) expect(world.queues.waitingFor.get(name)?.length).toBeGreaterThan(PER_SECOND * 120);

  for (const name of BAD) world.health.set(name, 'healthy');
  await world.time.runUntil(6 * MINUTE_MS);
  expect(NAMES.map((name) => world.missing(name))).toEqual(
    NAMES.map((name) => world.dead.filter((rule) => rule === name).length),
  );
  expect([...world.queues.waitingFor.values()].flat()).toEqual([]);
});

test.each([false, true])(
  'a destination that begins to hang may take every slot for a second, and no more than its share for longer (only cold environments: %s)',
  async (isCold) => {
    // An invocation may hang for a second. The rest of the time is for its calls before and after that.
    const world = isolationWorld(['good', 'hanging'], { isCold, longMs: HANGING_MS + 300 });
    await world.write(60, 3_000);
    world.health.set('hanging', 'hanging');
    // There are two times at which invocations may hang for a second: when the destination begins to hang, and when the first calls give
    // up.
    await world.write(60, 15_000);
    const { slots } = world;
    expect(Math.max(...slots.map(({ all }) => all))).toBe(50);
    expect(Math.max(...slots.map(({ long }) => long))).toBe(SHARE);
    expect(Math.max(...world.lags('good'))).toBeLessThan(1_000);
  },
);

test('a destination that answers slowly keeps working', async () => {
  const world = isolationWorld(['good', 'slow']);
  world.health.set('slow', 'slow');
  await world.write(1, MINUTE_MS);
  await world.time.runUntil(3 * MINUTE_MS);
  expect(world.missing('slow')).toBe(0);
  expect(world.store.writes).not.toContain('open');
});

test('healthy traffic writes nothing to the record of the circuits', async () => {
  const world = isolationWorld(['good']);
  await world.write(PER_SECOND, MINUTE_MS);
  expect(world.store.writes).toEqual([]);
});

test('with a batch window, bad destinations in every batch do not slow down another one either', async () => {
  const windowMs = 1_000;
  const world = isolationWorld(NAMES, { batch: 100, windowMs });
  await world.write(PER_SECOND, MINUTE_MS);
  const normal = p99(world.lags('good'));
  expect(normal).toBeGreaterThan(windowMs);

  for (const name of BAD) world.health.set(name, name);
  await world.write(PER_SECOND, 3 * MINUTE_MS);
  const lags = world.lags('good', MINUTE_MS);
  expect(lags.length).toBeGreaterThan(PER_SECOND * 118);
  expect(p99(lags)).toBeLessThanOrEqual(1.5 * normal);
  expect(Math.max(...world.slots.map(({ long }) => long))).toBeLessThanOrEqual(SHARE);
});
