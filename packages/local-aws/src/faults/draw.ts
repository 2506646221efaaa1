import { createHash } from 'node:crypto';

/**
 * Returns a number of at least 0 and less than 1 that depends only on the arguments. So whether a call fails depends only on the call and
 * on how many equal calls came before. A single random sequence for all calls would make the faults of one key depend on the order of
 * requests for other keys.
 */
export const draw = (seed: number, ...about: (string | number)[]): number =>
  createHash('sha256')
    .update(JSON.stringify([seed, ...about]))
    .digest()
    .readUIntBE(0, 6) /
  2 ** 48;
