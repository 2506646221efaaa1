/** The differences that a run finds, and what the run does about them. */
import { expect, test } from 'vitest';
import { fortyKeys } from './histories.ts';
import { testDestination, testRule } from '../model/settings.ts';
import { createWorld } from './run-world.ts';

test('a verify finds a different version of the same size in the middle of a history', async () => {
  const world = createWorld({
    source: { k: ['a', 'dd', 'a'], same: ['a', 'dd', 'a'] },
    replica: { k: ['a', 'cc', 'a'], same: ['a', 'dd', 'a'] },
    rule: { versions: 'all' },
  });
  const { id } = await world.start({ kind: 'verify' });
  expect(await world.untilStill(id)).toMatchObject({ checked: { same: 1, different: 1 } });
});

test('a verify sends no hints and names every difference in its report', async () => {
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

test('a backfill deletes extra keys only if it was told to', async () => {
  const world = createWorld({ ...fortyKeys(), rule: { deletes: 'replicate' } });
  const { id } = await world.start({ deleteExtra: true });
  expect(await world.untilStill(id)).toMatchObject({ checked: { extra: 0 } });
  expect(world.replica['extra']).toBeUndefined();
});

test.each(['replicate', 'ignore'] as const)(
  'a key that is hidden by a delete marker at the destination is no extra key, with `deletes: %s`',
  async (deletes) => {
    const world = createWorld({
      source: { k: ['a'] },
      replica: { hidden: ['-', 'x', 'y'], shown: ['x', '-', 'y'], k: ['a'] },
      rule: { versions: 'all', deletes },
    });
    const { id } = await world.start({ kind: 'verify' });
    expect(await world.untilStill(id)).toMatchObject({ checked: { same: 1, extra: 1 } });
  },
);

test('a key that equals the prefix of the run is no extra key, however many versions it has', async () => {
  const versions = Array.from({ length: 9 }, (_, index) => 'x'.repeat(9 - index));
  const sides = { k: versions, kk: ['a'] };
  for (const listingConcurrency of [1, 4]) {
    const world = createWorld({ source: sides, replica: { ...sides }, listingConcurrency });
    const { id } = await world.start({ kind: 'verify', prefix: 'k' });
    expect(await world.untilStill(id)).toMatchObject({ checked: { same: 2, extra: 0, different: 0 } });
  }
});

test('a verify of a rule whose prefix is also a key counts that key as different, and comes to its end', async () => {
  const { source } = testRule();
  const world = createWorld({
    source: { 'docs/': ['folder'], 'docs/a': ['a'], 'docs/b': ['b'] },
    replica: { a: ['a'], b: ['b'] },
    rule: { source: { ...source, prefix: 'docs/' }, destinations: [testDestination({ prefix: '' })] },
  });
  const { id } = await world.start({ kind: 'verify' });
  expect(await world.untilStill(id)).toMatchObject({ phase: 'finished', checked: { same: 2, different: 1 } });
  const [report] = world.reports;
  expect(report === undefined ? [] : world.rows(report)).toMatchObject([
    { key: 'docs/', difference: 'different', reason: 'empty-key' },
  ]);
});
