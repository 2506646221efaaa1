import { createHash } from 'node:crypto';

/**
 * Returns a number from 0 to below 1 that depends only on the arguments. A random number for a fault depends on its occasion and the
 * number of earlier occasions. It does not come from a common sequence, in which the faults of one key would depend on the order of
 * requests for other keys.
 */
export const draw = (seed: number, ...about: (string | number)[]): number =>
  createHash('sha256')
    .update(JSON.stringify([seed, ...about]))
    .digest()
    .readUIntBE(0, 6) /
  2 ** 48;
