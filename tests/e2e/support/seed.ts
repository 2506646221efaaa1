/** The seed of random tests. A failing test prints its seed. Set PROPERTY_SEED to that seed to repeat the run. */
export const PROPERTY_SEED = Number(process.env['PROPERTY_SEED'] ?? Date.now() % 2 ** 31);

/** Selects one of every `oneIn` cases, because each case takes seconds. DRAW=all selects all cases, as `npm run test:soak` does. */
export const drawn = <T>(all: readonly T[], oneIn = 8): T[] =>
  all.filter((_, index) => process.env['DRAW'] === 'all' || (index + PROPERTY_SEED) % oneIn === 0);
