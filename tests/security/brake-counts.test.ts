/** How many changes pass before the brake closes, and what counting them costs. */
import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { createBrakes, UNSHARED_CHANGES } from '../../src/lib/delivery/brakes.ts';
import { fortyKeys } from '../runs/histories.ts';
import { createWorld } from '../runs/run-world.ts';
import { createMemoryBrakes } from '../model/memory-brakes.ts';
import { s3Event, testTask } from '../model/settings.ts';
import { BRAKE, brakeWorld, keysNamed } from './brake-world.ts';

const KEYS = keysNamed('k', 160);

test('one message that names every deleted key at once hides no more replicas than the limit', async () => {
  const world = brakeWorld({ environments: 1 });
  await world.put(KEYS);
  const records = KEYS.flatMap((key) => {
    const event = { key, versionId: world.source.remove(key), name: 'ObjectRemoved:DeleteMarkerCreated' };
    const { Records }: { Records: object[] } = JSON.parse(s3Event({ ...event, sequencer: key }));
    return Records;
  });
  await world.deliver(JSON.stringify({ Records: records }));
  expect(world.shown(KEYS).length).toBeGreaterThanOrEqual(KEYS.length - 50);
  expect(world.held().toSorted()).toEqual(world.shown(KEYS).toSorted());
});

test('an environment makes at most ten changes while the table does not answer', async () => {
  const store = createMemoryBrakes();
  const answer = Promise.withResolvers<void>();
  const slow = {
    ...store,
    count: async (...given: Parameters<typeof store.count>) => {
      await answer.promise;
      return await store.count(...given);
    },
  };
  const brakes = createBrakes({ store: slow, clock: { now: () => 0 } });
  const { rule } = brakeWorld();
  let passed = 0;
  const all = [];
  for (const key of KEYS) {
    const task = testTask({ rule, key });
    all.push(brakes.admit(task, 'delete').then((isAdmitted) => (passed += isAdmitted ? 1 : 0)));
    await setImmediate();
  }
  expect(passed).toBeLessThanOrEqual(UNSHARED_CHANGES);
  answer.resolve();
  await Promise.all(all);
  expect(passed).toBeLessThanOrEqual(50);
});

test('deletes below the limit pass on, and what was counted leaves the window', async () => {
  const world = brakeWorld();
  await world.put(KEYS);
  for (let hour = 0; hour < 3; hour += 1) {
    await world.remove(KEYS.slice(hour * 50, hour * 50 + 50));
    world.time.nowMs += 80 * 60_000;
  }
  expect(world.shown(KEYS)).toEqual(KEYS.slice(150));
  expect(await world.closed()).toBeNull();
});

test('deletes that are spread over two windows do not slip through the border', async () => {
  const world = brakeWorld();
  await world.put(KEYS);
  world.time.nowMs = Math.ceil(world.time.nowMs / 3_600_000) * 3_600_000 - 60_000;
  await world.remove(KEYS.slice(0, 45));
  world.time.nowMs += 2 * 60_000;
  await world.remove(KEYS.slice(45));
  expect(world.shown(KEYS).length).toBeGreaterThanOrEqual(KEYS.length - 50 - 4 * UNSHARED_CHANGES);
  expect(await world.closed()).not.toBeNull();
});

test('a share of the keys that the last run counted closes the brake earlier, but a hundred deletes always pass', async () => {
  const many = keysNamed('m', 240);
  const world = brakeWorld({ brake: { deletes: 10_000 } });
  await world.store.counted(BRAKE, 1_000);
  await world.put(many);
  await world.remove(many.slice(0, 100));
  expect(await world.closed()).toBeNull();
  await world.remove(many.slice(100));
  expect(await world.closed()).not.toBeNull();
  expect(world.shown(many).length).toBeGreaterThanOrEqual(140 - 4 * UNSHARED_CHANGES);
});

test('a run over the whole rule tells the brake how many keys there are, and a run over a part of them does not', async () => {
  const { brake } = brakeWorld().rule;
  const world = createWorld({ ...fortyKeys(), rule: { brake } });
  const keys = async () => [...(await world.brakes.all()).values()].map((record) => record.keys);
  await world.untilStill((await world.start({ prefix: 'a' })).id);
  expect(await keys()).toEqual([]);
  await world.untilStill((await world.start()).id);
  expect(await keys()).toEqual([40]);
});

test('no delete passes while the table of the brakes cannot be reached, and none is lost', async () => {
  const world = brakeWorld();
  await world.put(KEYS);
  world.deploy();
  world.store.state.failure = new Error('unreachable');
  await world.remove(KEYS.slice(0, 20));
  expect(world.shown(KEYS)).toHaveLength(KEYS.length);
  expect(world.again).toHaveLength(20);
  world.store.state.failure = null;
  await world.deliver(...world.again.splice(0).map(({ body }) => body));
  expect(world.shown(KEYS)).toHaveLength(KEYS.length - 20);
});

test('counting costs one call for each batch, and none for objects that are new', async () => {
  const world = brakeWorld({ brake: { deletes: 1_000 }, environments: 1 });
  await world.put(KEYS);
  expect(world.store.calls).toEqual([]);
  await world.remove(KEYS.slice(0, 100));
  expect(world.store.calls).toEqual(['load', ...Array.from({ length: 10 }, () => 'count')]);
});
