/** One key that is overwritten many times in succession while eight functions replicate it. */
import { expect, test } from 'vitest';
import { isSubsequence } from '../model/history.ts';
import { playHotKey } from '../model/hot-key.ts';
import { SEED } from '../model/seed.ts';

/** How many times the key is overwritten. The soak test sets a higher number. */
const OVERWRITES = Number(process.env['HOT_KEY_OVERWRITES'] ?? 500);
const WORKERS = 8;

test.each([
  // Each version costs a listing, a look at the destination, a read and a write. In the worst case, every
  // function makes all of these calls.
  ['all', 5 * WORKERS],
  ['latest', 8],
] as const)(
  `in mode %s a hot key converges with at most %s calls for each overwrite (seed ${SEED})`,
  async (versions, most) => {
    const { source, replica, deployment, calls } = await playHotKey({
      overwrites: OVERWRITES,
      workers: WORKERS,
      versions,
      seed: SEED,
    });
    expect(deployment.waiting()).toEqual([]);
    expect(deployment.quarantined).toEqual([]);
    const contents = ({ versions: of }: typeof source) => of('k').map(({ bytes }) => bytes.toString());
    const [wanted, told] = [contents(source), contents(replica)];
    expect(told.at(-1)).toBe(wanted.at(-1));
    if (versions === 'all') expect(isSubsequence(wanted, told)).toBe(true);
    expect(calls / OVERWRITES).toBeLessThanOrEqual(most);
  },
);
