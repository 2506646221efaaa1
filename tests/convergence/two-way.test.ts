/**
 * Two deployments that replicate two buckets into each other. The principal in the event, if there is one,
 * and the stamp on the replica stop the loop.
 *
 * To check the tests, these safeguards were removed from the code, and the tests in parentheses failed:
 * - the checks of the principal and of the stamp together, or only the check of the stamp (test 1)
 * - recognizing the original of a replica (test 1)
 * - looking at a destination to see whether a replica came from there (test 2)
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { KEYS } from '../model/history.ts';
import { playTwoWay, shows, twoWay } from '../model/two-way-world.ts';
import { propertyRuns, SEED } from '../model/seed.ts';

// Each run takes several times as long as a run in histories.test.ts.
const RUNS = Math.ceil(propertyRuns(240) / 4);

describe(`two-way replication (seed ${SEED}, ${RUNS} runs each)`, () => {
  test('two-way replication ends with equal buckets', async () => {
    await fc.assert(
      fc.asyncProperty(twoWay, fc.scheduler(), async (given, scheduler) => {
        const { left, right, deployments, undelivered } = await playTwoWay(given, 'ignore', scheduler);
        expect(undelivered).toEqual([]);
        expect(deployments.flatMap(({ quarantined }) => quarantined)).toEqual([]);
        for (const key of KEYS) expect(shows(right, key)).toEqual(shows(left, key));
      }),
      { numRuns: RUNS, seed: SEED },
    );
  });

  test('two-way replication ends even if both rules are mistakenly configured to replicate replicas', async () => {
    await fc.assert(
      fc.asyncProperty(twoWay, fc.scheduler(), async (given, scheduler) => {
        const { undelivered } = await playTwoWay(given, 'replicate', scheduler);
        expect(undelivered).toEqual([]);
      }),
      { numRuns: RUNS, seed: SEED },
    );
  });
});
