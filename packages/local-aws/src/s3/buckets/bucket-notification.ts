/** GetBucketNotificationConfiguration and PutBucketNotificationConfiguration. Source: API_PutBucketNotificationConfiguration.html. */
import { authorize } from '../access/access.ts';
import { S3Error } from '../errors.ts';
import type { Bucket } from '../model/bucket.ts';
import type { NotificationTarget } from '../model/configuration.ts';
import {
  parseNotificationConfiguration,
  renderNotificationConfiguration,
} from '../notifications/notification-configuration.ts';
import { sendNotification, setNotification, testEvent } from '../notifications/notifications.ts';
import { receiveText } from '../protocol/receive.ts';
import { header, type Answer, type BucketContext } from '../protocol/request.ts';
import { xmlAnswer } from '../protocol/xml-answer.ts';

export const getBucketNotification = (context: BucketContext): Answer => {
  authorize(context, 's3:GetBucketNotification');
  return xmlAnswer(renderNotificationConfiguration(context.bucket.notification));
};

/**
 * Replaces the whole configuration. Unless the request skips validation, first checks that S3 may send to every target, and sends a test
 * event to every target.
 */
export const putBucketNotification = async (context: BucketContext): Promise<Answer> => {
  authorize(context, 's3:PutBucketNotification');
  const { state, request, bucket } = context;
  const configuration = parseNotificationConfiguration(await receiveText(request));
  if (header(request, 'x-amz-skip-destination-validation')?.toLowerCase() !== 'true') {
    validateTargets(context, configuration.targets);
    for (const target of configuration.targets)
      sendNotification(state, bucket, target, testEvent(state, bucket, request.aws.requestId));
  }
  setNotification(state, bucket, configuration);
  return { status: 200 };
};

const asS3 = (bucket: Bucket) => ({
  service: 's3.amazonaws.com',
  sourceArn: bucket.arn,
  sourceAccount: bucket.accountId,
});

const validateTargets = (context: BucketContext, targets: NotificationTarget[]): void => {
  const problems: [string, string][] = [];
  for (const target of targets) {
    if (target.arn.split(':')[3] !== context.bucket.region)
      throw new S3Error('InvalidArgument', {
        message:
          'The notification destination service region is not valid for the bucket location constraint',
        elements: { ArgumentName: target.kind, ArgumentValue: target.arn },
      });
    const problem = problemOf(context, target);
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
 * Returns S3's explanation of why it cannot send to a target. Returns null if S3 may send to the target, or if the local S3 never
 * sends to targets of this kind.
 */
const problemOf = ({ state, bucket }: BucketContext, { kind, arn }: NotificationTarget): string | null => {
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
