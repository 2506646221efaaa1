/** A model of the records of scheduled verifies, which are items of DynamoDB in a deployment. */
import type { VerifyLedger, VerifyMetrics, VerifyRecord } from '../../src/lib/runs/verify-record.ts';

export interface MemoryVerifies extends VerifyLedger, VerifyMetrics {
  records: Map<string, VerifyRecord>;
  /** The values of the metric, in order. */
  values: number[];
}

export const createMemoryVerifies = (): MemoryVerifies => {
  const records = new Map<string, VerifyRecord>();
  const values: number[] = [];
  return {
    records,
    values,
    all: async () => structuredClone(records),
    async put(name, record, before) {
      if (JSON.stringify(records.get(name) ?? null) !== JSON.stringify(before)) return false;
      records.set(name, structuredClone(record));
      return true;
    },
    failing: (destinations) => void values.push(destinations),
  };
};
