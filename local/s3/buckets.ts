/** Making, changing and removing buckets, from CloudFormation's words or the API's. */
import { keyArnOf } from './encryption.ts';
import { S3Error } from './errors.ts';
import { createKeyIndex } from './key-index.ts';
import type { Bucket, Encryption, ObjectOwnership, PublicAccessBlock, Tag } from './model.ts';
import {
  checkNotificationConfiguration,
  filterOfRules,
  NO_NOTIFICATIONS,
  type NotificationConfiguration,
  type NotificationTarget,
  type TargetKind,
} from './notification-configuration.ts';
import type { S3State } from './state.ts';

/** The properties of AWS::S3::Bucket that this S3 acts upon or keeps. */
export interface BucketProperties {
  VersioningConfiguration?: { Status?: string } | undefined;
  OwnershipControls?: { Rules?: { ObjectOwnership?: string }[] } | undefined;
  PublicAccessBlockConfiguration?: Partial<Record<keyof PublicAccessBlock, boolean | string>> | undefined;
  BucketEncryption?:
    | {
        ServerSideEncryptionConfiguration?: {
          BucketKeyEnabled?: boolean | string;
          ServerSideEncryptionByDefault?: { SSEAlgorithm?: string; KMSMasterKeyID?: string };
        }[];
      }
    | undefined;
  LifecycleConfiguration?: unknown;
  NotificationConfiguration?: CfnNotificationConfiguration | undefined;
  Tags?: Tag[] | undefined;
}

/** AWS::S3::Bucket NotificationConfiguration. */
interface CfnNotificationConfiguration {
  QueueConfigurations?: CfnNotificationTarget[];
  TopicConfigurations?: CfnNotificationTarget[];
  LambdaConfigurations?: CfnNotificationTarget[];
  EventBridgeConfiguration?: { EventBridgeEnabled?: boolean | string };
}

interface CfnNotificationTarget {
  Event: string;
  Queue?: string;
  Topic?: string;
  Function?: string;
  Filter?: { S3Key?: { Rules?: { Name: string; Value: string }[] } };
}

/** Throws InvalidBucketName, BucketAlreadyExists or BucketAlreadyOwnedByYou. */
export const addBucket = (
  state: S3State,
  identity: { name: string; accountId: string; region: string },
): Bucket => {
  const { name, accountId, region } = identity;
  checkBucketName(name);
  const existing = state.buckets.get(name);
  if (existing !== undefined)
    throw new S3Error(existing.accountId === accountId ? 'BucketAlreadyOwnedByYou' : 'BucketAlreadyExists', {
      elements: { BucketName: name },
    });
  const bucket: Bucket = {
    ...identity,
    arn: `arn:${state.partition}:s3:::${name}`,
    region,
    createdAtMs: state.clock.now(),
    versioning: 'never',
    ownership: 'BucketOwnerEnforced',
    publicAccessBlock: ALL_BLOCKED,
    encryption: { algorithm: 'AES256' },
    policy: null,
    notification: NO_NOTIFICATIONS,
    lifecycle: null,
    tags: [],
    keys: createKeyIndex(),
    uploads: new Map(),
    completed: new Map(),
    watches: new Map(),
  };
  state.buckets.set(name, bucket);
  return bucket;
};

/**
 * Sets what CloudFormation properties say. A property that `previous` had and is gone returns to its default; one that
 * neither has stays as it is, as CloudFormation leaves alone what its template never spoke of.
 */
export const applyProperties = (
  state: S3State,
  bucket: Bucket,
  properties: BucketProperties,
  previous: BucketProperties = {},
): void => {
  const speaksOf = (name: keyof BucketProperties): boolean =>
    properties[name] !== undefined || previous[name] !== undefined;
  if (speaksOf('NotificationConfiguration')) {
    const notification = notificationOf(bucket, properties.NotificationConfiguration);
    checkNotificationConfiguration(notification);
    bucket.notification = notification;
  }
  if (speaksOf('VersioningConfiguration'))
    bucket.versioning = properties.VersioningConfiguration?.Status === 'Enabled' ? 'Enabled' : 'Suspended';
  if (speaksOf('OwnershipControls'))
    bucket.ownership = ownershipOf(properties.OwnershipControls?.Rules?.[0]?.ObjectOwnership);
  if (speaksOf('PublicAccessBlockConfiguration'))
    bucket.publicAccessBlock = publicAccessBlockOf(properties.PublicAccessBlockConfiguration);
  if (speaksOf('BucketEncryption'))
    bucket.encryption = defaultEncryptionOf(state, bucket, properties.BucketEncryption);
  if (speaksOf('LifecycleConfiguration')) bucket.lifecycle = properties.LifecycleConfiguration ?? null;
  if (speaksOf('Tags')) bucket.tags = properties.Tags ?? [];
};

