/**
 * The table of runs. Each test runs with the store in DynamoDB and with its model in memory, because both
 * must behave the same.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createRunCountsStore } from '../../src/lib/aws/dynamodb/run-counts.ts';
import { createRunStore } from '../../src/lib/aws/dynamodb/run-store.ts';
import { wholeRange } from '../../src/lib/listing/range.ts';
import type { RangeCommit, RunRecord, RunStore } from '../../src/lib/runs/run-store.ts';
import { NO_LIMITS } from '../../src/lib/model/run-limits.ts';
import { NOTHING_COMPARED } from '../../src/lib/runs/run.ts';
import { createMemoryRunStore } from '../model/memory-run-store.ts';
import { runRecord } from '../runs/run-record.ts';
import { startLocalTable } from './local-table.ts';

let table: Awaited<ReturnType<typeof startLocalTable>>;
beforeAll(async () => {
  table = await startLocalTable('runs', { run: 'HASH', item: 'RANGE' });
});
afterAll(() => table.stop());

const NOW = Date.parse('2026-11-22T12:00:00Z');
let count = 0;
const newRun = (fields: Partial<RunRecord> = {}): RunRecord => {
  count += 1;
  return runRecord({ id: `run-${String(count).padStart(4, '0')}`, createdMs: NOW, ...fields });
};
const spec = (rule: string, prefix = '') => ({ ...runRecord({}).spec, rule, prefix });

const commitOf = (run: RunRecord, fields: Partial<RangeCommit>): RangeCommit => ({
  run: run.id,
  epoch: run.epoch,
  listing: 'compared',
  before: wholeRange(),
  after: null,
  children: [],
  counted: NOTHING_COMPARED,
  file: null,
  nowMs: NOW,
  ...fields,
});

const STORES: [string, () => RunStore][] = [
  ['memory', () => createMemoryRunStore(() => NOW)],
  ['DynamoDB', () => createRunStore('runs')],
];

describe.each(STORES)('the rate of a run in %s', (_name, create) => {
  test('work that is accounted for comes one after the other, and begins anew after a pause or another rate', async () => {
    const store = create();
    const { id } = newRun();
    const starts = await Promise.all(Array.from({ length: 8 }, () => store.charge(id, 250, NOW)));
    expect(starts.map((ms) => ms - NOW).toSorted((a, b) => a - b)).toEqual([
      0, 250, 500, 750, 1_000, 1_250, 1_500, 1_750,
    ]);
    expect(await store.charge(id, 1_000, NOW + 5_000)).toBe(NOW + 5_000);
    expect(await store.charge(id, 1_000, NOW + 5_000)).toBe(NOW + 6_000);
    await store.forgetRate(id);
    expect(await store.charge(id, 1_000, NOW + 5_000)).toBe(NOW + 5_000);
  });
});

describe.each(STORES)('a run in %s', (_name, create) => {
  test('a stored run is read unchanged', async () => {
    const store = create();
    const run = newRun({ spec: spec(`as-is-${count}`) });
    expect(await store.load(run.id)).toBeNull();
    expect(await store.create(run, wholeRange())).toEqual({ kind: 'created' });
    expect(await store.load(run.id)).toEqual(run);
    expect((await store.list(10)).map(({ id }) => id)).toContain(run.id);
  });

  test('a second run over some of the same keys is refused until the first run is over', async () => {
    const store = create();
    const rule = `twice-${count}`;
    const first = newRun({ spec: spec(rule, 'a/') });
    await store.create(first, wholeRange());
    for (const prefix of ['a/', '', 'a/b'])
      expect(await store.create(newRun({ spec: spec(rule, prefix) }), wholeRange())).toEqual({
        kind: 'active',
        run: first.id,
      });
    expect(await store.create(newRun({ spec: spec(rule, 'b/') }), wholeRange())).toEqual({ kind: 'created' });
    expect(await store.change(first, { phase: 'cancelled' })).toBe(true);
    expect(await store.create(newRun({ spec: spec(rule, 'a/') }), wholeRange())).toEqual({ kind: 'created' });
  });

  test('only one of several runs over some of the same keys begins, although all are stored at once', async () => {
    const store = create();
    const rule = `at-once-${count}`;
    const starts = ['a/', 'a/b/', '', 'c/'].map((prefix) => newRun({ spec: spec(rule, prefix) }));
    const created = await Promise.all(starts.map((run) => store.create(run, wholeRange())));
    const begun = starts.filter((_, index) => created[index]?.kind === 'created');
    const prefixes = begun.map((run) => run.spec.prefix);
    expect(prefixes.some((one) => prefixes.some((other) => one !== other && one.startsWith(other)))).toBe(
      false,
    );
    expect(begun.length).toBeGreaterThan(0);
  });

  test('a run that was never ended does not block others for ever', async () => {
    const store = create();
    const rule = `old-${count}`;
    const old = newRun({ spec: spec(rule), createdMs: NOW - 401 * 24 * 3_600_000 });
    expect(await store.create(old, wholeRange())).toEqual({ kind: 'created' });
    expect(await store.create(newRun({ spec: spec(rule) }), wholeRange())).toEqual({ kind: 'created' });
  });

  test('one of two concurrent changes of a run succeeds', async () => {
    const store = create();
    const run = newRun({ spec: spec(`change-${count}`) });
    await store.create(run, wholeRange());
    expect(
      await Promise.all([store.change(run, { phase: 'paused' }), store.change(run, { endedBefore: 9 })]),
    ).toEqual([true, false]);
    const now = await store.load(run.id);
    expect(now).toMatchObject({ phase: 'paused', endedBefore: null, revision: 1 });
  });
});

describe.each(STORES)('the ranges of a run in %s', (_name, create) => {
  test('the counters of a range are added once, when it is done, and the last range ends the listing', async () => {
    const store = create();
    const run = newRun({ spec: spec(`count-${count}`) });
    await store.create(run, wholeRange());
    const half = { ...wholeRange(), upTo: 'm', step: 1 };
    const child = { ...wholeRange(), from: 'm', after: { key: 'm', versionId: null } };
    const split = commitOf(run, { after: half, children: [child] });
    expect(await store.commit(split)).toBe('committed');
    expect(await store.commit(split)).toBe('superseded');
    expect(await store.openRange(run.id, run.epoch, 'm')).toMatchObject({
      range: child,
      counted: NOTHING_COMPARED,
    });
    expect((await store.openRanges(run)).map(({ range }) => range.from).toSorted()).toEqual(['', 'm']);

    const further = { ...half, after: { key: 'c', versionId: 'v' }, step: 2, carry: { some: 'thing' } };
    const counted = { ...NOTHING_COMPARED, keys: 3, same: 2, missing: 1 };
    const row = { key: 'lost', difference: 'missing', source: null, replica: null, reason: null } as const;
    const file = { key: 'f.csv', rows: 1, sha256: 'digest', first: [row] };
    expect(await store.commit(commitOf(run, { before: half, after: further, counted, file }))).toBe(
      'committed',
    );
    expect(await store.load(run.id)).toMatchObject({ openRanges: 2, compared: { keys: 0 } });
    expect(await store.progress(run.id)).toMatchObject({ openRanges: 2, compared: { keys: 3, same: 2 } });
    expect(await store.files(run, 10)).toEqual({ files: [file], leftOut: 0 });
    expect(await store.openRange(run.id, run.epoch, '')).toMatchObject({ range: further });

    const ends = await Promise.all([
      store.commit(commitOf(run, { before: further, counted: { ...counted, keys: 4 } })),
      store.commit(commitOf(run, { before: child, counted: { ...NOTHING_COMPARED, keys: 10 } })),
    ]);
    expect(ends.toSorted()).toEqual(['committed', 'ended']);
    expect(await store.load(run.id)).toMatchObject({ openRanges: 0, compared: { keys: 14, same: 2 } });
    expect(await store.commit(commitOf(run, { before: child }))).toBe('superseded');
  });

  test('a new listing begins only when no range of the previous listing is open', async () => {
    const store = create();
    const run = newRun({ spec: spec(`listing-${count}`) });
    await store.create(run, wholeRange());
    const next = { phase: 'checking', work: 'checking', epoch: 2, checked: NOTHING_COMPARED } as const;
    expect(await store.change(run, next, wholeRange())).toBe(false);
    expect(await store.commit(commitOf(run, {}))).toBe('ended');
    expect(await store.change(run, next, wholeRange())).toBe(true);
    expect(await store.change(run, next, wholeRange())).toBe(false);
    expect(await store.load(run.id)).toMatchObject({ openRanges: 1, epoch: 2, checked: NOTHING_COMPARED });
    // This commit comes from a worker of the previous listing.
    expect(await store.commit(commitOf(run, {}))).toBe('superseded');
  });
});

test('with many concurrent workers each range is counted once, and exactly one worker ends the listing', async () => {
  const store = createRunStore('runs');
  const run = newRun({ spec: spec('many') });
  await store.create(run, wholeRange());
  const names = Array.from({ length: 20 }, (_, index) => `k${index}`);
  const children = names.map((from) => ({ ...wholeRange(), from, after: { key: from, versionId: null } }));
  await store.commit(commitOf(run, { children }));
  const ends = await Promise.all(
    [...children, ...children].map((before) =>
      store.commit(commitOf(run, { before, counted: { ...NOTHING_COMPARED, keys: 1 } })),
    ),
  );
  expect(ends.filter((end) => end === 'ended')).toHaveLength(1);
  expect(ends.filter((end) => end === 'superseded')).toHaveLength(20);
  expect(await store.load(run.id)).toMatchObject({ openRanges: 0, compared: { keys: 20 } });
});

test('the counters of concurrent replicate functions add up', async () => {
  const store = createRunStore('runs');
  const run = newRun({ spec: spec('counts') });
  await store.create(run, wholeRange());
  const receipt = { outcome: 'replicated', copies: 1, bytes: 5, durationMs: 7 } as const;
  await Promise.all(
    Array.from({ length: 8 }, async (_, index) => {
      const counts = createRunCountsStore('runs', () => undefined)();
      expect(await counts.isStopped(run.id)).toBe(false);
      counts.count(run.id, { kind: 'done', key: `k${index}`, receipt: { ...receipt, durationMs: index } });
      counts.count(run.id, {
        kind: 'done',
        key: 'same',
        receipt: { ...receipt, outcome: 'unchanged', copies: 0, bytes: 0 },
      });
      counts.count(run.id, { kind: 'failed', key: `denied ${index}`, reason: 'kms' });
      counts.count(run.id, { kind: 'dropped' });
      await counts.flush();
      await counts.flush();
    }),
  );
  const copied = await store.copied(run.id);
  expect(copied).toMatchObject({
    done: 16,
    outcomes: { replicated: 8, unchanged: 8 },
    failed: 8,
    reasons: { kms: 8 },
    dropped: 8,
    copies: 8,
    bytes: 40,
  });
  expect(copied.minutes.reduce((sum, { done }) => sum + done, 0)).toBe(16);
  expect(copied.minutes.reduce((sum, { failed }) => sum + failed, 0)).toBe(8);
  expect(copied.examples).toEqual({ kms: expect.stringMatching(/^denied [0-7]$/) });
  expect(copied.slowest[0]).toEqual({ key: 'k7', bytes: 5, durationMs: 7 });
  const minutes = Math.floor((Date.now() / 60_000) % 1_440);
  const hours = { fromMinutes: (minutes + 120) % 1_440, toMinutes: (minutes + 180) % 1_440, timeZone: 'UTC' };
  await store.change(run, { limits: { ...NO_LIMITS, hours } });
  expect(await createRunCountsStore('runs', () => undefined)().isStopped(run.id)).toBe(true);
  const limited = (await store.load(run.id))!;
  expect(limited.limits?.hours).toEqual(hours);
  await store.change(limited, { limits: NO_LIMITS });
  expect(await createRunCountsStore('runs', () => undefined)().isStopped(run.id)).toBe(false);
  await store.change((await store.load(run.id))!, { phase: 'paused' });
  expect(await createRunCountsStore('runs', () => undefined)().isStopped(run.id)).toBe(true);
});
