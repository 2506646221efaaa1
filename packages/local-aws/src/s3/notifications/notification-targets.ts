/** Checks that S3 may send to the targets of a notification configuration. Source: API_PutBucketNotificationConfiguration.html. */
import { S3Error } from '../errors.ts';
import type { Bucket } from '../model/bucket.ts';
import type { NotificationTarget } from '../model/configuration.ts';
import type { S3State } from '../model/state.ts';
import { sendNotification, testEvent } from './notifications.ts';

/**
 * Sends a test event to every target. Throws InvalidArgument, before any test event is sent, if S3 cannot or may not send to one of the
 * targets.
 */
export const introduceTargets = (
  state: S3State,
  bucket: Bucket,
  targets: NotificationTarget[],
  requestId: string,
): void => {
  validateTargets(state, bucket, targets);
  for (const target of targets) sendNotification(state, bucket, target, testEvent(state, bucket, requestId));
};

const asS3 = (bucket: Bucket) => ({
  service: 's3.amazonaws.com',
  sourceArn: bucket.arn,
  sourceAccount: bucket.accountId,
});

const validateTargets = (state: S3State, bucket: Bucket, targets: NotificationTarget[]): void => {
  const problems: [string, string][] = [];
  for (const target of targets) {
    if (target.arn.split(':')[3] !== bucket.region)
      throw new S3Error('InvalidArgument', {
        message:
          'The notification destination service region is not valid for the bucket location constraint',
        elements: { ArgumentName: target.kind, ArgumentValue: target.arn },
      });
    const problem = problemOf(state, bucket, target);
    if (problem !== null) problems.push([target.arn, problem]);
  }
  if (problems.length === 0) return;
  const elements = problems.flatMap(([arn, problem], index): [string, string][] => [
    [`ArgumentName${index + 1}`, arn],
    [`ArgumentValue${index + 1}`, problem],
  ]);
  throw new S3Error('InvalidArgument', {
    message: 'Unable to validate the following destination configurations',
    elements: Object.fromEntries(elements),
  });
};

/**
 * Returns S3's explanation of why it cannot send to a target. Returns null if it can, or if the local S3 never sends to targets of this
 * kind.
 */
const problemOf = (state: S3State, bucket: Bucket, { kind, arn }: NotificationTarget): string | null => {
  if (kind === 'Topic' && state.topics !== undefined)
    return TOPIC_PROBLEMS[state.topics.mayPublish({ ...asS3(bucket), topicArn: arn })];
  if (kind !== 'Queue') return null;
  if (arn.endsWith('.fifo')) return 'FIFO SQS queues are not supported.';
  return QUEUE_PROBLEMS[state.queues.maySend({ ...asS3(bucket), queueArn: arn })];
};

const QUEUE_PROBLEMS = {
  allowed: null,
  denied: 'Permissions on the destination queue do not allow S3 to publish notifications from this bucket',
  'no-such-queue': 'The destination queue does not exist',
} as const;

const TOPIC_PROBLEMS = {
  allowed: null,
  denied: 'Permissions on the destination topic do not allow S3 to publish notifications from this bucket',
  'no-such-topic': 'The destination topic does not exist',
} as const;
