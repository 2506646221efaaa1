/** However much of the destination lies between two keys of the source, work on it can be handed back, and dies cheaply. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createSimulatedClock } from '../../bench/listing-clock.ts';
import { randomOf } from '../../bench/listing-keys.ts';
import { createComparison } from '../../src/lib/listing/comparison.ts';
import type { Difference } from '../../src/lib/listing/difference.ts';
import { compareKeys } from '../../src/lib/listing/key-order.ts';
import { createMemoryLedger, type Ledger } from '../../src/lib/listing/ledger.ts';
import type { ListedVersion, ListPage } from '../../src/lib/listing/page.ts';
import { parseRange, wholeRange } from '../../src/lib/listing/range.ts';
import { createRangeWork } from '../../src/lib/listing/range-work.ts';
import { passIf } from '../../src/lib/listing/counted-entries.ts';
import { stackOf } from './key-sets.ts';
import { createMemoryListing } from './memory-listing.ts';
import { byKey, expected, scenes, filtersOf, SOURCE_PREFIX } from './two-sides.ts';

class Crash extends Error {}

interface Sides {
  listSource: ListPage<ListedVersion>;
  listDestination: ListPage<ListedVersion>;
  sourcePrefix: string;
  destinationPrefix: string;
  filters: ReturnType<typeof filtersOf>;
  pageSize: number;
  /** Invocations at once. */
  workers: number;
  /** Milliseconds an invocation has. */
  timeMs: number;
  /** Of a hundred calls so many end the invocation, before or after they take effect. */
  crashes: number;
  seed: number;
}

/** Many invocations that know nothing of each other. `heed.committed`: what was found in a step that was committed. */
const play = async (sides: Sides, heed: { committed(found: Difference[]): void }) => {
  const { pageSize, sourcePrefix, destinationPrefix } = sides;
  const random = randomOf(sides.seed);
  const clock = createSimulatedClock();
  const memory = createMemoryLedger([wholeRange()]);
  const counts = {
    invocations: 0,
    interruptions: 0,
    found: 0,
    destinationPages: 0,
    sameKeys: 0,
    longestMs: 0,
  };

  const risky = async <T>(call: () => Promise<T>): Promise<T> => {
    const draw = random() * 100;
    await clock.sleep(20 + random() * 60);
    if (draw < sides.crashes / 2) throw new Crash();
    const answer = await call();
    if (draw < sides.crashes) throw new Crash();
    return answer;
  };

  const invoke = async (message: string): Promise<void> => {
    const beganMs = clock.now();
    let found: Difference[] = [];
    let sameKeys = 0;
    const ledger: Ledger = {
      commit: (commit) =>
        risky(async () => {
          const answer = await memory.commit(commit);
          if (answer === 'superseded' || commit.children.length > 0) return answer;
          heed.committed(found);
          counts.sameKeys += sameKeys;
          found = [];
          sameKeys = 0;
          return answer;
        }),
    };
    const consume = createComparison({
      mapping: { sourcePrefix, destinationPrefix },
      listDestination: (request) => {
        counts.destinationPages += 1;
        return risky(() => sides.listDestination(request));
      },
      pageSize,
      filters: sides.filters,
      report: async (findings) => {
        found.push(...findings.differences);
        counts.found += findings.differences.length;
        sameKeys += findings.sameKeys;
      },
    });
    const work = createRangeWork<ListedVersion>(
      parseRange(message),
      {
        listPage: (request) => risky(() => sides.listSource(request)),
        ledger,
        now: () => clock.now(),
        consumerOf: () => async (stretch, checkpoint) => {
          const carry = await consume(stretch, checkpoint);
          const parts = 1 + Math.floor(work.remainingPages());
          if (parts > 1 && random() < 0.5) await work.split(Math.min(parts, sides.workers));
          return carry;
        },
      },
      { prefix: sourcePrefix, pageSize, deadlineMs: beganMs + sides.timeMs },
    );
    const end = await work.run();
    if (end.kind !== 'finished' && end.kind !== 'ended') counts.interruptions += 1;
    counts.longestMs = Math.max(counts.longestMs, clock.now() - beganMs);
  };

  const underWay = new Set<string>();
  const worker = async (): Promise<void> => {
    while (memory.open().length > 0) {
      // Now and then a message comes twice.
      const open = memory.open().filter(({ from }) => !underWay.has(from) || random() < 0.05);
      const range = open[Math.floor(random() * open.length)];
      if (range === undefined) {
        await clock.sleep(50);
        continue;
      }
      underWay.add(range.from);
      counts.invocations += 1;
      try {
        await invoke(JSON.stringify(range));
      } catch (error) {
        if (!(error instanceof Crash)) throw error;
        counts.interruptions += 1;
      }
      underWay.delete(range.from);
    }
  };
  await clock.runUntil(Promise.all(Array.from({ length: sides.workers }, worker)));
  return counts;
};

