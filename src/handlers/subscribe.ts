/**
 * The Lambda handler for the custom resource that subscribes source buckets while the stack is deployed. All work is done in
 * `lib`.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Context } from 'aws-lambda';
import { createBucketNotifications } from '../lib/aws/s3/bucket-notifications.ts';
import { bucketSubscription } from '../lib/subscription/bucket-subscription.ts';
import { answerCustomResource, sendAnswer } from '../lib/subscription/custom-resource.ts';

/**
 * How long is reserved for sending the response. Without a response, CloudFormation waits until it aborts the whole deployment.
 */
const RESERVE_MS = 15_000;

export const handler = async (event: unknown, context: Context): Promise<void> => {
  const signal = AbortSignal.timeout(context.getRemainingTimeInMillis() - RESERVE_MS);
  const resource = bucketSubscription({
    notifications: createBucketNotifications(signal),
    sleep: (ms) => sleep(ms, undefined, { signal }),
  });
  const outcome = await answerCustomResource(event, resource, sendAnswer);
  console.log(JSON.stringify(outcome));
};
