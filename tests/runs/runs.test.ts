/**
 * Whole runs, during which invocations may crash and messages may be repeated and reordered. Each run must
 * end once with exact counters, and both sides must agree.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { pauseRun, resumeRun } from '../../src/lib/runs/control.ts';
import { NOTHING_COMPARED } from '../../src/lib/runs/run.ts';
import type { Histories } from './histories.ts';
import { numbers } from './random-numbers.ts';
import { createWorld } from './run-world.ts';

const key = fc.oneof(
  fc.string({ minLength: 1, maxLength: 3, unit: fc.constantFrom('a', 'b', 'é', '\u{1f600}', '/', '\uffff') }),
  fc.nat({ max: 400 }).map((index) => `k${index}`),
);
const version = fc.constantFrom('a', 'b', 'cc', 'dd');
const histories = fc.dictionary(key, fc.array(version, { minLength: 1, maxLength: 4 }), { maxKeys: 60 });
const both = fc.record({ source: histories, replica: histories, shared: histories });

/** Adds the same keys and versions to both sides. Otherwise the two sides would have few equal keys. */
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

/** Returns the counters that a comparison of the two sides must have. */
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

/**
 * Returns whether `others` contains all of `versions` in the same order. Other versions may lie between them.
 */
const isWithin = (versions: string[], others: string[]): boolean => {
  let next = 0;
  for (const other of others) if (other === versions[next]) next += 1;
  return next === versions.length;
};

const RUNS = { numRuns: Number(process.env['RUNS'] ?? 30) };

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
    // A key may lack versions and have other versions in their place. `truth` does not count such a key as
    // `historyShorter`, but a run may.
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

test('a backfill ends once with exact counters, even if invocations crash before or after any of their calls', async () => {
  const property = fc.asyncProperty(both, fc.integer(), async (given, seed) => {
    const sides = bothSides(given);
    const before = truth(sides.source, sides.replica);
    const random = numbers(seed);
    const world = createWorld({ ...sides, random, diesAt: () => random() < 0.03 });
    const { id } = await world.start();
    const run = await world.untilStill(id);
    expect(run.phase).toBe('finished');
    expect(run.history.map(({ work }) => work)).toEqual(['comparing', 'copying', 'checking']);
    // A crash may lose the commit of a page whose hints are processed before the page is compared again.
    // `same` and `missing` may therefore differ.
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

test('a backfill that is paused and resumed at any time makes both sides agree, although the pause drops hints', async () => {
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

test('a listing finds the same differences wherever invocations crash, also with consecutive delete markers', async () => {
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
    // The numbers of requests are left out, because some requests are repeated after a crash.
    return { ...(checked ?? NOTHING_COMPARED), sourcePages: 0, destinationPages: 0, looks: 0 };
  };
  const property = fc.asyncProperty(sides, fc.integer(), async (given, seed) => {
    const random = numbers(seed);
    const dying = { random, pageSize: 2, diesAt: () => random() < 0.05 };
    expect(await verified(given, dying)).toEqual(await verified(given, { random: () => 0, pageSize: 1_000 }));
  });
  await fc.assert(property, RUNS);
});

test('an invocation hands back its range in time however many keys only the destination has, and each of these keys is counted and named once', async () => {
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

test('comparing all attributes takes a closer look at each key that listings show as the same', async () => {
  const source = Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`k${index}`, ['a']]));
  const world = createWorld({ source, replica: { ...structuredClone(source), more: ['a'] } });
  const { id } = await world.start({ kind: 'verify', attributes: 'all' });
  expect(await world.untilStill(id)).toMatchObject({ checked: { keys: 20, same: 20, looks: 20, extra: 1 } });
});
