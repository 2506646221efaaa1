import { createHash } from 'node:crypto';

/**
 * A number from 0 up to 1 that depends on its arguments only. Faults are drawn by what happens and how often it happened before,
 * not by one running sequence: so what befalls one key does not depend on how it interleaves with others.
 */
export const draw = (seed: number, ...about: (string | number)[]): number =>
  createHash('sha256')
    .update(JSON.stringify([seed, ...about]))
    .digest()
    .readUIntBE(0, 6) /
  2 ** 48;
