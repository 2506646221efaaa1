import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createSimulatedClock } from '../../bench/listing-clock.ts';
import { randomOf } from '../../bench/listing-keys.ts';
import {
  type ComparisonOptions,
  createComparison,
  type Difference,
} from '../../src/lib/listing/comparison.ts';
import { compareVersions } from '../../src/lib/listing/compare-versions.ts';
import { createMemoryLedger, type Ledger } from '../../src/lib/listing/ledger.ts';
import type { ListedVersion } from '../../src/lib/listing/page.ts';
import { type Range, wholeRange } from '../../src/lib/listing/range.ts';
import { createRangeWork, type RangePorts } from '../../src/lib/listing/range-work.ts';
import { runLocally } from '../../src/lib/listing/run-locally.ts';
import { stackOf, versionsOf } from './key-sets.ts';
import { createMemoryListing } from './memory-listing.ts';

interface Scene {
  source: ListedVersion[];
  destination: ListedVersion[];
  mode: 'objects' | 'versions';
  deleteMarkers: 'compare' | 'ignore';
  destinationPrefix: string;
  workers: number;
  pageSize: number;
  seed: number;
}

const SOURCE_PREFIX = 'in/';

/** The destination as a replicator may have left it: some keys missing, some histories cut short, some changed, some of its own. */
const scenes: fc.Arbitrary<Scene> = fc
  .record({
    versions: versionsOf(30),
    mode: fc.constantFrom<Scene['mode'][]>('objects', 'versions'),
    deleteMarkers: fc.constantFrom<Scene['deleteMarkers'][]>('compare', 'ignore'),
    destinationPrefix: fc.constantFrom('in/', '', 'elsewhere/', '😀'.repeat(200)),
    workers: fc.integer({ min: 1, max: 6 }),
    pageSize: fc.integer({ min: 1, max: 10 }),
    seed: fc.nat(),
  })
  .map(({ versions, ...scene }) => {
    const random = randomOf(scene.seed);
    const stacks = Map.groupBy(versions, ({ key }) => key);
    const source: ListedVersion[] = [];
    const destination: ListedVersion[] = [];
    for (const [key, stack] of stacks) {
      const draw = random();
      const kept = draw < 0.1 ? [] : draw < 0.3 ? stack.slice(0, Math.ceil(random() * stack.length)) : stack;
      const renamed = (prefix: string, each: ListedVersion): ListedVersion => ({
        ...each,
        key: prefix + key,
      });
      // Versions may expire at the source alone.
      const left = draw > 0.8 ? stack.slice(0, Math.ceil(random() * stack.length)) : stack;
      if (draw < 0.9) source.push(...left.map((each) => renamed(SOURCE_PREFIX, each)));
      destination.push(
        ...kept.map((each) => {
          const change = random();
          const { etag, sizeBytes } = each;
          return {
            ...renamed(scene.destinationPrefix, each),
            etag: change < 0.05 && etag !== '' ? '"other"' : etag,
            sizeBytes: change < 0.02 && etag !== '' ? sizeBytes + 1 : sizeBytes,
          };
        }),
      );
    }
    const short = ({ key }: ListedVersion): boolean => Buffer.byteLength(key) <= 1_024;
    return { ...scene, source: source.filter(short), destination: destination.filter(short) };
  });

