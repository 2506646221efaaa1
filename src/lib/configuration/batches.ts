import type { Finding } from './problem.ts';
import type { FileShape } from './schema.ts';

export interface Batches {
  /** Maximum number of messages that one invocation receives, 1–100. */
  batchSize: number;
  /** How long Lambda may wait for a batch to fill; 0: not at all. */
  batchWindowSeconds: number;
}

/** Maximum number of messages that Lambda takes from a queue without waiting for more. */
const LARGEST_BATCH_WITHOUT_WINDOW = 10;

export const batchesOf = ({ batchSize, batchWindowSeconds }: FileShape['stack']): Batches => ({
  batchSize: batchSize ?? (batchWindowSeconds > 0 ? 100 : LARGEST_BATCH_WITHOUT_WINDOW),
  batchWindowSeconds,
});

export const checkBatches = ({ batchSize = 0, batchWindowSeconds }: FileShape['stack']): Finding[] =>
  batchSize <= LARGEST_BATCH_WITHOUT_WINDOW || batchWindowSeconds > 0
    ? []
    : [
        {
          path: ['stack', 'batchSize'],
          found: `${batchSize}, and no batchWindowSeconds`,
          fix: `give at most ${LARGEST_BATCH_WITHOUT_WINDOW}, or add batchWindowSeconds: Lambda takes larger batches only if it may wait for them to fill`,
        },
      ];
