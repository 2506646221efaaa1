/**
 * Comparisons in which many keys of the destination lie between two keys of the source. An invocation can
 * still stop in time and hand back its range, and only little work is repeated after a crash.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createSimulatedClock } from '../../bench/listing-clock.ts';
import { randomOf } from '../../bench/listing-keys.ts';
import { createComparison } from '../../src/lib/listing/comparison.ts';
import type { ComparedKeys, Difference } from '../../src/lib/listing/difference.ts';
import { compareKeys } from '../../src/lib/listing/key-order.ts';
import { createMemoryLedger, type Ledger } from '../../src/lib/listing/ledger.ts';
import type { ListedVersion, ListPage } from '../../src/lib/listing/page.ts';
import { parseRange, wholeRange } from '../../src/lib/listing/range.ts';
import { createRangeWork, type RangeEnd, type RangeWork } from '../../src/lib/listing/range-work.ts';
import { passIf } from '../../src/lib/listing/counted-entries.ts';
import { invokeUntilDone, type InvocationCounts, riskyCalls, type Simulation } from './invocations.ts';
import { stackOf } from './key-sets.ts';
import { createMemoryListing } from './memory-listing.ts';
import { byKey, expected, scenes, filtersOf, SOURCE_PREFIX } from './two-sides.ts';

interface Sides {
  listSource: ListPage<ListedVersion>;
  listDestination: ListPage<ListedVersion>;
  sourcePrefix: string;
  destinationPrefix: string;
  filters: ReturnType<typeof filtersOf>;
  pageSize: number;
  /** How many invocations run at the same time. */
  workers: number;
  /** How many milliseconds an invocation has. */
  timeMs: number;
  /**
   * How many of a hundred calls crash their invocation. Half of them crash before the call takes effect, the
   * others after it.
   */
  crashes: number;
  seed: number;
}

interface Counts extends InvocationCounts {
  /** How many invocations did not reach the end of their range. */
  interruptions: number;
  /** How many differences were found, including those that were found more than once. */
  found: number;
  destinationPages: number;
  sameKeys: number;
  /** How long the longest invocation took. */
  longestMs: number;
}

/**
 * Compares the two sides. Each time a step is committed, `committed` receives the differences of that step.
 */
const play = async (sides: Sides, committed: (found: Difference[]) => void): Promise<Counts> => {
  const counts: Counts = {
    invocations: 0,
    crashes: 0,
    idle: 0,
    interruptions: 0,
    found: 0,
    destinationPages: 0,
    sameKeys: 0,
    longestMs: 0,
  };
  const simulation = {
    clock: createSimulatedClock(),
    random: randomOf(sides.seed),
    crashes: sides.crashes,
    ledger: createMemoryLedger([wholeRange()]),
    workers: sides.workers,
  };
  await invokeUntilDone(simulation, counts, async (message) => {
    const beganMs = simulation.clock.now();
    const end = await invoke(message, { sides, simulation, counts, committed });
    if (end.kind !== 'finished' && end.kind !== 'ended') counts.interruptions += 1;
    counts.longestMs = Math.max(counts.longestMs, simulation.clock.now() - beganMs);
  });
  counts.interruptions += counts.crashes;
  return counts;
};

interface Stage {
  sides: Sides;
  simulation: Simulation;
  counts: Counts;
  committed: (found: Difference[]) => void;
}

const invoke = (message: string, { sides, simulation, counts, committed }: Stage): Promise<RangeEnd> => {
  const { clock, random, ledger } = simulation;
  const { pageSize, sourcePrefix, destinationPrefix } = sides;
  const risky = riskyCalls(simulation);
  let step: ComparedKeys = { differences: [], sameKeys: 0 };
  const commit: Ledger['commit'] = async (next) => {
    const answer = await ledger.commit(next);
    if (answer === 'superseded' || next.children.length > 0) return answer;
    committed(step.differences);
    counts.sameKeys += step.sameKeys;
    step = { differences: [], sameKeys: 0 };
    return answer;
  };
  const consume = createComparison({
    mapping: { sourcePrefix, destinationPrefix },
    listDestination: (request) => {
      counts.destinationPages += 1;
      return risky(() => sides.listDestination(request));
    },
    pageSize,
    filters: sides.filters,
    report: async ({ differences, sameKeys }) => {
      step.differences.push(...differences);
      step.sameKeys += sameKeys;
      counts.found += differences.length;
    },
  });
  const work: RangeWork = createRangeWork<ListedVersion>(
    parseRange(message),
    {
      listPage: (request) => risky(() => sides.listSource(request)),
      ledger: { commit: (next) => risky(() => commit(next)) },
      now: () => clock.now(),
      consumerOf: () => async (stretch, checkpoint) => {
        const carry = await consume(stretch, checkpoint);
        const parts = 1 + Math.floor(work.remainingPages());
        if (parts > 1 && random() < 0.5) await work.split(Math.min(parts, sides.workers));
        return carry;
      },
    },
    { prefix: sourcePrefix, pageSize, deadlineMs: clock.now() + sides.timeMs },
  );
  return work.run();
};

test('a run commits the same differences as a comparison in memory, each once, although invocations crash, hand back ranges or run twice', async () => {
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
        (found) => void committed.push(...found),
      );
      expect(byKey(committed)).toEqual(byKey(expected(scene)));
      const counted = ({ kind }: ListedVersion): boolean =>
        kind === 'object' || scene.deleteMarkers === 'compare';
      const keys = new Set(source.versions.filter(counted).map(({ key }) => key));
      expect(counts.sameKeys).toBe(keys.size - committed.filter(({ kind }) => kind !== 'extra').length);
      // After an interruption, at most one page of each side is compared again, together with the key that
      // was not yet complete.
      const again = counts.found - committed.length;
      expect(again).toBeLessThanOrEqual(counts.interruptions * (2 * pageSize + 1));
    },
  );
  await fc.assert(property, { numRuns: 150 });
});

const nameOf = (rank: number): string => `extra-${String(rank).padStart(8, '0')}`;

/** Returns a listing of `count` keys. The keys are created when they are listed. */
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
])('many invocations together count each of %i extra keys beside %s once', async (count, _, keys) => {
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
    (found) => {
      for (const { kind, key } of found) {
        if (kind !== 'extra') continue;
        extras += 1;
        isAscending &&= key > lastKey;
        lastKey = key;
      }
    },
  );
  expect(extras).toBe(count);
  expect(isAscending).toBe(true);
  expect(counts.longestMs).toBeLessThan(2_000);
  expect(counts.invocations).toBeGreaterThan(5);
  // Each invocation that takes over a range lists at most two pages again.
  expect(counts.destinationPages).toBeLessThanOrEqual(count / 1_000 + 2 * counts.invocations);
});

test('an invocation ends in time although one key has many versions at the destination, counted or not', async () => {
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
    (more) => void found.push(...more),
  );
  expect(found).toHaveLength(1);
  expect(counts.longestMs).toBeLessThan(2_000);
  expect(counts.invocations).toBeGreaterThan(10);
  expect(counts.destinationPages).toBeLessThanOrEqual(500 + 2 * counts.invocations);
});
