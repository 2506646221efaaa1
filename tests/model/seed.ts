/** Random tests name their seed in their titles. PROPERTY_SEED repeats it; PROPERTY_RUNS sets how many random cases each property tries. */
export const SEED = Number(process.env['PROPERTY_SEED'] ?? Date.now() % 2 ** 31);

export const propertyRuns = (byDefault: number): number => Number(process.env['PROPERTY_RUNS'] ?? byDefault);
