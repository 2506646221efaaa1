/**
 * Two deployments that replicate two buckets into each other. The principal in the event, if there is one,
 * and the stamp on the replica stop the loop.
 *
 * To check the tests, these safeguards were removed from the code, and the tests in parentheses failed:
 * - the checks of the principal and of the stamp together, or only the check of the stamp (test 1)
 * - recognizing the original of a replica (test 1)
 * - looking at a destination to see whether a replica came from there (test 2)
 * - the proof that a delete hides only a replica, or the original of a deleted replica (tests 1 and 3)
 * - the return of what an older state has covered (test 4)
 * - the wait of a delete that S3 may have taken for another object (test 4, once in some thousand histories)
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { KEYS } from '../model/history.ts';
import { playTwoWay, shows, type TwoWay, twoWay, type TwoWayWorld } from '../model/two-way-world.ts';
import { propertyRuns, SEED } from '../model/seed.ts';

// Each run takes several times as long as a run in histories.test.ts.
const RUNS = Math.ceil(propertyRuns(120) / 4);

const property = async (
  given: fc.Arbitrary<TwoWay>,
  check: (world: TwoWayWorld, given: TwoWay) => void,
): Promise<void> =>
  await fc.assert(
    fc.asyncProperty(given, fc.scheduler(), async (each, scheduler) => {
      const world = await playTwoWay(each, scheduler);
      expect(world.undelivered).toEqual([]);
      expect(world.deployments.flatMap(({ quarantined }) => quarantined)).toEqual([]);
      check(world, each);
    }),
    { numRuns: RUNS, seed: SEED },
  );

/** A put must never end under a delete marker that no user wrote after it. */
const expectPutsVisible = ({ left, right, last }: TwoWayWorld): void => {
  for (const [key, { at, kind }] of last)
    if (kind === 'put') expect((at === 'left' ? left : right).current(key)).not.toBeNull();
};

describe(`two-way replication (seed ${SEED}, ${RUNS} runs each)`, () => {
  test('two-way replication of versioned buckets ends with equal buckets that show the last write, with runs in between', async () => {
    const given = twoWay({ replicas: ['ignore'], versioned: true, runs: ['between'] });
    await property(given, (world) => {
      expectPutsVisible(world);
      for (const key of KEYS) expect(shows(world.right, key)).toEqual(shows(world.left, key));
      for (const [key, { at, kind, mark }] of world.last)
        expect(shows(world[at], key)?.write).toBe(kind === 'put' ? mark : undefined);
    });
  });

  test('two-way replication of any buckets ends with equal buckets, unless a delete cannot be proven', async () => {
    await property(twoWay({ replicas: ['ignore'] }), (world) => {
      expectPutsVisible(world);
      const unproven = world.deployments
        .flatMap(({ records }) => records)
        .filter((each) => 'outcome' in each && each.outcome === 'not-ours')
        .map(({ key }) => key);
      for (const key of KEYS)
        if (!unproven.includes(key)) expect(shows(world.right, key)).toEqual(shows(world.left, key));
    });
  });

  test('no put ends under a delete marker that no user wrote after it, whatever the sides say about replicas, and with runs at any time', async () => {
    const given = twoWay({ replicas: ['ignore', 'replicate'], versioned: true, runs: ['during', 'between'] });
    await property(given, expectPutsVisible);
  });

  test('both sides end with the last put, if one key gets the same content again and again, and with runs at any time', async () => {
    const given = twoWay({ replicas: ['ignore'], versioned: true, runs: ['during'], contested: true });
    await property(given, (world) => {
      for (const [key, { kind, mark }] of world.last)
        if (kind === 'put')
          expect([world.left, world.right].map((side) => shows(side, key)?.write)).toEqual([mark, mark]);
    });
  });

  test('two-way replication ends even if both rules are mistakenly configured to replicate replicas', async () => {
    await property(twoWay({ replicas: ['replicate'] }), () => undefined);
  });
});
