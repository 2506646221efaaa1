/** Seen to fail without the end of the growth, and with an end that is for ever. */
import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';

const MODULE = new URL('../../src/lib/aws/s3/early-collection.ts', import.meta.url).href;

/** Objects that outlive a collection, which is what makes V8 give the young generation more room. Prints how much that was. */
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
// As V8 does by itself after some quiet seconds.
gc({ type: 'major', flavor: 'last-resort' });
console.log(JSON.stringify({ before, quiet: youngBytes(), after: work() }));
`;

/** Bytes of the young generation, with the flags Lambda gives a function of 1,769 MB. */
const youngBytes = (how: 'watched' | 'alone'): { before: number; quiet: number; after: number } =>
  JSON.parse(
    execFileSync(
      process.execPath,
      ['--max-semi-space-size=88', '--expose-gc', '--input-type=module', '-e', PROGRAM, how],
      { encoding: 'utf8' },
    ),
  );

const MIB = 1024 ** 2;

test('the young generation stays small, however much room Lambda would give it', () => {
  expect(youngBytes('alone').before).toBeGreaterThan(24 * MIB);
  expect(youngBytes('watched').before).toBeLessThanOrEqual(16 * MIB);
});

test('it grows again after V8 has made it smaller', () => {
  const { quiet, after } = youngBytes('watched');
  expect(quiet).toBeLessThan(4 * MIB);
  expect(after).toBeGreaterThanOrEqual(8 * MIB);
});
