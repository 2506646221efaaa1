/** GetBucketNotificationConfiguration and PutBucketNotificationConfiguration. Source: API_PutBucketNotificationConfiguration.html. */
import { authorize } from '../access/access.ts';
import {
  parseNotificationConfiguration,
  renderNotificationConfiguration,
} from '../notifications/notification-configuration.ts';
import { setNotification } from '../notifications/notifications.ts';
import { introduceTargets } from '../notifications/notification-targets.ts';
import { receiveText } from '../protocol/receive.ts';
import { header, type Answer, type BucketContext } from '../protocol/request.ts';
import { xmlAnswer } from '../protocol/xml-answer.ts';

export const getBucketNotification = (context: BucketContext): Answer => {
  authorize(context, 's3:GetBucketNotification');
  return xmlAnswer(renderNotificationConfiguration(context.bucket.notification));
};

/**
 * Replaces the whole configuration. Unless the request skips validation, first checks that S3 may send to every target, and sends every
 * target a test event.
 */
export const putBucketNotification = async (context: BucketContext): Promise<Answer> => {
  authorize(context, 's3:PutBucketNotification');
  const { state, request, bucket } = context;
  const configuration = parseNotificationConfiguration(await receiveText(request));
  if (header(request, 'x-amz-skip-destination-validation')?.toLowerCase() !== 'true') {
    introduceTargets(state, bucket, configuration.targets, request.aws.requestId);
  }
  setNotification(state, bucket, configuration);
  return { status: 200 };
};