/** What a comparison must find, worked out with everything in memory. */
const expected = ({ source, destination, mode, deleteMarkers, destinationPrefix }: Scene): Difference[] => {
  const listed = (version: ListedVersion): boolean =>
    (mode === 'versions' || (version.isLatest && version.kind === 'object')) &&
    (deleteMarkers === 'compare' || version.kind === 'object');
  const bare = (versions: ListedVersion[], prefix: string) =>
    Map.groupBy(versions.filter(listed), ({ key }) => key.slice(prefix.length));
  const left = bare(source, SOURCE_PREFIX);
  const right = bare(destination, destinationPrefix);
  const found: Difference[] = [];
  for (const name of new Set([...left.keys(), ...right.keys()])) {
    const [ours, theirs] = [left.get(name) ?? [], right.get(name) ?? []];
    const missingVersions = Math.max(0, ours.length - theirs.length);
    const sizeBytes = (ours.length > 0 ? ours : theirs).reduce((sum, each) => sum + each.sizeBytes, 0);
    const facts = { key: SOURCE_PREFIX + name, sizeBytes, missingVersions };
    const verdicts = ours
      .slice(0, theirs.length)
      .map((each, index) => compareVersions(each, theirs[index] ?? each));
    const verdict = verdicts.find((each) => each !== 'same');
    if (ours.length === 0) found.push({ kind: 'extra', ...facts });
    else if (theirs.length === 0) found.push({ kind: 'missing', ...facts });
    else if (verdict !== undefined) found.push({ kind: verdict, ...facts });
    else if (missingVersions > 0) found.push({ kind: 'history-shorter', ...facts });
  }
  return found;
};

const byKey = (differences: Difference[]): Difference[] =>
  differences.toSorted((one, other) => Buffer.compare(Buffer.from(one.key), Buffer.from(other.key)));

const optionsOf = (scene: Scene, found: Difference[], same: { keys: number }): ComparisonOptions => ({
  mapping: { sourcePrefix: SOURCE_PREFIX, destinationPrefix: scene.destinationPrefix },
  listDestination: createMemoryListing({ versions: scene.destination, mode: scene.mode }).listPage,
  pageSize: scene.pageSize,
  deleteMarkers: scene.deleteMarkers,
  report: async ({ differences, sameKeys }) => {
    found.push(...differences);
    same.keys += sameKeys;
  },
});

test('a comparison in parallel finds what a comparison in memory finds, each once', async () => {
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

test('a comparison goes on where another was stopped or died, even between the versions of a key', async () => {
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
            if (random() < 0.2) throw new Error('died before');
            const answer = await memory.commit(commit);
            if (random() < 0.2) throw new Error('died after');
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
          .catch(() => undefined);
      }
      // What was found before it died is found again.
      const once = [...new Map(found.map((difference) => [JSON.stringify(difference), difference])).values()];
      expect(byKey(once)).toEqual(byKey(expected(scene)));
    }),
    { numRuns: 150 },
  );
});

test('a key only the destination has is found where a range ends at just that key', async () => {
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
  await consume({ entries: [], after: { key: '', versionId: null }, through, carry: null });
  expect(found.map(({ kind, key }) => `${kind} ${key}`)).toEqual(['extra b']);
});

test('keys the rule does not want are neither missing nor extra', async () => {
  const found: Difference[] = [];
  const keys = ['a.jpg', 'b.txt', 'c.jpg'].flatMap((key) => stackOf(key, 1));
  const source = createMemoryListing({ versions: keys.slice(0, 2), mode: 'objects' });
  const consume = createComparison({
    mapping: { sourcePrefix: '', destinationPrefix: '' },
    listDestination: createMemoryListing({ versions: keys.slice(2), mode: 'objects' }).listPage,
    wants: (key) => key.endsWith('.txt'),
    report: async ({ differences }) => void found.push(...differences),
  });
  await consume({
    entries: source.versions,
    after: { key: '', versionId: null },
    through: null,
    carry: null,
  });
  expect(found.map(({ kind, key }) => `${kind} ${key}`)).toEqual(['missing b.txt']);
});

test.each([
  [{}, 'same'],
  [{ storageClass: 'GLACIER', lastModifiedMs: 99_000 }, 'same'],
  [{ etag: '"another"' }, 'look'],
  [{ sizeBytes: 99 }, 'different'],
  [{ etag: '"another"', sizeBytes: 99 }, 'different'],
  [{ kind: 'delete-marker' }, 'different'],
] as const)('a replica that differs in %j is %s', (change, verdict) => {
  const [version] = stackOf('k', 1);
  if (version === undefined) throw new Error('no version');
  expect(compareVersions(version, { ...version, ...change })).toBe(verdict);
});
