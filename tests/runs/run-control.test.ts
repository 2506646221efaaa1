/** How runs are paused, resumed and cancelled, and how they fail. */
import { expect, test } from 'vitest';
import { ReplicationError } from '../../src/lib/model/errors.ts';
import { cancelRun, pauseRun, resumeRun, startRuns } from '../../src/lib/runs/control.ts';
import { workOnMessage } from '../../src/lib/runs/messages.ts';
import { progressOf } from '../../src/lib/runs/progress.ts';
import { fortyKeys, NOW } from './histories.ts';
import { testDestination, testRule } from '../model/settings.ts';
import { numbers } from './random-numbers.ts';
import { createWorld } from './run-world.ts';

test('a cancelled run does no more work and drops its hints', async () => {
  const world = createWorld({ ...fortyKeys(), random: numbers(1) });
  const { id } = await world.start();
  for (let count = 0; count < 12; count += 1) await world.step();
  await cancelRun(id, world.deps());
  const before = structuredClone(world.replica);
  for (let count = 0; count < 200; count += 1) await world.step();
  expect(world.replica).toEqual(before);
  expect(world.store.runs.get(id)).toMatchObject({ phase: 'cancelled' });
  expect(world.hints).toEqual([]);
});

test('a run over keys that another run is working on is refused with the id of that run', async () => {
  const world = createWorld(fortyKeys());
  const { id } = await world.start({ prefix: 'k1' });
  await expect(world.start({ prefix: 'k' })).rejects.toMatchObject({ name: 'RunRefusedError', run: id });
  await expect(world.start({ prefix: 'k2' })).resolves.toMatchObject({ phase: 'comparing' });
  await world.untilStill(id);
  await expect(world.start({ prefix: 'k1' })).resolves.toMatchObject({ phase: 'comparing' });
});

test.each(['paused', 'failed'] as const)('the cancellation of a %s run is announced', async (phase) => {
  const world = createWorld(fortyKeys());
  const { id } = await world.start();
  if (phase === 'paused') await pauseRun(id, world.deps());
  else world.broken.source = new ReplicationError('access-denied', 'ListObjectVersions: AccessDenied');
  await world.untilStill(id);
  for (let count = 0; count < 20; count += 1) await world.step();
  const before = world.announced.length;
  await cancelRun(id, world.deps());
  await world.untilStill(id);
  expect(world.announced).toHaveLength(before + 1);
});

test('a run whose rule or destination becomes another one fails, and nothing is copied or deleted for it', async () => {
  for (const change of [
    { source: { ...testRule().source, prefix: 'k1' } },
    { destinations: [testDestination({ bucket: 'elsewhere' })] },
    { deletes: 'replicate' as const },
  ]) {
    const world = createWorld(fortyKeys());
    const { id } = await world.start({ kind: 'verify', repair: true });
    world.deploy(change);
    const run = await world.untilStill(id);
    expect(run).toMatchObject({ phase: 'failed', failure: { reason: 'rule-changed' } });
    expect(run.failure?.detail).toContain('the run was started for s3://source/* to s3://replica/*');
    expect(world.hints).toEqual([]);
  }
});

test('of several runs that are started together all begin or none', async () => {
  const destinations = ['replica', 'other'].map((id) => testDestination({ id }));
  const world = createWorld({ ...fortyKeys(), rule: { destinations } });
  const { spec } = await world.start({ prefix: 'k1' });
  const message = world.messages[0]!.message;
  const starts = [
    { spec: { ...spec, destination: 'other' }, estimate: null },
    { spec, estimate: null },
  ];
  await expect(startRuns(starts, world.deps())).rejects.toMatchObject({ name: 'RunRefusedError' });
  expect(world.messages.every(({ message: { run } }) => run === message.run)).toBe(true);
  expect([...world.store.runs.values()].map(({ phase }) => phase)).toEqual(['comparing', 'cancelled']);
  await expect(startRuns(starts.slice(0, 1), world.deps())).resolves.toHaveLength(1);
});

test('a run whose source cannot be listed fails and treats no key as extra', async () => {
  const world = createWorld(fortyKeys());
  world.broken.source = new ReplicationError('access-denied', 'ListObjectVersions: AccessDenied');
  const { id } = await world.start({ kind: 'verify' });
  const run = await world.untilStill(id);
  expect(run).toMatchObject({ phase: 'failed', failure: { reason: 'access-denied' } });
  expect(run.checked).toMatchObject({ extra: 0 });
  expect(world.announced).toEqual([id]);
  world.broken.source = null;
  await resumeRun(id, world.deps());
  expect(await world.untilStill(id)).toMatchObject({
    phase: 'finished',
    failure: null,
    checked: { missing: 40, extra: 1 },
  });
});

test('a resumed run checks a key again although the key was replicated before the pause', async () => {
  const world = createWorld({ ...fortyKeys(), random: numbers(4) });
  const { id } = await world.start();
  for (let steps = 0; world.store.runs.get(id)?.phase === 'comparing' && steps < 1_000; steps += 1)
    await world.deliver();
  world.work();
  const [first = ''] = Object.keys(world.replica).filter((name) => name !== 'extra');
  await pauseRun(id, world.deps());
  delete world.replica[first];
  while (world.work());
  await resumeRun(id, world.deps());
  const run = await world.untilStill(id);
  expect(run.history.map(({ work }) => work)).toEqual([
    'comparing',
    'copying',
    'comparing',
    'copying',
    'checking',
  ]);
  expect(run.checked).toMatchObject({ same: 40, missing: 0 });
});

