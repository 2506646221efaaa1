/** Random tests print their seed when they fail; PROPERTY_SEED repeats one. */
export const PROPERTY_SEED = Number(process.env['PROPERTY_SEED'] ?? Date.now() % 2 ** 31);
