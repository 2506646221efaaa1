import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createSimulatedClock } from '../../bench/listing-clock.ts';
import { randomOf } from '../../bench/listing-keys.ts';
import { ReplicationError } from '../../src/lib/model/errors.ts';
import { compareKeys } from '../../src/lib/listing/key-order.ts';
import { createMemoryLedger } from '../../src/lib/listing/ledger.ts';
import { createPace } from '../../src/lib/listing/pace.ts';
import type { ListedVersion, ListPage } from '../../src/lib/listing/page.ts';
import { patientListing } from '../../src/lib/listing/patient-listing.ts';
import type { Range } from '../../src/lib/listing/range.ts';
import { wholeRange } from '../../src/lib/listing/range.ts';
import { createRangeWork } from '../../src/lib/listing/range-work.ts';
import { runLocally } from '../../src/lib/listing/run-locally.ts';
import { identity, stackOf, versionsOf } from './key-sets.ts';
import { createMemoryListing } from './memory-listing.ts';

interface Scene {
  versions: ListedVersion[];
  mode: 'objects' | 'versions';
  workers: number;
  pageSize: number;
  seed: number;
  /** How many of a hundred requests are refused with SlowDown. */
  throttled: number;
  prefix: string;
}

const scenes = fc.record<Scene>({
  versions: versionsOf(120),
  mode: fc.constantFrom('objects', 'versions'),
  workers: fc.integer({ min: 1, max: 12 }),
  pageSize: fc.integer({ min: 1, max: 12 }),
  seed: fc.nat(),
  throttled: fc.constantFrom(0, 0, 20),
  prefix: fc.constantFrom('', '', 'folder/', 'a/b', 'p'.repeat(10), '😀'),
});

/** Runs a scene to its end, or stops it after `stopAfter` stretches. */
const play = async (scene: Scene, ranges: Range[], stopAfter = Infinity) => {
  const { versions, mode, workers, pageSize, seed, throttled, prefix } = scene;
  const random = randomOf(seed);
  const clock = createSimulatedClock();
  const bucket = createMemoryListing({
    versions,
    mode,
    pageLength: (asked) => (random() < 0.2 ? Math.floor(random() * asked) : asked),
  });
  const ledger = createMemoryLedger(ranges);
  const stretches: ListedVersion[][] = [];
  const unreliable: ListPage<ListedVersion> = async (request) => {
    await clock.sleep(20 + random() * 60);
    if (random() * 100 < throttled) throw new ReplicationError('throttled', 'SlowDown');
    return bucket.listPage(request);
  };
  const pace = createPace({ clock, most: workers });
  const listPage = patientListing(unreliable, { clock, pace, random });
  const run = runLocally({
    ranges,
    workers,
    limits: { prefix, pageSize },
    ports: {
      listPage,
      ledger,
      now: () => clock.now(),
      consumerOf:
        () =>
        async ({ entries }) => {
          await clock.sleep(random() * 30);
          stretches.push([...entries]);
          if (stretches.length >= stopAfter) run.stop();
          return null;
        },
    },
  });
  const isFinished = await clock.runUntil(run.finished);
  const expected = bucket.versions.filter(({ key }) => key.startsWith(prefix));
  return { stretches, expected, isFinished, open: ledger.open(), requests: bucket.requests };
};

const inOrder = (stretches: ListedVersion[][]): string[] =>
  stretches
    .filter((stretch) => stretch.length > 0)
    .toSorted((one, other) => {
      const order = compareKeys(one[0]?.key ?? '', other[0]?.key ?? '');
      // Several stretches may begin with the same key. They were consumed in order, and a stable sort keeps
      // that order.
      return order;
    })
    .flat()
    .map(identity);

test('every version is passed on exactly once and in order per key, however many workers list, split ranges and are slowed down', async () => {
  await fc.assert(
    fc.asyncProperty(scenes, async (scene) => {
      const { stretches, expected, isFinished, open } = await play(scene, [wholeRange()]);
      expect(inOrder(stretches)).toEqual(expected.map(identity));
      expect(isFinished).toBe(true);
      expect(open).toEqual([]);
    }),
    { numRuns: 150 },
  );
});

