import { createHash } from 'node:crypto';

/**
 * Returns a number from 0 to below 1 that depends only on the arguments. So whether a fault happens depends only on the call and on the
 * number of such calls before it. With one random sequence for all calls, the faults of one key would change with the order of
 * requests for other keys.
 */
export const draw = (seed: number, ...about: (string | number)[]): number =>
  createHash('sha256')
    .update(JSON.stringify([seed, ...about]))
    .digest()
    .readUIntBE(0, 6) /
  2 ** 48;
