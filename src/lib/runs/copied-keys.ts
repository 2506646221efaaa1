/** The limits of the counters of copied keys, for the table of runs and for a copy from a shell. */
import type { CopiedKey } from './run.ts';

/** How many of the largest and slowest copies are kept. */
const KEPT_KEYS = 10;

/** How long an interval is. Each interval has counters of finished keys, of failed keys and of bytes. */
export const COUNTED_MS = 60_000;

export const firstOf = (keys: CopiedKey[], by: 'bytes' | 'durationMs'): CopiedKey[] =>
  keys.toSorted((one, other) => other[by] - one[by]).slice(0, KEPT_KEYS);
