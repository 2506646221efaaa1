import { expect, test } from 'vitest';
import type { ListedVersion } from '../../src/lib/listing/page.ts';
import { surveySource } from '../../src/lib/runs/estimate/sample-source.ts';
import { createWorkCounter } from '../../src/lib/runs/estimate/workload.ts';
import { aRule } from './runs.ts';
import { listingOf, object } from './listed.ts';

/** Number of surveys whose samples are drawn differently. */
const SEEDS = 5;

const rule = aRule({ source: { prefix: '', suffix: '' } });

const survey = async (objects: ListedVersion[], given: { mostPages?: number; seed?: number } = {}) => {
  const listing = listingOf(objects);
  const surveyed = await surveySource({
    listPage: listing.listPage,
    prefix: '',
    createCounter: () => createWorkCounter(rule, { since: null }),
    workers: 8,
    mostPages: given.mostPages ?? 100,
    random: randomOf(given.seed ?? 1),
    now: () => 0,
    signal: new AbortController().signal,
  });
  if (surveyed === null) throw new Error('aborted');
  return { ...surveyed, requests: listing.requests };
};

/** Returns random numbers from `seed`, by the algorithm mulberry32. */
const randomOf = (seed: number) => {
  let state = seed;
  return (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
};

const uniform = (count: number): ListedVersion[] => {
  const random = randomOf(7);
  return Array.from({ length: count }, (_, index) =>
    object(
      `${Math.floor(random() * 2 ** 32)
        .toString(16)
        .padStart(8, '0')}/${index}`,
    ),
  );
};

test('a survey counts a small bucket completely', async () => {
  const large = { sizeBytes: 7e9, etag: '"0123-100"' };
  const objects = [
    ...uniform(20_500),
    object('big', { sizeBytes: 7e9, etag: '"0123-512"' }),
    object('large parts', large),
  ];
  const { work, basis, errorShare } = await survey(objects);
  expect({ basis, errorShare }).toEqual({ basis: 'listing', errorShare: 0 });
  expect(work).toMatchObject({
    keys: 20_502,
    versions: 20_502,
    bytes: 20_500_000 + 2 * 7e9,
    multiparts: 2,
    parts: 612,
    bytesInLargeParts: 7e9,
  });
});

test('a survey lists only a part of a larger bucket, and the true amount lies within the reported error', async () => {
  const objects = uniform(100_000);
  let within = 0;
  for (let seed = 1; seed <= SEEDS; seed += 1) {
    const { work, basis, errorShare, requests } = await survey(objects, { seed, mostPages: 50 });
    expect(basis).toBe('sample');
    expect(requests).toBeLessThanOrEqual(200);
    expect(errorShare).toBeLessThan(4);
    if (Math.abs(work.keys - 100_000) <= (errorShare ?? 0) * work.keys) within += 1;
  }
  expect(within).toBeGreaterThanOrEqual(SEEDS - 1);
});

test('a survey finds the one folder that contains nearly all keys', async () => {
  const objects = [
    ...Array.from({ length: 100_000 }, (_, index) => object(`m/heavy/${String(index).padStart(9, '0')}`)),
    ...uniform(1_000),
  ];
  const estimates: number[] = [];
  for (let seed = 1; seed <= SEEDS; seed += 1)
    estimates.push((await survey(objects, { seed, mostPages: 50 })).work.keys);
  const mean = estimates.reduce((sum, keys) => sum + keys, 0) / estimates.length;
  expect(mean / 101_000).toBeGreaterThan(0.7);
  expect(mean / 101_000).toBeLessThan(1.4);
});

test('a survey ignores objects that the rule excludes by size, suffix or time, and counts a key once however many versions it has', () => {
  const count = createWorkCounter(
    aRule({
      source: { prefix: '', suffix: '.csv' },
      filter: { tags: {}, minimumBytes: 10, maximumBytes: null },
    }),
    { since: '2026-02-01T00:00:00Z' },
  );
  const lastModifiedMs = Date.parse('2026-03-01T00:00:00Z');
  const first = count([
    object('a.csv', { lastModifiedMs }),
    object('b.csv', { lastModifiedMs, sizeBytes: 9 }),
    object('c.txt', { lastModifiedMs }),
    object('d.csv'),
    object('e.csv', { kind: 'delete-marker', lastModifiedMs }),
    object('f.csv', { lastModifiedMs }),
  ]);
  const second = count([object('f.csv', { lastModifiedMs })]);
  expect([first.keys, first.versions, first.bytes]).toEqual([2, 2, 2_000]);
  expect([second.keys, second.versions]).toEqual([0, 1]);
});

test('an aborted survey ends without a result', async () => {
  const controller = new AbortController();
  const { listPage } = listingOf(uniform(50_000));
  const surveyed = surveySource({
    listPage,
    prefix: '',
    createCounter: () => createWorkCounter(rule, { since: null }),
    workers: 2,
    mostPages: Infinity,
    random: Math.random,
    now: () => 0,
    signal: controller.signal,
    onPages: (pages) => {
      if (pages === 5) controller.abort();
    },
  });
  expect(await surveyed).toBeNull();
});
