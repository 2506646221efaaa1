/** Whatever happens to invocations and messages: a run ends once, its counters are exact, and both sides agree. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { pauseRun, resumeRun, cancelRun } from '../../src/lib/runs/control.ts';
import { ReplicationError } from '../../src/lib/model/errors.ts';
import { NOTHING_COMPARED } from '../../src/lib/runs/run.ts';
import { createWorld, type Histories } from './run-world.ts';

const key = fc.oneof(
  fc.string({ minLength: 1, maxLength: 3, unit: fc.constantFrom('a', 'b', 'é', '\u{1f600}', '/', '\uffff') }),
  fc.nat({ max: 400 }).map((index) => `k${index}`),
);
const version = fc.constantFrom('a', 'b', 'cc', 'dd');
const histories = fc.dictionary(key, fc.array(version, { minLength: 1, maxLength: 4 }), { maxKeys: 60 });
const both = fc.record({ source: histories, replica: histories, shared: histories });

/** Some keys on both sides, the same or not. */
const bothSides = ({
  source,
  replica,
  shared,
}: {
  source: Histories;
  replica: Histories;
  shared: Histories;
}) => ({
  source: { ...source, ...structuredClone(shared) },
  replica: { ...replica, ...structuredClone(shared) },
});

const numbers = (seed: number): (() => number) => {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
};

/** What a look at both sides must count. */
const truth = (source: Histories, replica: Histories) => {
  const counts = { keys: 0, same: 0, missing: 0, historyShorter: 0, extra: 0, versions: 0 };
  for (const [name, versions] of Object.entries(source)) {
    counts.keys += 1;
    counts.versions += versions.length;
    const others = replica[name];
    if (others === undefined) counts.missing += 1;
    else if (others[0] === versions[0] && isWithin(versions, others)) counts.same += 1;
    else if (others.every((each, index) => each === versions[index])) counts.historyShorter += 1;
  }
  for (const name of Object.keys(replica)) if (!(name in source)) counts.extra += 1;
  return counts;
};

/** The destination may have others between them. */
const isWithin = (versions: string[], others: string[]): boolean => {
  let next = 0;
  for (const other of others) if (other === versions[next]) next += 1;
  return next === versions.length;
};

const RUNS = { numRuns: Number(process.env['RUNS'] ?? 60) };

test('a backfill ends once, with exact counters, and both sides agree', async () => {
  const property = fc.asyncProperty(both, fc.integer(), async (given, seed) => {
    const sides = bothSides(given);
    const before = truth(sides.source, sides.replica);
    const world = createWorld({ ...sides, random: numbers(seed) });
    const { id } = await world.start();
    const run = await world.untilStill(id);
    expect(run.phase).toBe('finished');
    expect(run.history.map(({ work }) => work)).toEqual(['comparing', 'copying', 'checking']);
    const { historyShorter, ...others } = before;
    expect(run.compared).toMatchObject(others);
    // Where other versions are in their place, some are missing as well.
    expect(run.compared?.historyShorter).toBeGreaterThanOrEqual(historyShorter);
    const { hints, keys, same } = run.compared ?? { hints: 0, keys: 0, same: 0 };
    expect(hints).toBe(keys - same);
    expect(run.checked).toMatchObject({
      keys,
      same: keys,
      missing: 0,
      different: 0,
      extra: before.extra,
      hints: 0,
    });
    expect(world.announced).toContain(id);
    expect(run.openRanges).toBe(0);
  });
  await fc.assert(property, RUNS);
});

test('so it does where invocations die before or after any of their calls', async () => {
  const property = fc.asyncProperty(both, fc.integer(), async (given, seed) => {
    const sides = bothSides(given);
    const before = truth(sides.source, sides.replica);
    const random = numbers(seed);
    const world = createWorld({ ...sides, random, diesAt: () => random() < 0.03 });
    const { id } = await world.start();
    const run = await world.untilStill(id);
    expect(run.phase).toBe('finished');
    expect(run.history.map(({ work }) => work)).toEqual(['comparing', 'copying', 'checking']);
    // Hints of a page whose commit was lost may have been worked on before it was compared again.
    expect(run.compared).toMatchObject({ keys: before.keys, extra: before.extra, versions: before.versions });
    expect(run.checked).toMatchObject({ keys: before.keys, same: before.keys, extra: before.extra });
    const report = world.reports.at(-1);
    expect(report).toMatchObject({ agrees: true, checked: run.checked });
    const rows = report === undefined ? [] : world.rows(report);
    expect(rows.map((row) => row.key).toSorted()).toEqual(
      Object.keys(sides.replica)
        .filter((name) => !(name in sides.source))
        .toSorted(),
    );
  });
  await fc.assert(property, RUNS);
});

