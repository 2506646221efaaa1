/** The Lambda handler for batches of messages, for the schedule of the waiting queues, and for the commands of an operator. All work is done in `lib`. */
import type { Context, SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { packagedRules } from '../lib/aws/packaged-rules.ts';
import { createReplicateEnvironment } from '../lib/aws/replicate-environment.ts';
import { queueMessage } from '../lib/aws/sqs/queues.ts';
import { type Forwarded, parseForwarding } from '../lib/delivery/forwarding.ts';
import { type Forgotten, parseForgetting } from '../lib/delivery/known-letters.ts';
import { isLettingBack, type LetBack, letBackAll } from '../lib/replicate/let-back.ts';
import { replicateBatch } from '../lib/replicate/replicate-batch.ts';

const environment = createReplicateEnvironment(packagedRules(import.meta.dirname), process.env);

/** Receives a batch of messages, the event of the schedule of the waiting queues, or the request of an operator's command. */
export const handler = async (
  event: SQSEvent,
  context: Context,
): Promise<SQSBatchResponse | { letBack: LetBack[] } | Forwarded | Forgotten> => {
  if (isLettingBack(event)) return await letBack(context);
  const forgetting = parseForgetting(event);
  if (forgetting !== null) return await environment.forget(forgetting);
  const forwarding = parseForwarding(event);
  if (forwarding !== null) return await environment.forward(forwarding);
  using invocation = environment.invocation(context, event.Records[0]?.eventSourceARN ?? null);
  const { failed } = await replicateBatch(event.Records.map(queueMessage), invocation.deps);
  await invocation.received(event.Records.length);
  return { batchItemFailures: failed.map((itemIdentifier) => ({ itemIdentifier })) };
};

const letBack = async (context: Context): Promise<{ letBack: LetBack[] }> => {
  using invocation = environment.invocation(context, null);
  const [, done] = await Promise.all([invocation.countPending(), letBackAll(invocation.deps)]);
  const report = { letBack: done };
  if (report.letBack.length > 0) invocation.info('waiting', report);
  return report;
};
