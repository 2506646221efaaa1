import { createHash } from 'node:crypto';

/**
 * A number from 0 up to 1 that depends only on its arguments. A fault is drawn by the occasion and the number of earlier
 * occasions, not from one running sequence, so that the faults of one key do not depend on its interleaving with other keys.
 */
export const draw = (seed: number, ...about: (string | number)[]): number =>
  createHash('sha256')
    .update(JSON.stringify([seed, ...about]))
    .digest()
    .readUIntBE(0, 6) /
  2 ** 48;