test('so it does where it is paused and resumed at any time, though hints are let go meanwhile', async () => {
  const property = fc.asyncProperty(
    both,
    fc.integer(),
    fc.array(fc.nat({ max: 40 }), { maxLength: 4 }),
    async (given, seed, pauses) => {
      const sides = bothSides(given);
      const world = createWorld({ ...sides, random: numbers(seed) });
      const { id } = await world.start();
      for (const steps of pauses) {
        for (let count = 0; count < steps; count += 1) await world.step();
        const paused = await pauseRun(id, world.deps()).catch(() => null);
        if (paused === null) break;
        const pages = world.requests.pages;
        for (let count = 0; count < 30; count += 1) await world.step();
        expect(world.requests.pages).toBe(pages);
        expect(world.store.runs.get(id)?.phase).toBe('paused');
        expect(world.hints).toEqual([]);
        await resumeRun(id, world.deps());
      }
      const run = await world.untilStill(id);
      const keys = Object.keys(sides.source).length;
      expect(run.phase).toBe('finished');
      expect(run.compared).toMatchObject({ keys });
      expect(run.checked).toMatchObject({ keys, same: keys });
    },
  );
  await fc.assert(property, RUNS);
});

test('what a look finds does not depend on where invocations died, delete markers in a row included', async () => {
  const withMarkers = fc.dictionary(
    fc.constantFrom('a', 'b', 'c'),
    fc.array(fc.constantFrom('a', 'bb', '-', '-'), { minLength: 1, maxLength: 12 }),
  );
  const sides = fc.record({ source: withMarkers, replica: withMarkers });
  const verified = async (given: { source: Histories; replica: Histories }, options: object) => {
    const rule = { deletes: 'replicate', versions: 'all' } as const;
    const world = createWorld({ ...structuredClone(given), rule, ...options });
    const { id } = await world.start({ kind: 'verify' });
    const { checked } = await world.untilStill(id);
    // Requests are made again where somebody died.
    return { ...(checked ?? NOTHING_COMPARED), sourcePages: 0, destinationPages: 0, looks: 0 };
  };
  const property = fc.asyncProperty(sides, fc.integer(), async (given, seed) => {
    const random = numbers(seed);
    const dying = { random, pageSize: 2, diesAt: () => random() < 0.05 };
    expect(await verified(given, dying)).toEqual(await verified(given, { random: () => 0, pageSize: 1_000 }));
  });
  await fc.assert(property, RUNS);
});

test('however many keys only the destination has, an invocation hands back in time, and each is counted and named once', async () => {
  const names = Array.from({ length: 600 }, (_, index) => `m${String(index).padStart(3, '0')}`);
  const world = createWorld({
    source: { a: ['x'], z: ['x'] },
    replica: { a: ['x'], z: ['x'], ...Object.fromEntries(names.map((name) => [name, ['x']])) },
    random: numbers(7),
    diesAt: () => false,
  });
  world.requests.onPage = () => world.clock.sleep(20_000);
  const { id } = await world.start({ kind: 'verify' });
  let invocations = 0;
  while (world.store.runs.get(id)?.phase === 'checking') {
    const beganMs = world.clock.now();
    if (await world.deliver()) {
      expect(world.clock.now() - beganMs).toBeLessThan(870_000);
      invocations += 1;
    } else await world.step();
  }
  expect(invocations).toBeGreaterThan(5);
  const { checked } = await world.untilStill(id);
  expect(checked).toMatchObject({ keys: 2, same: 2, versions: 2, extra: 600 });
  const [report] = world.reports;
  const rows = report === undefined ? [] : world.rows(report);
  expect(rows.map((row) => row.key).toSorted()).toEqual(names);
});

test('with all attributes each key that is the same is looked at', async () => {
  const source = Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`k${index}`, ['a']]));
  const world = createWorld({ source, replica: { ...structuredClone(source), more: ['a'] } });
  const { id } = await world.start({ kind: 'verify', attributes: 'all' });
  expect(await world.untilStill(id)).toMatchObject({ checked: { keys: 20, same: 20, looks: 20, extra: 1 } });
});

