/** The Lambda handler for batches of messages from the live queue. All work is done in `lib`. */
import type { Context, SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { configuration } from 'replication-configuration';
import { createReplicateEnvironment } from '../lib/aws/replicate-environment.ts';
import { queueMessage } from '../lib/aws/sqs/queues.ts';
import { replicateBatch } from '../lib/replicate/replicate-batch.ts';

const environment = createReplicateEnvironment(configuration, process.env);

export const handler = async (event: SQSEvent, context: Context): Promise<SQSBatchResponse> => {
  using invocation = environment.invocation(context, event.Records[0]?.eventSourceARN ?? null);
  const { failed } = await replicateBatch(event.Records.map(queueMessage), invocation.deps);
  return { batchItemFailures: failed.map((itemIdentifier) => ({ itemIdentifier })) };
};
