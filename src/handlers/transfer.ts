/**
 * The Lambda handler for part ranges from the transfer queue, and for the periodic sweep of transfers. All work is done in `lib`.
 */
import type { Context, SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { packagedRules } from '../lib/aws/packaged-rules.ts';
import { createReplicateEnvironment } from '../lib/aws/replicate-environment.ts';
import { queueMessage } from '../lib/aws/sqs/queues.ts';
import { isSweep, type SweepReport, sweepTransfers } from '../lib/transfer/sweep.ts';
import { transferBatch } from '../lib/transfer/transfer-batch.ts';

const environment = createReplicateEnvironment(packagedRules(import.meta.dirname), process.env);

/** Receives either a batch of messages from the transfer queue, or the event of the sweep's schedule. */
export const handler = async (event: SQSEvent, context: Context): Promise<SQSBatchResponse | SweepReport> => {
  if (isSweep(event)) return await sweep(context);
  using invocation = environment.invocation(context, event.Records[0]?.eventSourceARN ?? null);
  const { failed } = await transferBatch(event.Records.map(queueMessage), invocation.deps);
  return { batchItemFailures: failed.map((itemIdentifier) => ({ itemIdentifier })) };
};

const sweep = async (context: Context): Promise<SweepReport> => {
  using invocation = environment.invocation(context, null);
  const report = await sweepTransfers(invocation.deps);
  invocation.info('sweep', report);
  return report;
};
