/**
 * The titles of random tests contain this seed, which vitest.config.ts sets. Set PROPERTY_SEED to try another seed. PROPERTY_RUNS
 * sets how many random cases each property tries.
 */
export const SEED = Number(process.env['PROPERTY_SEED']);

export const propertyRuns = (byDefault: number): number => Number(process.env['PROPERTY_RUNS'] ?? byDefault);
