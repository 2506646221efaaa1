/** The seed of random tests, which vitest.config.ts sets. A failing test prints it. Set PROPERTY_SEED to try another seed. */
export const PROPERTY_SEED = Number(process.env['PROPERTY_SEED']);

/** Whether all cases run. `npm run test:soak` sets DRAW=all for the test files that it lists. Its short form lists fewer files. */
export const PLAYS_ALL = process.env['DRAW'] === 'all';

/** Selects one of every `oneIn` cases, because each case takes seconds. DRAW=all selects all cases. */
export const drawn = <T>(all: readonly T[], oneIn = 32): T[] =>
  all.filter((_, index) => PLAYS_ALL || (index + PROPERTY_SEED) % oneIn === 0);