/** Throws BucketNotEmpty while there is any version or delete marker. Unfinished uploads go with the bucket. */
export const removeBucket = (state: S3State, bucket: Bucket): void => {
  if (bucket.keys.size > 0)
    throw new S3Error('BucketNotEmpty', {
      elements: { BucketName: bucket.name },
      ...(bucket.versioning === 'never'
        ? {}
        : {
            message:
              'The bucket you tried to delete is not empty. You must delete all versions in the bucket.',
          }),
    });
  for (const upload of bucket.uploads.values())
    for (const part of upload.parts.values()) for (const slice of part.content.slices) slice.blob.release();
  bucket.uploads.clear();
  state.buckets.delete(bucket.name);
};

export const ownershipOf = (text: string | undefined): ObjectOwnership => {
  if (text === undefined) return 'BucketOwnerEnforced';
  if (text === 'BucketOwnerEnforced' || text === 'BucketOwnerPreferred' || text === 'ObjectWriter')
    return text;
  throw new S3Error('MalformedXML');
};

const ALL_BLOCKED: PublicAccessBlock = {
  BlockPublicAcls: true,
  IgnorePublicAcls: true,
  BlockPublicPolicy: true,
  RestrictPublicBuckets: true,
};

/** Throws InvalidBucketName. */
export const checkBucketName = (name: string): void => {
  if (!isBucketName(name)) throw new S3Error('InvalidBucketName', { elements: { BucketName: name } });
};

const isBucketName = (name: string): boolean =>
  /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(name) &&
  !name.includes('..') &&
  !/^\d+\.\d+\.\d+\.\d+$/.test(name) &&
  !/^(xn--|sthree-|amzn-s3-demo-)/.test(name);

/** CloudFormation writes true as well as "true". */
const isTrue = (value: boolean | string | undefined): boolean => value === true || value === 'true';

const publicAccessBlockOf = (
  given: BucketProperties['PublicAccessBlockConfiguration'],
): PublicAccessBlock => {
  if (given === undefined) return ALL_BLOCKED;
  return {
    BlockPublicAcls: isTrue(given.BlockPublicAcls),
    IgnorePublicAcls: isTrue(given.IgnorePublicAcls),
    BlockPublicPolicy: isTrue(given.BlockPublicPolicy),
    RestrictPublicBuckets: isTrue(given.RestrictPublicBuckets),
  };
};

const defaultEncryptionOf = (
  state: S3State,
  bucket: Bucket,
  given: BucketProperties['BucketEncryption'],
): Encryption => {
  const rule = given?.ServerSideEncryptionConfiguration?.[0];
  const byDefault = rule?.ServerSideEncryptionByDefault;
  return bucketEncryption(state, bucket, {
    algorithm: byDefault?.SSEAlgorithm ?? 'AES256',
    keyId: byDefault?.KMSMasterKeyID,
    bucketKeyEnabled: isTrue(rule?.BucketKeyEnabled),
  });
};

/** A bucket's default encryption. Throws MalformedXML for an unknown algorithm. */
export const bucketEncryption = (
  state: S3State,
  bucket: Bucket,
  given: { algorithm: string; keyId: string | undefined; bucketKeyEnabled: boolean },
): Encryption => {
  if (given.algorithm === 'AES256') return { algorithm: 'AES256' };
  if (given.algorithm !== 'aws:kms' && given.algorithm !== 'aws:kms:dsse') throw new S3Error('MalformedXML');
  return {
    algorithm: given.algorithm,
    kmsKeyId: given.keyId === undefined ? null : keyArnOf(state, bucket, given.keyId),
    bucketKeyEnabled: given.bucketKeyEnabled,
  };
};

const notificationOf = (
  bucket: Bucket,
  given: CfnNotificationConfiguration | undefined,
): NotificationConfiguration => {
  if (given === undefined) return NO_NOTIFICATIONS;
  const kinds: [TargetKind, CfnNotificationTarget[] | undefined][] = [
    ['Topic', given.TopicConfigurations],
    ['Queue', given.QueueConfigurations],
    ['CloudFunction', given.LambdaConfigurations],
  ];
  const targets = kinds.flatMap(([kind, list]) =>
    (list ?? []).map((target, index) => cfnTarget(kind, target, `${bucket.name}-${kind}-${index}`)),
  );
  const eventBridge = given.EventBridgeConfiguration;
  return { targets, eventBridge: eventBridge !== undefined && eventBridge.EventBridgeEnabled !== false };
};

const cfnTarget = (kind: TargetKind, target: CfnNotificationTarget, id: string): NotificationTarget => ({
  kind,
  id,
  arn: target.Queue ?? target.Topic ?? target.Function ?? '',
  events: [target.Event],
  ...filterOfRules(
    (target.Filter?.S3Key?.Rules ?? []).map((rule) => ({ name: rule.Name, value: rule.Value })),
  ),
});
