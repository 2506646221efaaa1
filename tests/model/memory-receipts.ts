/**
 * Idempotency records in the states that Powertools gives them: in progress, finished, or deleted after a
 * failure.
 */
import { ReplicationError } from '../../src/lib/model/errors.ts';
import type { Receipt } from '../../src/lib/delivery/outcome.ts';
import type { Delivery, Receipts } from '../../src/lib/delivery/deps.ts';
import type { Gate } from './memory-source.ts';

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
  const records = new Map<string, Receipt | Delivery>();
  return {
    async once(identity, { message, delivery }, work) {
      const known = records.get(identity);
      if (known !== undefined && !isInProgress(known)) return { receipt: known, duplicate: true };
      if (known !== undefined && (known.message !== message || known.delivery > delivery))
        throw new ReplicationError('in-progress', 'another invocation works on it');
      records.set(identity, { message, delivery });
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
      for (const [identity, record] of records) if (isInProgress(record)) records.delete(identity);
    },
    clear: () => records.clear(),
    finished: () => [...records.values()].filter((record) => !isInProgress(record)).length,
  };
};

const isInProgress = (record: Receipt | Delivery): record is Delivery => 'delivery' in record;

/** Wraps the receipts so that an invocation cannot finish its idempotency record after it has crashed. */
export const mortalReceipts = (
  receipts: MemoryReceipts,
  life: { crashed: boolean },
  gate: Gate,
): Receipts => ({
  async once(identity, delivery, work) {
    await gate('before', 'receipts.once');
    return await receipts.once(identity, delivery, async () => {
      try {
        const receipt = await work();
        await gate('before', 'receipts.finish');
        return receipt;
      } catch (error) {
        throw life.crashed ? new Crash() : error;
      }
    });
  },
});
