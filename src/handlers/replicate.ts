/** The Lambda handler for batches of messages, and for the schedule of the waiting queues. All work is done in `lib`. */
import type { Context, SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { configuration } from 'replication-configuration';
import { createReplicateEnvironment } from '../lib/aws/replicate-environment.ts';
import { queueMessage } from '../lib/aws/sqs/queues.ts';
import { isLettingBack, type LetBack, letBackAll } from '../lib/replicate/let-back.ts';
import { replicateBatch } from '../lib/replicate/replicate-batch.ts';

const environment = createReplicateEnvironment(configuration, process.env);

/** Receives either a batch of messages, or the event of the schedule of the waiting queues. */
export const handler = async (
  event: SQSEvent,
  context: Context,
): Promise<SQSBatchResponse | { letBack: LetBack[] }> => {
  if (isLettingBack(event)) return await letBack(context);
  using invocation = environment.invocation(context, event.Records[0]?.eventSourceARN ?? null);
  const { failed } = await replicateBatch(event.Records.map(queueMessage), invocation.deps);
  return { batchItemFailures: failed.map((itemIdentifier) => ({ itemIdentifier })) };
};

const letBack = async (context: Context): Promise<{ letBack: LetBack[] }> => {
  using invocation = environment.invocation(context, null);
  const report = { letBack: await letBackAll(invocation.deps) };
  if (report.letBack.length > 0) invocation.info('waiting', report);
  return report;
};
