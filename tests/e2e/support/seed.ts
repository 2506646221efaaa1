/** Random tests print their seed when they fail; PROPERTY_SEED repeats one. */
export const PROPERTY_SEED = Number(process.env['PROPERTY_SEED'] ?? Date.now() % 2 ** 31);

/** One of so many of them by chance, where each takes seconds. All with DRAW=all, as in `npm run test:soak`. */
export const drawn = <T>(all: readonly T[], oneIn = 6): T[] =>
  all.filter((_, index) => process.env['DRAW'] === 'all' || (index + PROPERTY_SEED) % oneIn === 0);