describe('a run', () => {
  const some = (): { source: Histories; replica: Histories } => ({
    source: Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`k${index}`, ['a']])),
    replica: { extra: ['x'] },
  });

  test('that is cancelled does nothing more, and lets its hints go', async () => {
    const world = createWorld({ ...some(), random: numbers(1) });
    const { id } = await world.start();
    for (let count = 0; count < 12; count += 1) await world.step();
    await cancelRun(id, world.deps());
    const before = structuredClone(world.replica);
    for (let count = 0; count < 200; count += 1) await world.step();
    expect(world.replica).toEqual(before);
    expect(world.store.runs.get(id)).toMatchObject({ phase: 'cancelled' });
    expect(world.hints).toEqual([]);
  });

  test('over keys that another one is at work on is refused with its id', async () => {
    const world = createWorld(some());
    const { id } = await world.start({ prefix: 'k1' });
    await expect(world.start({ prefix: 'k' })).rejects.toMatchObject({ name: 'RunRefusedError', run: id });
    await expect(world.start({ prefix: 'k2' })).resolves.toMatchObject({ phase: 'comparing' });
    await world.untilStill(id);
    await expect(world.start({ prefix: 'k1' })).resolves.toMatchObject({ phase: 'comparing' });
  });

  test('finds another version of the same size in the middle of a history', async () => {
    const world = createWorld({
      source: { k: ['a', 'dd', 'a'], same: ['a', 'dd', 'a'] },
      replica: { k: ['a', 'cc', 'a'], same: ['a', 'dd', 'a'] },
      rule: { versions: 'all' },
    });
    const { id } = await world.start({ kind: 'verify' });
    expect(await world.untilStill(id)).toMatchObject({ checked: { same: 1, different: 1 } });
  });

  test('is not checked while transfers are moving what it asked for', async () => {
    const world = createWorld(some());
    world.moving.objects = 1;
    const { id } = await world.start();
    for (let count = 0; count < 200; count += 1) await world.step();
    expect(await world.deps().store.load(id)).toMatchObject({ phase: 'copying' });
    world.moving.objects = 0;
    expect(await world.untilStill(id)).toMatchObject({ phase: 'finished' });
  });

  test('that is done again costs listings only', async () => {
    const world = createWorld(some());
    const first = await world.start();
    await world.untilStill(first.id);
    const second = await world.start();
    const run = await world.untilStill(second.id);
    expect(run.compared).toMatchObject({ keys: 40, same: 40, hints: 0, extra: 1 });
  });

  test('whose source cannot be listed fails, and nothing is taken for extra', async () => {
    const world = createWorld(some());
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

  test('that verifies sends no hints, and names every difference in its report', async () => {
    const world = createWorld({
      source: { gone: ['a'], longer: ['bb', 'a'], same: ['a'], other: ['bb'] },
      replica: { longer: ['bb'], same: ['a', 'older'], other: ['a'], more: ['a'] },
    });
    const { id } = await world.start({ kind: 'verify' });
    const run = await world.untilStill(id);
    expect(run.checked).toMatchObject({
      keys: 4,
      same: 1,
      missing: 1,
      different: 1,
      historyShorter: 1,
      extra: 1,
    });
    expect(run.history.map(({ work }) => work)).toEqual(['checking']);
    expect(world.hints).toEqual([]);
    const [report] = world.reports;
    expect(report).toMatchObject({ agrees: false, compared: null, copied: null });
    const rows = report === undefined ? [] : world.rows(report);
    expect(rows.map(({ key: name, difference }) => `${name} ${difference}`).toSorted()).toEqual([
      'gone missing',
      'longer history-shorter',
      'more extra',
      'other different',
    ]);
  });

  test('of which every hint was counted but one goes on when the queue stays empty', async () => {
    const world = createWorld(some());
    const { id } = await world.start();
    while (world.store.runs.get(id)?.phase !== 'copying') await world.step();
    world.hints.pop();
    expect(await world.untilStill(id)).toMatchObject({ phase: 'finished', checked: { missing: 1 } });
  });

  test('is not taken for done while hints are left, though as many were done as were counted', async () => {
    // It dies when it commits its first page, whose hints are worked on before the page is compared again.
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
    // Two were done for the first page and two now: as many as were counted for the others.
    world.work();
    world.work();
    await world.clock.sleep(60_000);
    await world.deliver();
    expect(world.store.runs.get(id)).toMatchObject({ phase: 'copying', compared: { hints: 4, same: 2 } });
    expect(await world.untilStill(id)).toMatchObject({ checked: { same: 6, missing: 0 } });
  });

  test('looks at a key again after it was paused, though it was replicated for it before', async () => {
    const world = createWorld({ ...some(), random: numbers(4) });
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

  test('stops within two pages of a range when it is paused, and goes on behind them', async () => {
    const world = createWorld({ ...some(), pageSize: 2, listingConcurrency: 1 });
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

  test('deletes what is extra only where it was told to', async () => {
    const world = createWorld({ ...some(), rule: { deletes: 'replicate' } });
    const { id } = await world.start({ deleteExtra: true });
    expect(await world.untilStill(id)).toMatchObject({ checked: { extra: 0 } });
    expect(world.replica['extra']).toBeUndefined();
  });
});
