import {
  GetBucketNotificationConfigurationCommand,
  PutBucketNotificationConfigurationCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import type { NotificationConfiguration as SdkConfiguration } from '@aws-sdk/client-s3';
import {
  type BucketNotifications,
  BucketNotificationsError,
  type NotificationsProblem,
} from '../../subscription/notification-change.ts';
import type { NotificationConfiguration } from '../../subscription/subscription.ts';
import { readError } from '../read-error.ts';
import { forcePathStyle } from './client/path-style.ts';

/**
 * Creates the adapter for the notification configuration of buckets. `signal` aborts all calls. Endpoint, region and credentials
 * come from the environment.
 */
export const createBucketNotifications = (signal: AbortSignal): BucketNotifications => {
  const client = new S3Client({
    maxAttempts: 3,
    requestHandler: { connectionTimeout: 3_000, requestTimeout: 10_000, throwOnRequestTimeout: true },
    forcePathStyle: forcePathStyle(),
  });
  return {
    get: async (bucket, accountId) => {
      const command = new GetBucketNotificationConfigurationCommand({
        Bucket: bucket,
        ExpectedBucketOwner: accountId,
      });
      const { $metadata: _, ...configuration } = await translated(
        client.send(command, { abortSignal: signal }),
      );
      return configuration;
    },
    put: async (bucket, accountId, configuration) => {
      const command = new PutBucketNotificationConfigurationCommand({
        Bucket: bucket,
        ExpectedBucketOwner: accountId,
        NotificationConfiguration: toSdk(configuration),
      });
      await translated(client.send(command, { abortSignal: signal }));
    },
  };
};

/**
 * Converts a configuration for the SDK. The SDK's type lists only the events that existed when the SDK was released. S3 may
 * return newer ones, which must be written back unchanged.
 */
const toSdk = (configuration: NotificationConfiguration): SdkConfiguration =>
  configuration as SdkConfiguration;

const translated = async <T>(answer: Promise<T>): Promise<T> => {
  try {
    return await answer;
  } catch (error) {
    const { code, status, message } = readError(error);
    const problem = PROBLEMS.get(code) ?? (status === 403 ? 'access-denied' : 'failed');
    const region = problem === 'other-region' ? regionOf(error) : null;
    const text = region === null ? `${code}: ${message}` : `the bucket is in ${region}`;
    throw new BucketNotificationsError(problem, text, { cause: error });
  }
};

/**
 * Maps error codes to problems. Denied access is recognized by the status 403 instead, because it has many codes, such as AccessDenied and
 * AllAccessDisabled. https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
 */
const PROBLEMS: ReadonlyMap<string, NotificationsProblem> = new Map([
  ['InvalidArgument', 'invalid'],
  ['InvalidRequest', 'invalid'],
  ['NoSuchBucket', 'no-such-bucket'],
  ['PermanentRedirect', 'other-region'],
  // S3 gives this answer to the first requests for a bucket that was created a moment ago in another region.
  ['TemporaryRedirect', 'other-region'],
  ['AuthorizationHeaderMalformed', 'other-region'],
  ['IllegalLocationConstraintException', 'other-region'],
]);

/** Returns the region that S3's response names; null if it names none. */
const regionOf = (error: unknown): string | null => {
  const response: unknown = error instanceof Error ? Reflect.get(error, '$response') : null;
  const headers: unknown =
    typeof response === 'object' && response !== null ? Reflect.get(response, 'headers') : null;
  const region: unknown =
    typeof headers === 'object' && headers !== null ? Reflect.get(headers, 'x-amz-bucket-region') : null;
  return typeof region === 'string' ? region : null;
};