test('a stopped run resumes with the ranges that were left and consumes nothing twice', async () => {
  await fc.assert(
    fc.asyncProperty(scenes, fc.integer({ min: 1, max: 20 }), async (scene, stopAfter) => {
      const first = await play(scene, [wholeRange()], stopAfter);
      expect(first.isFinished).toBe(first.open.length === 0);
      const second = first.isFinished ? null : await play({ ...scene, seed: scene.seed + 1 }, first.open);
      expect(inOrder([...first.stretches, ...(second?.stretches ?? [])])).toEqual(
        first.expected.map(identity),
      );
      expect(second?.isFinished ?? true).toBe(true);
    }),
    { numRuns: 100 },
  );
});

test('a key with very many versions keeps one worker busy while other workers list the keys after it', async () => {
  const versions = [
    ...stackOf('a', 2_000),
    ...Array.from({ length: 2_000 }, (_, index) => stackOf(`b${String(10_000 + index)}`, 1)).flat(),
  ];
  const { stretches, expected, requests } = await play(
    { versions, mode: 'versions', workers: 4, pageSize: 20, seed: 1, throttled: 0, prefix: '' },
    [wholeRange()],
  );
  expect(inOrder(stretches)).toEqual(expected.map(identity));
  const firstOfStack = stretches.findIndex((stretch) => stretch[0]?.key === 'a');
  const lastOfStack = stretches.findLastIndex((stretch) => stretch[0]?.key === 'a');
  const others = stretches.slice(firstOfStack, lastOfStack).filter((stretch) => stretch[0]?.key !== 'a');
  expect(others.length).toBeGreaterThan(80);
  // The limit allows for short pages, because every fifth page of this bucket is shorter than requested.
  expect(requests).toBeLessThan(260 * 1.15);
});

test('a listing that makes no progress fails the run instead of being repeated forever', async () => {
  const clock = createSimulatedClock();
  const run = runLocally({
    ranges: [wholeRange()],
    workers: 2,
    limits: { prefix: '' },
    ports: {
      listPage: async ({ after }) => ({ entries: [], next: after }),
      ledger: createMemoryLedger([wholeRange()]),
      now: () => clock.now(),
      consumerOf: () => async () => null,
    },
  });
  await expect(clock.runUntil(run.finished)).rejects.toThrow('does not advance beyond');
});

test('a range that fails stops the other ranges, and the run fails with the error of that range', async () => {
  const clock = createSimulatedClock();
  const bucket = createMemoryListing({
    versions: Array.from({ length: 5_000 }, (_, index) => stackOf(String(100_000 + index), 1)).flat(),
    mode: 'objects',
  });
  const ledger = createMemoryLedger([wholeRange()]);
  let consumed = 0;
  const run = runLocally({
    ranges: [wholeRange()],
    workers: 4,
    limits: { prefix: '', pageSize: 10 },
    ports: {
      listPage: async (request) => {
        await clock.sleep(50);
        return bucket.listPage(request);
      },
      ledger,
      now: () => clock.now(),
      consumerOf: () => async () => {
        consumed += 1;
        if (consumed === 100) throw new ReplicationError('access-denied', 'no more');
        return null;
      },
    },
  });
  await expect(clock.runUntil(run.finished)).rejects.toThrow('no more');
  expect(consumed).toBeLessThan(110);
  expect(ledger.open().length).toBeGreaterThan(0);
});

test('a split that cannot be committed ends the work and leaves the range unchanged', async () => {
  const clock = createSimulatedClock();
  const versions = Array.from({ length: 500 }, (_, index) => stackOf(String(100_000 + index), 1)).flat();
  const bucket = createMemoryListing({ versions, mode: 'objects' });
  const memory = createMemoryLedger([wholeRange()]);
  const work = createRangeWork(
    wholeRange(),
    {
      listPage: async (request) => {
        await clock.sleep(50);
        return bucket.listPage(request);
      },
      ledger: {
        commit: async (commit) => {
          if (commit.children.length > 0) throw new ReplicationError('service-error', 'the table is away');
          return memory.commit(commit);
        },
      },
      now: () => clock.now(),
      consumerOf: () => async () => null,
    },
    { prefix: '', pageSize: 10 },
  );
  const end = work.run();
  const split = clock.sleep(175).then(() => work.split(4));
  await expect(clock.runUntil(split)).rejects.toThrow('the table is away');
  await expect(clock.runUntil(end)).rejects.toThrow('the table is away');
  expect(memory.open().map(({ from, upTo }) => ({ from, upTo }))).toEqual([{ from: '', upTo: null }]);
});
