/**
 * Early garbage collection, which keeps the young generation of V8 small. These tests fail if nothing limits
 * the growth of that generation. They also fail if the generation never grows again after V8 has shrunk it.
 */
import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';

const MODULE = new URL('../../src/lib/aws/s3/client/early-collection.ts', import.meta.url).href;

/**
 * A program that creates objects that survive a collection, so that V8 enlarges the young generation. It
 * prints the size of that generation.
 */
const PROGRAM = `
import { Readable } from 'node:stream';
import { getHeapSpaceStatistics } from 'node:v8';
import { createEarlyCollection } from ${JSON.stringify(MODULE)};
const early = createEarlyCollection();
let kept = [];
const work = () => {
  for (let round = 0; round < 30; round += 1) {
    if (process.argv[1] === 'watched') early.watch(Readable.from([]));
    kept = [...kept.slice(-8), Array.from({ length: 200_000 }, (_, index) => ({ index, round }))];
  }
  return youngBytes();
};
const youngBytes = () => {
  const { space_used_size: used, space_available_size: free } = getHeapSpaceStatistics().find(
    (space) => space.space_name === 'new_space',
  );
  return used + free;
};
const before = work();
// V8 does this by itself after some quiet seconds.
gc({ type: 'major', flavor: 'last-resort' });
console.log(JSON.stringify({ before, quiet: youngBytes(), after: work() }));
`;

/**
 * Runs the program with the flag that Lambda sets for a function of 1,769 MB. Returns the size of the young
 * generation in bytes.
 */
const youngBytes = (how: 'watched' | 'alone'): { before: number; quiet: number; after: number } =>
  JSON.parse(
    execFileSync(
      process.execPath,
      ['--max-semi-space-size=88', '--expose-gc', '--input-type=module', '-e', PROGRAM, how],
      { encoding: 'utf8' },
    ),
  );

const MIB = 1024 ** 2;

test('early collection keeps the young generation small, although Lambda would let it grow, and lets it grow again after V8 has shrunk it', () => {
  expect(youngBytes('alone').before).toBeGreaterThan(24 * MIB);
  const { before, quiet, after } = youngBytes('watched');
  expect(before).toBeLessThanOrEqual(16 * MIB);
  expect(quiet).toBeLessThan(4 * MIB);
  expect(after).toBeGreaterThanOrEqual(8 * MIB);
});