test('a range of a paused run stops within two pages and resumes after them', async () => {
  const world = createWorld({ ...fortyKeys(), pageSize: 2, listingConcurrency: 1 });
  const { id } = await world.start({ kind: 'verify' });
  world.requests.onPage = async (pages) => {
    if (pages === 6) await pauseRun(id, world.deps());
  };
  for (let steps = 0; world.store.runs.get(id)?.phase !== 'paused' && steps < 100; steps += 1)
    await world.step();
  expect(world.requests.pages).toBeLessThan(13);
  expect(world.store.runs.get(id)?.openRanges).toBe(1);
  world.requests.onPage = null;
  await resumeRun(id, world.deps());
  expect(await world.untilStill(id)).toMatchObject({ checked: { keys: 40, missing: 40, sourcePages: 20 } });
});

test('a range whose message is lost is sent again after five minutes of standing still, then ever more rarely, and ends the run after a day', async () => {
  const world = createWorld(fortyKeys());
  const { id } = await world.start();
  const sentAfterMinutes: number[] = [];
  for (let minute = 0; world.store.runs.get(id)?.phase === 'comparing'; minute += 1) {
    sentAfterMinutes.push(...world.messages.splice(0).map(() => minute));
    await world.clock.sleep(60_000);
    await world.tend();
  }
  expect(sentAfterMinutes).toEqual([0, 5, 15, 35, 75, 155, 315, 635, 1_275]);
  expect(world.store.runs.get(id)).toMatchObject({ phase: 'failed', failure: { reason: 'no-progress' } });
});

test('a range that is sent on again and again without having moved ends the run, and one that has moved starts to count anew', async () => {
  const world = createWorld({ ...fortyKeys(), listingConcurrency: 1 });
  const { id } = await world.start();
  const handOver = async (deadlineMs: number): Promise<void> => {
    const [sent] = world.messages.splice(0);
    if (sent !== undefined) await workOnMessage(sent.message, 1, { ...world.deps(), deadlineMs });
  };
  await handOver(0);
  expect(world.messages).toMatchObject([{ message: { run: id, hops: 1, fruitless: 1 } }]);
  world.requests.onPage = () => world.clock.sleep(60_000);
  await handOver(world.clock.now() + 90_000);
  expect(world.messages).toMatchObject([{ message: { hops: 2, fruitless: 0 } }]);
  for (let hops = 0; hops < 8; hops += 1) await handOver(0);
  expect(world.messages).toMatchObject([{ message: { hops: 10, fruitless: 8 } }]);
  await handOver(0);
  expect(world.messages).toEqual([]);
  expect(world.store.runs.get(id)).toMatchObject({ phase: 'failed', failure: { reason: 'no-progress' } });
  expect(world.announced).toEqual([id]);
});

test('the schedule announces the end of a cancelled run, and then leaves the run alone', async () => {
  const world = createWorld(fortyKeys());
  const { id } = await world.start();
  await cancelRun(id, world.deps());
  expect(await world.store.awake()).toEqual([id]);
  await world.clock.sleep(60_000);
  await world.tend();
  await world.clock.sleep(60_000);
  await world.tend();
  expect(world.announced).toEqual([id]);
  expect(await world.store.awake()).toEqual([]);
});

test('a run whose permission becomes known within two minutes continues by itself', async () => {
  const world = createWorld(fortyKeys());
  world.broken.source = new ReplicationError('access-denied', 'ListObjectVersions: AccessDenied');
  const { id, createdMs } = await world.start({ kind: 'verify' });
  while (world.deps().clock.now() < createdMs + 60_000) await world.step();
  expect(world.store.runs.get(id)).toMatchObject({ phase: 'checking', failure: null });
  world.broken.source = null;
  expect(await world.untilStill(id)).toMatchObject({ phase: 'finished', failure: null });
});

test('a run works only at its hours, drops what is left in the queue when they end, and finds it again when they begin', async () => {
  // The time of the world is noon UTC. In Kolkata it is half past five in the afternoon.
  const hours = { fromMinutes: 17 * 60, toMinutes: 18 * 60, timeZone: 'Asia/Kolkata' };
  const world = createWorld({
    ...fortyKeys(),
    random: numbers(3),
    rule: { limits: { requestsPerSecond: null, bytesPerSecond: null, hours } },
  });
  const { id } = await world.start();
  for (let count = 0; count < 4; count += 1) await world.deliver();
  world.work();
  expect(world.hints.length).toBeGreaterThan(1);
  world.sleepUntil(NOW + 30 * 60_000);
  await world.nextMinute();
  const before = structuredClone(world.replica);
  for (let count = 0; count < 100; count += 1) await world.step();
  expect(world.replica).toEqual(before);
  expect(world.hints).toEqual([]);
  const rested = await world.store.load(id);
  expect(rested).toMatchObject({ phase: expect.stringMatching(/comparing|copying/), isResting: true });
  expect(progressOf(rested!, await world.store.copied(id), [], world.clock.now())).toMatchObject({
    opens: '2026-11-23T11:30:00.000Z',
  });
  // Meanwhile the ranges were not sent again, so they cannot count as stuck.
  for (const { wakes } of await world.store.openRanges(rested!)) expect(wakes).toBe(0);

  world.sleepUntil(NOW + 23.5 * 3_600_000);
  expect(await world.untilStill(id)).toMatchObject({ phase: 'finished', isResting: false });
  expect(world.replica).toMatchObject(world.source);
  expect(world.clock.now()).toBeLessThan(NOW + 24.5 * 3_600_000);
});
