/** A run enters its next phase only when the work of the present phase is done. */
import { expect, test } from 'vitest';
import { pauseRun, resumeRun } from '../../src/lib/runs/control.ts';
import { answerRunRequest } from '../../src/lib/runs/request.ts';
import { fortyKeys } from './histories.ts';
import { createWorld } from './run-world.ts';

test('a run is not checked while transfers are still moving objects that the run requested', async () => {
  const world = createWorld(fortyKeys());
  Object.assign(world.moving, { ofRule: 1, ofRun: 1 });
  const { id } = await world.start();
  // The hint of an object that is being transferred has left the queue, but does not count as done.
  while (world.store.runs.get(id)?.phase !== 'copying') await world.step();
  world.hints.pop();
  for (let count = 0; count < 200; count += 1) await world.step();
  expect(await world.deps().store.load(id)).toMatchObject({ phase: 'copying' });
  Object.assign(world.moving, { ofRule: 0, ofRun: 0 });
  expect(await world.untilStill(id)).toMatchObject({ phase: 'finished' });
});

test('a run ends with its own hints, however many hints of others wait in the shared queue', async () => {
  const world = createWorld(fortyKeys());
  world.foreignHints.count = 500;
  world.moving.ofRule = 1;
  const { id } = await world.start();
  const run = await world.untilStill(id);
  expect(run).toMatchObject({ phase: 'finished', checked: { same: 40 } });
  expect((run.endedMs ?? 0) - run.createdMs).toBeLessThanOrEqual(60_000);
});

test('a run with a hint that is never counted waits half an hour while others use the queue, and the last comparison decides', async () => {
  const world = createWorld(fortyKeys());
  world.foreignHints.count = 500;
  const { id } = await world.start();
  while (world.store.runs.get(id)?.phase !== 'copying') await world.step();
  world.hints.pop();
  const run = await world.untilStill(id);
  expect(run).toMatchObject({ phase: 'finished', checked: { same: 39, missing: 1 } });
  const minutes = ((run.endedMs ?? 0) - run.createdMs) / 60_000;
  expect(minutes).toBeGreaterThanOrEqual(30);
  expect(minutes).toBeLessThanOrEqual(33);
});

test('a run whose hints fail and are tried again waits for them', async () => {
  const world = createWorld(fortyKeys());
  const { id } = await world.start();
  while (world.store.runs.get(id)?.phase !== 'copying') await world.step();
  const last = world.hints.splice(0);
  for (let tries = 0; tries < 12; tries += 1) {
    await world.clock.sleep(20 * 60_000);
    world.foreignHints.count = 1;
    world.store.count(id, { kind: 'tried' });
    await world.tend();
  }
  expect(world.store.runs.get(id)).toMatchObject({ phase: 'copying' });
  world.hints.push(...last);
  expect(await world.untilStill(id)).toMatchObject({ phase: 'finished', checked: { same: 40 } });
});

test.each([0, 1])(
  'a key that fails counts no more once the run has found it again and copied it, and counts once if it fails again (%i times)',
  async (again) => {
    const world = createWorld(fortyKeys());
    const { id } = await world.start();
    const failOne = (reason: 'archived' | 'kms'): void => {
      const key = world.hints.shift()?.key ?? '';
      world.store.count(id, { kind: 'failed', key, reason });
    };
    while (world.store.runs.get(id)?.phase !== 'copying') await world.step();
    failOne('archived');
    await pauseRun(id, world.deps());
    world.work();
    await resumeRun(id, world.deps());
    while (world.store.runs.get(id)?.phase !== 'comparing') await world.step();
    while (world.hints.length === 0) await world.step();
    if (again === 1) failOne('kms');
    const run = await world.untilStill(id);
    expect(run).toMatchObject({ phase: 'finished', checked: { missing: again, same: 40 - again } });
    const answer = await answerRunRequest({ action: 'status', run: id }, world.deps());
    for (const each of [world.reports.at(-1), 'runs' in answer && answer.runs[0]])
      expect(each).toMatchObject({
        copied: { failed: again, reasons: again === 0 ? {} : { kms: 1 }, dropped: 1 },
      });
    expect(Object.keys(world.reports.at(-1)?.copied?.examples ?? {})).toEqual(again === 0 ? [] : ['kms']);
  },
);

test('a run whose duplicates were counted twice, because the receipts were lost, compares again while its hints still end', async () => {
  const world = createWorld({ ...fortyKeys(), listingConcurrency: 1 });
  const { id } = await world.start();
  while (world.store.runs.get(id)?.phase !== 'copying') await world.step();
  for (let count = 0; count < 40; count += 1) {
    const receipt = { outcome: 'unchanged', copies: 0, bytes: 0, durationMs: 1 } as const;
    world.store.count(id, { kind: 'done', key: 'k', receipt });
  }
  await world.clock.sleep(60_000);
  await world.tend();
  expect(world.store.runs.get(id)).toMatchObject({ phase: 'checking' });
  while (await world.deliver());
  const run = await world.untilStill(id);
  expect(run.history.map(({ work }) => work)).toEqual([
    'comparing',
    'copying',
    'checking',
    'copying',
    'checking',
  ]);
  expect(run).toMatchObject({ phase: 'finished', checked: { same: 40, missing: 0 } });
  expect(world.reports).toHaveLength(1);
});

test('a repeated backfill costs only listings', async () => {
  const world = createWorld(fortyKeys());
  const first = await world.start();
  await world.untilStill(first.id);
  const second = await world.start();
  const run = await world.untilStill(second.id);
  expect(run.compared).toMatchObject({ keys: 40, same: 40, hints: 0, extra: 1 });
});

test('a run with one hint that was never counted continues once the queue stays empty', async () => {
  const world = createWorld(fortyKeys());
  const { id } = await world.start();
  while (world.store.runs.get(id)?.phase !== 'copying') await world.step();
  world.hints.pop();
  expect(await world.untilStill(id)).toMatchObject({ phase: 'finished', checked: { missing: 1 } });
});

test('a run is not finished while hints are left, even if as many hints were processed as were counted', async () => {
  // The invocation dies when it commits its first page. The hints of that page are processed before the page
  // is compared again.
  const calls = { count: 0 };
  const world = createWorld({
    source: Object.fromEntries(['a', 'b', 'c', 'd', 'e', 'f'].map((name) => [name, ['x']])),
    replica: {},
    listingConcurrency: 1,
    random: () => 0,
    diesAt: () => {
      calls.count += 1;
      return calls.count === DIES_AFTER;
    },
  });
  const DIES_AFTER = 9;
  const { id } = await world.start();
  await world.deliver();
  expect(world.hints).toHaveLength(2);
  expect(world.store.runs.get(id)).toMatchObject({ compared: { hints: 0 } });
  while (world.work());
  await world.clock.sleep(960_000);
  for (let count = 0; world.store.runs.get(id)?.phase !== 'copying' && count < 20; count += 1)
    await world.deliver();
  // Two hints were processed for the first page, and two more are processed now. This is as many as the
  // comparison counted, although some hints are still in the queue.
  world.work();
  world.work();
  await world.clock.sleep(60_000);
  await world.deliver();
  await world.tend();
  expect(world.store.runs.get(id)).toMatchObject({ phase: 'copying', compared: { hints: 4, same: 2 } });
  expect(await world.untilStill(id)).toMatchObject({ checked: { same: 6, missing: 0 } });
});
