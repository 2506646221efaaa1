/** Setup of every test file: PROPERTY_SEED is the seed of all random tests, also of those that name none. */
const seed = process.env['PROPERTY_SEED'];
if (seed !== undefined) {
  const { default: fc } = await import('fast-check');
  fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: Number(seed) });
}
