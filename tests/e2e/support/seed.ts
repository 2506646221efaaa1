/** The seed of random tests, which they print when they fail. PROPERTY_SEED repeats a run. */
export const PROPERTY_SEED = Number(process.env['PROPERTY_SEED'] ?? Date.now() % 2 ** 31);

/** Draws one in `oneIn` cases, for cases that take seconds each. DRAW=all selects all of them, as `npm run test:soak` does. */
export const drawn = <T>(all: readonly T[], oneIn = 8): T[] =>
  all.filter((_, index) => process.env['DRAW'] === 'all' || (index + PROPERTY_SEED) % oneIn === 0);
