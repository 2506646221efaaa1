/**
 * The titles of random tests contain this seed. To repeat a run, set PROPERTY_SEED to its seed. PROPERTY_RUNS
 * sets how many random cases each property tries.
 */
export const SEED = Number(process.env['PROPERTY_SEED'] ?? Date.now() % 2 ** 31);

export const propertyRuns = (byDefault: number): number => Number(process.env['PROPERTY_RUNS'] ?? byDefault);
