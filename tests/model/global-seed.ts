/**
 * Setup of every test file. If PROPERTY_SEED is set, it is the seed of all random tests, including those
 * whose titles name no seed.
 */
const seed = process.env['PROPERTY_SEED'];
if (seed !== undefined) {
  const { default: fc } = await import('fast-check');
  fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: Number(seed) });
}