test('what is committed is what a comparison in memory finds, each once, whatever crashes, is handed back or runs twice', async () => {
  const property = fc.asyncProperty(
    scenes,
    fc.constantFrom(400, 1_500, 1e9),
    fc.constantFrom(0, 3, 10),
    async (scene, timeMs, crashes) => {
      const { mode, pageSize, destinationPrefix, workers, seed } = scene;
      const committed: Difference[] = [];
      const source = createMemoryListing({ versions: scene.source, mode });
      const counts = await play(
        {
          listSource: source.listPage,
          listDestination: createMemoryListing({ versions: scene.destination, mode }).listPage,
          filters: filtersOf(scene),
          sourcePrefix: SOURCE_PREFIX,
          destinationPrefix,
          pageSize,
          workers,
          timeMs,
          crashes,
          seed,
        },
        { committed: (found) => void committed.push(...found) },
      );
      expect(byKey(committed)).toEqual(byKey(expected(scene)));
      const counted = ({ kind }: ListedVersion): boolean =>
        kind === 'object' || scene.deleteMarkers === 'compare';
      const keys = new Set(source.versions.filter(counted).map(({ key }) => key));
      expect(counts.sameKeys).toBe(keys.size - committed.filter(({ kind }) => kind !== 'extra').length);
      // A page of either side again, and the key that was open.
      const again = counts.found - committed.length;
      expect(again).toBeLessThanOrEqual(counts.interruptions * (2 * pageSize + 1));
    },
  );
  await fc.assert(property, { numRuns: 150 });
});

const nameOf = (rank: number): string => `extra-${String(rank).padStart(8, '0')}`;

/** So many keys, which are made when they are listed. */
const manyKeys =
  (count: number): ListPage<ListedVersion> =>
  async ({ after, maxKeys }) => {
    const rank = Number(after.key.slice('extra-'.length)) + 1;
    const start = compareKeys(after.key, nameOf(0)) < 0 ? 0 : rank;
    const length = Math.max(0, Math.min(maxKeys, count - start));
    const entries = Array.from({ length }, (_, index) => ({
      key: nameOf(start + index),
      kind: 'object' as const,
      versionId: null,
      isLatest: true,
      etag: '"e"',
      sizeBytes: 1,
      lastModifiedMs: 0,
      storageClass: 'STANDARD',
    }));
    const last = entries.at(-1);
    const isEnd = last === undefined || start + length >= count;
    return { entries, next: isEnd ? null : { key: last.key, versionId: null } };
  };

const objects = () => passIf(({ kind }) => kind === 'object');

test.each([
  [1_000_000, 'an empty source', []],
  [100_000, 'the last key of the source', ['a']],
  [100_000, 'two neighbouring keys of the source', ['a', 'z']],
])('%i keys beside %s are worked through by many invocations, each counted once', async (count, _, keys) => {
  let extras = 0;
  let lastKey = '';
  let isAscending = true;
  const source = createMemoryListing({ versions: keys.flatMap((key) => stackOf(key, 1)), mode: 'objects' });
  const counts = await play(
    {
      listSource: source.listPage,
      listDestination: manyKeys(count),
      sourcePrefix: '',
      destinationPrefix: '',
      filters: { source: objects, destination: objects },
      pageSize: 1_000,
      workers: 1,
      timeMs: 2_000,
      crashes: 1,
      seed: keys.length,
    },
    {
      committed: (found) => {
        for (const { kind, key } of found) {
          if (kind !== 'extra') continue;
          extras += 1;
          expect(key > lastKey).toBe(true);
          lastKey = key;
        }
      },
    },
  );
  expect(extras).toBe(count);
  expect(isAscending).toBe(true);
  expect(counts.longestMs).toBeLessThan(2_000);
  expect(counts.invocations).toBeGreaterThan(5);
  // One page again for each time it was taken over.
  expect(counts.destinationPages).toBeLessThanOrEqual(count / 1_000 + 2 * counts.invocations);
});

test('what the destination has of one key, and what does not count there, is no reason to work on without end', async () => {
  const destination = createMemoryListing({ versions: stackOf('k', 5_000), mode: 'versions' });
  const found: Difference[] = [];
  const counts = await play(
    {
      listSource: createMemoryListing({ versions: stackOf('k', 2), mode: 'versions' }).listPage,
      listDestination: destination.listPage,
      sourcePrefix: '',
      destinationPrefix: '',
      filters: { source: objects, destination: () => passIf(({ versionId }) => versionId === 'v5000') },
      pageSize: 10,
      workers: 1,
      timeMs: 2_000,
      crashes: 0,
      seed: 1,
    },
    { committed: (more) => void found.push(...more) },
  );
  expect(found).toHaveLength(1);
  expect(counts.longestMs).toBeLessThan(2_000);
  expect(counts.invocations).toBeGreaterThan(10);
  expect(counts.destinationPages).toBeLessThanOrEqual(500 + 2 * counts.invocations);
});
