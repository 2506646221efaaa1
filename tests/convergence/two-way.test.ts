/**
 * Two deployments that replicate two buckets into each other. What stops the loop is the principal in the event where there is one,
 * and the stamp on the replica.
 *
 * Seen to fail without: both of these, or the stamp alone (comes to an end, and both sides …) · knowing the original of a replica again
 * (the same) · asking a destination whether a replica came from there (comes to an end too …).
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { KEYS } from '../model/history.ts';
import { playTwoWay, shows, twoWay } from '../model/two-way-world.ts';

// Each takes several times as long as a history does.
const RUNS = Math.ceil(Number(process.env['PROPERTY_RUNS'] ?? 400) / 4);
const SEED = Number(process.env['PROPERTY_SEED'] ?? Date.now() % 2 ** 31);

describe(`two-way replication (seed ${SEED}, ${RUNS} runs each)`, () => {
  test('comes to an end, and both sides are equal', async () => {
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

  test('comes to an end too where both rules say by mistake that replicas are to be replicated', async () => {
    await fc.assert(
      fc.asyncProperty(twoWay, fc.scheduler(), async (given, scheduler) => {
        const { undelivered } = await playTwoWay(given, 'replicate', scheduler);
        expect(undelivered).toEqual([]);
      }),
      { numRuns: RUNS, seed: SEED },
    );
  });
});
