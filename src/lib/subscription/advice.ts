/** Advice for an operator about a bucket whose notification configuration cannot be read or changed. */
import { BucketNotificationsError, type NotificationsProblem } from './notification-change.ts';

const FIXES: Record<NotificationsProblem, (bucket: string) => string> = {
  'access-denied': (bucket) =>
    `Check that ${bucket} belongs to this account (or to the one that \`account:\` names): S3 answers the same if somebody else owns it. Also check that its bucket policy does not deny s3:GetBucketNotification or s3:PutBucketNotification to the subscribe role.`,
  invalid: (bucket) =>
    `Check that every target in the notification configuration of ${bucket} still exists and lets the bucket send: S3 checks all of them, not only ours. If S3 does not know s3:ObjectRetention:Put in this region, write \`objectLock: ignore\`.`,
  'no-such-bucket': (bucket) => `Create the bucket ${bucket} first, or correct its name in replication.yml.`,
  'other-region': (bucket) =>
    `S3 notifies only queues in the bucket's own region: move the rules of ${bucket} into a replication.yml of their own, with \`region\` set to that region, and deploy it as a stack of its own.`,
  failed: () => 'Deploy again.',
};

export const problemOf = (error: unknown): NotificationsProblem | null =>
  error instanceof BucketNotificationsError ? error.problem : null;

export const failureText = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);

/** Returns the message of an error, followed by what to do about it. */
export const failureWithAdvice = (error: unknown, bucket: string): string => {
  const problem = problemOf(error);
  return problem === null ? failureText(error) : `${failureText(error)}. ${FIXES[problem](bucket)}`;
};
