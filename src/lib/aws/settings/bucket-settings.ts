/** The settings of a bucket, as far as the caller may read them. */
import {
  GetBucketEncryptionCommand,
  GetBucketLifecycleConfigurationCommand,
  GetBucketNotificationConfigurationCommand,
  GetBucketOwnershipControlsCommand,
  GetBucketPolicyCommand,
  GetBucketRequestPaymentCommand,
  GetBucketVersioningCommand,
  HeadBucketCommand,
  ListObjectsV2Command,
  paginateListBuckets,
  S3Client,
} from '@aws-sdk/client-s3';
import type { NotificationConfiguration } from '../../subscription/subscription.ts';
import { SDK_LOGGER } from '../sdk-logger.ts';
import { forcePathStyle } from '../s3/client/path-style.ts';
import { ask, type Asked, type AskedPlace, askOnce } from './asked.ts';
import { regionInAnswer } from '../bucket-region.ts';

export interface LifecycleRuleSummary {
  id: string;
  prefix: string;
  /** The storage classes into which the rule moves current or noncurrent versions. */
  movesTo: string[];
  isEnabled: boolean;
  expiresNoncurrent: boolean;
  /** The whole rule, as S3 returns it and takes it. */
  whole: Readonly<Record<string, unknown>>;
}

export interface FirstKeys {
  keys: string[];
  hasMore: boolean;
}

export interface BucketSettings {
  /** The region of the bucket. The answer is `denied` if the owner is not `account`; null: any owner. */
  region(bucket: string, account: string | null): Promise<Asked<string>>;
  /** The names of all buckets of the caller's account. */
  ownBuckets(): Promise<Asked<string[]>>;
  versioning(bucket: string): Promise<Asked<'Enabled' | 'Suspended' | 'never'>>;
  notifications(bucket: string): Promise<Asked<NotificationConfiguration>>;
  /** The bucket policy as text. */
  policy(bucket: string): Promise<Asked<string>>;
  /** The KMS key of the default encryption; null: S3's own keys. */
  kmsKey(bucket: string): Promise<Asked<string | null>>;
  lifecycle(bucket: string): Promise<Asked<LifecycleRuleSummary[]>>;
  requestPayer(bucket: string): Promise<Asked<string>>;
  ownership(bucket: string): Promise<Asked<string>>;
  firstKeys(bucket: string, prefix: string): Promise<Asked<FirstKeys>>;
}

export const createBucketSettings = (place: AskedPlace): BucketSettings => {
  const client = new S3Client({
    ...place,
    maxAttempts: 3,
    requestHandler: { connectionTimeout: 3_000, requestTimeout: 10_000, throwOnRequestTimeout: true },
    logger: SDK_LOGGER,
    forcePathStyle: forcePathStyle(),
  });
  return { ...askPlace(client), ...askAccess(client), ...askContents(client) };
};

const askPlace = (client: S3Client): Pick<BucketSettings, 'ownBuckets' | 'region' | 'requestPayer'> => ({
  region: async (bucket, account) =>
    ask('s3:ListBucket', async () => {
      const owner = account === null ? {} : { ExpectedBucketOwner: account };
      try {
        const { BucketRegion: region = '' } = await client.send(
          new HeadBucketCommand({ Bucket: bucket, ...owner }),
        );
        return region;
      } catch (error) {
        const elsewhere = regionInAnswer(error);
        if (elsewhere === null) throw error;
        return elsewhere;
      }
    }),
  ownBuckets: askOnce(() =>
    ask('s3:ListAllMyBuckets', async () => {
      const names: string[] = [];
      for await (const page of paginateListBuckets({ client }, {}))
        names.push(...(page.Buckets ?? []).map(({ Name: name = '' }) => name));
      return names;
    }),
  ),
  requestPayer: askOnce((bucket: string) =>
    ask('s3:GetBucketRequestPayment', async () => {
      const { Payer: payer = '' } = await client.send(new GetBucketRequestPaymentCommand({ Bucket: bucket }));
      return payer;
    }),
  ),
});

const askAccess = (client: S3Client): Pick<BucketSettings, 'kmsKey' | 'ownership' | 'policy'> => ({
  policy: askOnce((bucket: string) =>
    ask('s3:GetBucketPolicy', async () => {
      const { Policy: text = '' } = await client.send(new GetBucketPolicyCommand({ Bucket: bucket }));
      return text;
    }),
  ),
  kmsKey: askOnce((bucket: string) =>
    ask('s3:GetEncryptionConfiguration', async () => {
      const { ServerSideEncryptionConfiguration: found } = await client.send(
        new GetBucketEncryptionCommand({ Bucket: bucket }),
      );
      return found?.Rules?.[0]?.ApplyServerSideEncryptionByDefault?.KMSMasterKeyID ?? null;
    }),
  ),
  ownership: askOnce((bucket: string) =>
    ask('s3:GetBucketOwnershipControls', async () => {
      const command = new GetBucketOwnershipControlsCommand({ Bucket: bucket });
      return (await client.send(command)).OwnershipControls?.Rules?.[0]?.ObjectOwnership ?? '';
    }),
  ),
});

const askContents = (
  client: S3Client,
): Pick<BucketSettings, 'firstKeys' | 'lifecycle' | 'notifications' | 'versioning'> => ({
  versioning: askOnce((bucket: string) =>
    ask('s3:GetBucketVersioning', async () => {
      const { Status: status } = await client.send(new GetBucketVersioningCommand({ Bucket: bucket }));
      return status ?? 'never';
    }),
  ),
  notifications: askOnce((bucket: string) =>
    ask('s3:GetBucketNotification', async () => {
      const command = new GetBucketNotificationConfigurationCommand({ Bucket: bucket });
      const { $metadata: _, ...configuration } = await client.send(command);
      return configuration;
    }),
  ),
  lifecycle: askOnce((bucket: string) =>
    ask('s3:GetLifecycleConfiguration', async () => {
      const command = new GetBucketLifecycleConfigurationCommand({ Bucket: bucket });
      const { Rules: rules = [] } = await client.send(command);
      return rules.map((rule) => ({
        id: rule.ID ?? '',
        prefix: rule.Filter?.Prefix ?? rule.Filter?.And?.Prefix ?? rule.Prefix ?? '',
        movesTo: [...(rule.Transitions ?? []), ...(rule.NoncurrentVersionTransitions ?? [])].flatMap(
          ({ StorageClass: storageClass }) => storageClass ?? [],
        ),
        isEnabled: rule.Status === 'Enabled',
        expiresNoncurrent: rule.NoncurrentVersionExpiration !== undefined,
        whole: { ...rule },
      }));
    }),
  ),
  firstKeys: askOnce((bucket: string, prefix: string) =>
    ask('s3:ListBucket', async () => {
      const command = new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix, MaxKeys: 1_000 });
      const { Contents: contents = [], IsTruncated: hasMore = false } = await client.send(command);
      return { keys: contents.map(({ Key: key = '' }) => key), hasMore };
    }),
  ),
});
