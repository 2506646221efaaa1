import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createSimulatedClock } from '../../bench/listing-clock.ts';
import { randomOf } from '../../bench/listing-keys.ts';
import { type ComparisonOptions, createComparison } from '../../src/lib/listing/comparison.ts';
import type { Difference } from '../../src/lib/listing/difference.ts';
import { compareVersions } from '../../src/lib/listing/compare-versions.ts';
import { createMemoryLedger, type Ledger } from '../../src/lib/listing/ledger.ts';
import type { ListedVersion } from '../../src/lib/listing/page.ts';
import { type Range, wholeRange } from '../../src/lib/listing/range.ts';
import { createRangeWork, type RangePorts } from '../../src/lib/listing/range-work.ts';
import { runLocally } from '../../src/lib/listing/run-locally.ts';
import { stackOf } from './key-sets.ts';
import { createMemoryListing } from './memory-listing.ts';
import { byKey, expected, type Scene, scenes, filtersOf, SOURCE_PREFIX } from './two-sides.ts';

class Died extends Error {}

const optionsOf = (scene: Scene, found: Difference[], same: { keys: number }): ComparisonOptions => ({
  mapping: { sourcePrefix: SOURCE_PREFIX, destinationPrefix: scene.destinationPrefix },
  listDestination: createMemoryListing({ versions: scene.destination, mode: scene.mode }).listPage,
  pageSize: scene.pageSize,
  filters: filtersOf(scene),
  report: async ({ differences, sameKeys }) => {
    found.push(...differences);
    same.keys += sameKeys;
  },
});

test('a comparison in parallel finds the same differences as a comparison in memory, each once', async () => {
  await fc.assert(
    fc.asyncProperty(scenes, async (scene) => {
      const clock = createSimulatedClock();
      const random = randomOf(scene.seed);
      const bucket = createMemoryListing({ versions: scene.source, mode: scene.mode });
      const found: Difference[] = [];
      const same = { keys: 0 };
      const run = runLocally({
        ranges: [wholeRange()],
        workers: scene.workers,
        limits: { prefix: SOURCE_PREFIX, pageSize: scene.pageSize },
        ports: {
          listPage: async (request) => {
            await clock.sleep(20 + random() * 60);
            return bucket.listPage(request);
          },
          ledger: createMemoryLedger([wholeRange()]),
          now: () => clock.now(),
          consumerOf: () => createComparison(optionsOf(scene, found, same)),
        },
      });
      await clock.runUntil(run.finished);
      expect(byKey(found)).toEqual(byKey(expected(scene)));
      const keys = new Set(
        bucket.versions
          .filter(({ kind }) => kind === 'object' || scene.deleteMarkers === 'compare')
          .map(({ key }) => key),
      );
      expect(same.keys).toBe(keys.size - found.filter(({ kind }) => kind !== 'extra').length);
    }),
    { numRuns: 150 },
  );
});

test('a comparison resumes at the point where another one stopped or crashed, even between the versions of a key', async () => {
  await fc.assert(
    fc.asyncProperty(scenes, async (scene) => {
      const random = randomOf(scene.seed);
      const bucket = createMemoryListing({ versions: scene.source, mode: scene.mode });
      const memory = createMemoryLedger([wholeRange()]);
      const found: Difference[] = [];
      for (let open: Range[] = memory.open(); open.length > 0; open = memory.open()) {
        const range: Range = JSON.parse(JSON.stringify(open[0]));
        const ledger: Ledger = {
          commit: async (commit) => {
            if (random() < 0.2) throw new Died();
            const answer = await memory.commit(commit);
            if (random() < 0.2) throw new Died();
            return answer;
          },
        };
        const consume = createComparison(optionsOf(scene, found, { keys: 0 }));
        const ports: RangePorts<ListedVersion> = {
          listPage: bucket.listPage,
          ledger,
          now: () => 0,
          consumerOf: () => consume,
        };
        await createRangeWork(range, ports, { prefix: SOURCE_PREFIX, pageSize: scene.pageSize })
          .run()
          .catch((error: unknown) => {
            if (!(error instanceof Died)) throw error;
          });
      }
      // A difference that was found before a crash is found a second time, so duplicates are removed.
      const once = [...new Map(found.map((difference) => [JSON.stringify(difference), difference])).values()];
      expect(byKey(once)).toEqual(byKey(expected(scene)));
    }),
    { numRuns: 150 },
  );
});

test('a key that only the destination has is found even if a range ends at exactly that key', async () => {
  const found: Difference[] = [];
  const consume = createComparison({
    mapping: { sourcePrefix: '', destinationPrefix: '' },
    listDestination: createMemoryListing({
      versions: ['b', 'c'].flatMap((key) => stackOf(key, 1)),
      mode: 'objects',
    }).listPage,
    report: async ({ differences }) => void found.push(...differences),
  });
  const through = { key: 'b', versionId: null };
  await consume(
    { entries: [], after: { key: '', versionId: null }, through, carry: null },
    async () => undefined,
  );
  expect(found.map(({ kind, key }) => `${kind} ${key}`)).toEqual(['extra b']);
});

test('keys that the rule excludes are neither missing nor extra', async () => {
  const found: Difference[] = [];
  const keys = ['a.jpg', 'b.txt', 'c.jpg'].flatMap((key) => stackOf(key, 1));
  const source = createMemoryListing({ versions: keys.slice(0, 2), mode: 'objects' });
  const consume = createComparison({
    mapping: { sourcePrefix: '', destinationPrefix: '' },
    listDestination: createMemoryListing({ versions: keys.slice(2), mode: 'objects' }).listPage,
    wants: (key) => key.endsWith('.txt'),
    report: async ({ differences }) => void found.push(...differences),
  });
  await consume(
    {
      entries: source.versions,
      after: { key: '', versionId: null },
      through: null,
      carry: null,
    },
    async () => undefined,
  );
  expect(found.map(({ kind, key }) => `${kind} ${key}`)).toEqual(['missing b.txt']);
});

test.each([
  [{}, 'same'],
  [{ storageClass: 'GLACIER', lastModifiedMs: 99_000 }, 'same'],
  [{ etag: '"another"' }, 'look'],
  [{ sizeBytes: 99 }, 'different'],
  [{ etag: '"another"', sizeBytes: 99 }, 'different'],
  [{ kind: 'delete-marker' }, 'different'],
] as const)('the verdict on a replica whose listing differs in %j is "%s"', (change, verdict) => {
  const [version] = stackOf('k', 1);
  if (version === undefined) throw new Error('no version');
  expect(compareVersions(version, { ...version, ...change })).toBe(verdict);
});
