/**
 * Idempotency records in the states that Powertools gives them: in progress, finished, or deleted after a
 * failure.
 */
import { ReplicationError } from '../../src/lib/model/errors.ts';
import type { Receipt } from '../../src/lib/delivery/outcome.ts';
import type { Receipts } from '../../src/lib/delivery/deps.ts';

/**
 * Thrown by a gate to make the function crash at this point. The function stops working, and its idempotency
 * records stay in progress.
 */
export class Crash extends Error {}

export interface MemoryReceipts extends Receipts {
  /**
   * Deletes the records of crashed invocations. In a deployment, these records expire at the function's
   * timeout.
   */
  expireInProgress(): void;
  /** Deletes all records, as if the table had been lost. */
  clear(): void;
  finished(): number;
}

export const createMemoryReceipts = (): MemoryReceipts => {
  const records = new Map<string, Receipt | 'in-progress'>();
  return {
    async once(identity, work) {
      const known = records.get(identity);
      if (known === 'in-progress')
        throw new ReplicationError('in-progress', 'another invocation works on it');
      if (known !== undefined) return { receipt: known, duplicate: true };
      records.set(identity, 'in-progress');
      try {
        const receipt = await work();
        records.set(identity, receipt);
        return { receipt, duplicate: false };
      } catch (error) {
        if (!(error instanceof Crash)) records.delete(identity);
        throw error;
      }
    },
    expireInProgress() {
      for (const [identity, record] of records) if (record === 'in-progress') records.delete(identity);
    },
    clear: () => records.clear(),
    finished: () => [...records.values()].filter((record) => record !== 'in-progress').length,
  };
};
