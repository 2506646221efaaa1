/** The seed of random tests, which vitest.config.ts sets. A failing test prints it. Set PROPERTY_SEED to try another seed. */
export const PROPERTY_SEED = Number(process.env['PROPERTY_SEED']);

/** Selects one of every `oneIn` cases, because each case takes seconds. DRAW=all selects all cases, as `npm run test:soak` does. */
export const drawn = <T>(all: readonly T[], oneIn = 32): T[] =>
  all.filter((_, index) => process.env['DRAW'] === 'all' || (index + PROPERTY_SEED) % oneIn === 0);
