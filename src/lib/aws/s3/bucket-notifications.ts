import {
  GetBucketNotificationConfigurationCommand,
  PutBucketNotificationConfigurationCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import type { NotificationConfiguration as SdkConfiguration } from '@aws-sdk/client-s3';
import { BucketNotificationsError } from '../../subscription/notification-change.ts';
import type { BucketNotifications, NotificationsProblem } from '../../subscription/notification-change.ts';
import type { NotificationConfiguration } from '../../subscription/subscription.ts';

/** `signal` ends all calls. Endpoint, region and credentials come from the environment. */
export const createBucketNotifications = (signal: AbortSignal): BucketNotifications => {
  const client = new S3Client({
    maxAttempts: 3,
    requestHandler: { connectionTimeout: 3_000, requestTimeout: 10_000, throwOnRequestTimeout: true },
    // Bucket names in host names only work where DNS knows them.
    forcePathStyle: Boolean(process.env['AWS_ENDPOINT_URL_S3'] ?? process.env['AWS_ENDPOINT_URL']),
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

/** The SDK names the events of its own day; S3 may have reported others, which must go back as they came. */
const toSdk = (configuration: NotificationConfiguration): SdkConfiguration =>
  configuration as SdkConfiguration;

async function translated<T>(call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (error) {
    throw new BucketNotificationsError(problemOf(error), describe(error), { cause: error });
  }
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html */
const PROBLEMS: Record<string, NotificationsProblem> = {
  AccessDenied: 'access-denied',
  AllAccessDisabled: 'access-denied',
  InvalidArgument: 'invalid',
  InvalidRequest: 'invalid',
  NoSuchBucket: 'no-such-bucket',
};

function problemOf(error: unknown): NotificationsProblem {
  const code = error instanceof Error ? error.name : '';
  return PROBLEMS[code] ?? (statusOf(error) === 403 ? 'access-denied' : 'failed');
}

function statusOf(error: unknown): number | null {
  if (typeof error !== 'object' || error === null || !('$metadata' in error)) return null;
  const metadata = error.$metadata;
  if (typeof metadata !== 'object' || metadata === null || !('httpStatusCode' in metadata)) return null;
  return typeof metadata.httpStatusCode === 'number' ? metadata.httpStatusCode : null;
}

const describe = (error: unknown): string =>
  error instanceof Error ? `${error.name}: ${error.message}` : String(error);
