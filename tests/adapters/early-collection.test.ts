/** Seen to fail without the end of the growth. */
import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';

const MODULE = new URL('../../src/lib/aws/early-collection.ts', import.meta.url).href;

/** Objects that outlive a collection, which is what makes V8 give the young generation more room. Prints how much that was. */
const PROGRAM = `
import { Readable } from 'node:stream';
import { getHeapSpaceStatistics } from 'node:v8';
import { createEarlyCollection } from ${JSON.stringify(MODULE)};
const early = createEarlyCollection();
let kept = [];
for (let round = 0; round < 100; round += 1) {
  if (process.argv[1] === 'watched') early.watch(Readable.from([]));
  kept = [...kept.slice(-8), Array.from({ length: 200_000 }, (_, index) => ({ index, round }))];
}
const { space_used_size: used, space_available_size: free } = getHeapSpaceStatistics().find(
  (space) => space.space_name === 'new_space',
);
console.log(used + free);
`;

/** Bytes of the young generation, with the flags Lambda gives a function of 1,769 MB. */
const youngBytes = (how: 'watched' | 'alone'): number =>
  Number(
    execFileSync(process.execPath, ['--max-semi-space-size=88', '--input-type=module', '-e', PROGRAM, how], {
      encoding: 'utf8',
    }),
  );

test('the young generation stays small, however much room Lambda would give it', () => {
  expect(youngBytes('alone')).toBeGreaterThan(48 * 1024 ** 2);
  expect(youngBytes('watched')).toBeLessThanOrEqual(32 * 1024 ** 2);
});
