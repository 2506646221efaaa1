/** Receipts of single versions in memory. */
import {
  receiptId,
  type VersionReceipt,
  type VersionReceipts,
} from '../../src/lib/replica/version-receipt.ts';

export const memoryVersionReceipts = (): VersionReceipts & { kept: Map<string, VersionReceipt> } => {
  const kept = new Map<string, VersionReceipt>();
  return {
    kept,
    async keep(destination, key, versionId, receipt) {
      const id = receiptId(destination, key, versionId);
      if (id !== null) kept.set(id, receipt);
    },
    find: async (destination, key, versionId) =>
      kept.get(receiptId(destination, key, versionId) ?? '') ?? null,
  };
};
