/**
 * Ranges that are listed by many invocations. The invocations share nothing but the ledger. Each of them may
 * crash at any call, and messages may be delivered twice.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createSimulatedClock } from '../../bench/listing-clock.ts';
import { randomOf } from '../../bench/listing-keys.ts';
import { type Commit, type Committed, createMemoryLedger } from '../../src/lib/listing/ledger.ts';
import type { ListedVersion } from '../../src/lib/listing/page.ts';
import { parseRange, type Range, wholeRange } from '../../src/lib/listing/range.ts';
import { createRangeWork, type RangeEnd, type RangeWork } from '../../src/lib/listing/range-work.ts';
import type { Stretch } from '../../src/lib/listing/stretch.ts';
import { invokeUntilDone, type InvocationCounts, riskyCalls, type Simulation } from './invocations.ts';
import { identity, versionsOf } from './key-sets.ts';
import { createMemoryListing } from './memory-listing.ts';

interface Scene {
  versions: ListedVersion[];
  mode: 'objects' | 'versions';
  invocations: number;
  pageSize: number;
  seed: number;
  /** How many milliseconds an invocation has. */
  timeMs: number;
  /**
   * How many of a hundred calls crash their invocation. Half of them crash before the call takes effect, the
   * others after it.
   */
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

/** What all invocations together did. */
interface Played {
  /** The entries of each stretch that a consumer received. */
  consumed: ListedVersion[][];
  committed: ListedVersion[];
  endings: RangeEnd['kind'][];
  /** The results of the ledger's commits. */
  answers: string[];
}

const play = async (scene: Scene) => {
  const simulation = {
    clock: createSimulatedClock(),
    random: randomOf(scene.seed),
    crashes: scene.crashes,
    ledger: createMemoryLedger([wholeRange()]),
    workers: scene.invocations,
  };
  const bucket = createMemoryListing(scene);
  const played: Played = { consumed: [], committed: [], endings: [], answers: [] };
  const counts = { invocations: 0, crashes: 0, idle: 0 };
  await invokeUntilDone(simulation, counts, async (message) => {
    const end = await invoke(message, { scene, simulation, bucket, played, counts });
    played.endings.push(end.kind);
  });
  return { ...played, crashes: counts.crashes, expected: bucket.versions };
};

interface Stage {
  scene: Scene;
  simulation: Simulation;
  bucket: ReturnType<typeof createMemoryListing>;
  played: Played;
  counts: InvocationCounts;
}

const invoke = (message: string, stage: Stage): Promise<RangeEnd> => {
  const { scene, simulation, bucket, played, counts } = stage;
  const { clock } = simulation;
  const risky = riskyCalls(simulation);
  /** Stretches that the consumer has received and that are not committed yet. */
  const pending: Stretch<ListedVersion>[] = [];
  const work: RangeWork = createRangeWork<ListedVersion>(
    parseRange(message),
    {
      listPage: (request) => risky(() => bucket.listPage(request)),
      ledger: { commit: (commit) => risky(() => commitAndNote(commit, pending, stage)) },
      now: () => clock.now(),
      consumerOf: () => async (stretch) => {
        await risky(async () => {
          pending.push(stretch);
          played.consumed.push([...stretch.entries]);
        });
        // After each page, the rest of the range is split if there are idle workers.
        const parts = Math.min(counts.idle + 1, 1 + Math.floor(work.remainingPages()));
        if (parts > 1) await work.split(parts);
        return null;
      },
    },
    { prefix: '', pageSize: scene.pageSize, deadlineMs: clock.now() + scene.timeMs },
  );
  return work.run();
};

const commitAndNote = async (
  commit: Commit,
  pending: Stretch<ListedVersion>[],
  { simulation, played }: Stage,
): Promise<Committed> => {
  const answer = await simulation.ledger.commit(commit);
  played.answers.push(answer);
  const { before, after } = commit;
  if (answer === 'superseded' || (after !== null && sameMarker(before.after, after.after))) return answer;
  const index = pending.findIndex((stretch) => sameMarker(stretch.after, before.after));
  expect(index).not.toBe(-1);
  played.committed.push(...pending.splice(index, 1).flatMap(({ entries }) => [...entries]));
  return answer;
};

const sorted = (versions: readonly ListedVersion[]): string[] => versions.map(identity).toSorted();

test('a listing commits every version exactly once, although invocations crash, hand back ranges or run twice', async () => {
  await fc.assert(
    fc.asyncProperty(scenes, async (scene) => {
      const { consumed, committed, answers, endings, crashes, expected } = await play(scene);
      expect(sorted(committed)).toEqual(sorted(expected));
      expect(answers.filter((answer) => answer === 'ended')).toHaveLength(1);
      // The consumer receives entries a second time only after a crash, or if two invocations worked on the
      // same range. Each time, it receives at most one page again.
      const again = consumed.flat().length - expected.length;
      const interruptions = crashes + endings.filter((kind) => kind === 'superseded').length;
      expect(again).toBeLessThanOrEqual(interruptions * scene.pageSize);
      expect(again).toBeGreaterThanOrEqual(0);
    }),
    { numRuns: 200 },
  );
});

test('an invocation hands back the rest of a range that it has no time for, and the next invocation resumes there', async () => {
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
