/** Many invocations that know nothing of each other, of which any may die at any point or run twice. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createSimulatedClock } from '../../bench/listing-clock.ts';
import { randomOf } from '../../bench/listing-keys.ts';
import { type Commit, createMemoryLedger, type Ledger } from '../../src/lib/listing/ledger.ts';
import type { ListedVersion } from '../../src/lib/listing/page.ts';
import { parseRange, type Range, wholeRange } from '../../src/lib/listing/range.ts';
import { createRangeWork, type RangeEnd } from '../../src/lib/listing/range-work.ts';
import type { Stretch } from '../../src/lib/listing/stretch.ts';
import { identity, versionsOf } from './key-sets.ts';
import { createMemoryListing } from './memory-listing.ts';

class Crash extends Error {}

interface Scene {
  versions: ListedVersion[];
  mode: 'objects' | 'versions';
  invocations: number;
  pageSize: number;
  seed: number;
  /** Milliseconds an invocation has. */
  timeMs: number;
  /** Of a hundred calls so many end the invocation, before or after they take effect. */
  crashes: number;
}

const scenes = fc.record<Scene>({
  versions: versionsOf(80),
  mode: fc.constantFrom('objects', 'versions'),
  invocations: fc.integer({ min: 1, max: 6 }),
  pageSize: fc.integer({ min: 1, max: 10 }),
  seed: fc.nat(),
  timeMs: fc.constantFrom(300, 900, 1e9),
  crashes: fc.constantFrom(0, 3, 10),
});

const sameMarker = (one: Range['after'], other: Range['after']): boolean =>
  one.key === other.key && one.versionId === other.versionId;

const play = async (scene: Scene) => {
  const random = randomOf(scene.seed);
  const clock = createSimulatedClock();
  const bucket = createMemoryListing(scene);
  const memory = createMemoryLedger([wholeRange()]);
  const consumed: ListedVersion[][] = [];
  const committed: ListedVersion[] = [];
  const endings: RangeEnd['kind'][] = [];
  const answers: string[] = [];
  let crashes = 0;
  let idle = 0;

  const risky = async <T>(call: () => Promise<T>): Promise<T> => {
    const draw = random() * 100;
    await clock.sleep(20 + random() * 60);
    if (draw < scene.crashes / 2) throw new Crash();
    const answer = await call();
    if (draw < scene.crashes) throw new Crash();
    return answer;
  };

  const invoke = async (message: string): Promise<void> => {
    const range = parseRange(message);
    /** Stretches handed on and not yet committed. */
    const pending: Stretch<ListedVersion>[] = [];
    const settle = ({ before, after }: Commit): void => {
      if (after !== null && sameMarker(before.after, after.after)) return;
      const index = pending.findIndex((stretch) => sameMarker(stretch.after, before.after));
      expect(index).not.toBe(-1);
      committed.push(...pending.splice(index, 1).flatMap(({ entries }) => [...entries]));
    };
    const ledger: Ledger = {
      commit: (commit) =>
        risky(async () => {
          const answer = await memory.commit(commit);
          answers.push(answer);
          if (answer !== 'superseded') settle(commit);
          return answer;
        }),
    };
    const work = createRangeWork(
      range,
      {
        listPage: (request) => risky(() => bucket.listPage(request)),
        ledger,
        now: () => clock.now(),
        consumerOf: () => async (stretch) => {
          await risky(async () => {
            pending.push(stretch);
            consumed.push([...stretch.entries]);
          });
          // After every page parts are cut off for those who are idle.
          const parts = Math.min(idle + 1, 1 + Math.floor(work.remainingPages()));
          if (parts > 1) await work.split(parts);
          return null;
        },
      },
      { prefix: '', pageSize: scene.pageSize, deadlineMs: clock.now() + scene.timeMs },
    );
    const end = await work.run();
    endings.push(end.kind);
  };

  /** Takes any open range, as its message may be delivered at any time: even while somebody else works on it. */
  const underWay = new Set<string>();
  const worker = async (): Promise<void> => {
    while (memory.open().length > 0) {
      const open = memory.open().filter(({ from }) => !underWay.has(from) || random() < 0.05);
      const range = open[Math.floor(random() * open.length)];
      if (range === undefined) {
        idle += 1;
        await clock.sleep(50);
        idle -= 1;
        continue;
      }
      underWay.add(range.from);
      try {
        await invoke(JSON.stringify(range));
      } catch (error) {
        if (!(error instanceof Crash)) throw error;
        crashes += 1;
      }
      underWay.delete(range.from);
    }
  };
  await clock.runUntil(Promise.all(Array.from({ length: scene.invocations }, worker)));
  return { consumed, committed, endings, answers, crashes, expected: bucket.versions };
};

const sorted = (versions: readonly ListedVersion[]): string[] => versions.map(identity).toSorted();

test('what is committed is every version exactly once, whatever crashes, is handed back or runs twice', async () => {
  await fc.assert(
    fc.asyncProperty(scenes, async (scene) => {
      const { consumed, committed, answers, endings, crashes, expected } = await play(scene);
      expect(sorted(committed)).toEqual(sorted(expected));
      expect(answers.filter((answer) => answer === 'ended')).toHaveLength(1);
      // The consumer sees a page again only where somebody died or two worked on the same range: at most two pages each time.
      const again = consumed.flat().length - expected.length;
      const interruptions = crashes + endings.filter((kind) => kind === 'superseded').length;
      expect(again).toBeLessThanOrEqual(interruptions * scene.pageSize);
      expect(again).toBeGreaterThanOrEqual(0);
    }),
    { numRuns: 200 },
  );
});

test('an invocation hands back what it has no time for, and the next one goes on from there', async () => {
  const scene = {
    versions: Array.from({ length: 500 }, (_, index) => version(index)),
    mode: 'objects' as const,
  };
  const result = await play({ ...scene, invocations: 1, pageSize: 10, seed: 1, timeMs: 1_000, crashes: 0 });
  expect(sorted(result.committed)).toEqual(sorted(result.expected));
  expect(result.consumed.flat()).toHaveLength(500);
  expect(result.endings.filter((kind) => kind === 'handed-back').length).toBeGreaterThan(3);
});

const version = (index: number): ListedVersion => ({
  key: `key-${String(index).padStart(5, '0')}`,
  kind: 'object',
  versionId: null,
  isLatest: true,
  etag: '"e"',
  sizeBytes: 1,
  lastModifiedMs: 0,
  storageClass: 'STANDARD',
});
