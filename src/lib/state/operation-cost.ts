/** The cost of replicating one key, calculated from its receipt. Storage, KMS, log lines and taxes are left out. */
import type { Receipt } from '../delivery/outcome.ts';
import { BATCH, FUNCTION_GIGABYTES, PRICES } from '../runs/estimate/prices.ts';

/** How many items DynamoDB writes for a message: the claim and the receipt. */
const TABLE_WRITES = 2;
/** The number of SQS requests for a message. A message is sent, received and deleted, all three in batches. */
const QUEUE_CALLS = 3 / BATCH;

export const operationCost = ({
  copies,
  durationMs,
}: Pick<Receipt, 'copies' | 'durationMs'>): { calls: number; dollars: number } => {
  // A copy reads once and writes once. Each key also needs a look at both sides.
  const [reads, writes] = [copies + 2, copies];
  const gigabyteSeconds = ((durationMs / 1_000) * FUNCTION_GIGABYTES) / BATCH;
  return {
    calls: reads + writes,
    dollars:
      reads * PRICES.s3Read +
      writes * PRICES.s3Write +
      TABLE_WRITES * PRICES.tableWrite +
      QUEUE_CALLS * PRICES.sqs +
      PRICES.invocation / BATCH +
      gigabyteSeconds * PRICES.gigabyteSecond,
  };
};
