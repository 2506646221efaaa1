/** Applies the properties of AWS::S3::Bucket to a bucket. */
import { randomBytes } from 'node:crypto';
import { ALL_BLOCKED, bucketEncryption, ownershipOf, setOwnership, setVersioning } from './buckets.ts';
import { blocksCustomerKeys } from '../access/customer-key.ts';
import { setLifecycle } from '../lifecycle/lifecycle.ts';
import { lifecycleOfProperties } from '../lifecycle/lifecycle-properties.ts';
import type { Bucket } from '../model/bucket.ts';
import type {
  PublicAccessBlock,
  NotificationConfiguration,
  NotificationTarget,
  TargetKind,
} from '../model/configuration.ts';
import type { Tag } from '../model/object.ts';
import {
  checkNotificationConfiguration,
  filterOfRules,
  NO_NOTIFICATIONS,
} from '../notifications/notification-configuration.ts';
import { introduceTargets } from '../notifications/notification-targets.ts';
import { defaultRetentionOf, setObjectLock } from './object-lock-configuration.ts';
import type { S3State } from '../model/state.ts';
import { setNotification } from '../notifications/notifications.ts';

/** The properties of AWS::S3::Bucket that the local S3 applies, or only stores. */
export interface BucketProperties {
  VersioningConfiguration?: { Status?: string } | undefined;
  OwnershipControls?: { Rules?: { ObjectOwnership?: string }[] } | undefined;
  PublicAccessBlockConfiguration?: Partial<Record<keyof PublicAccessBlock, boolean | string>> | undefined;
  BucketEncryption?:
    | {
        ServerSideEncryptionConfiguration?: {
          BucketKeyEnabled?: boolean | string;
          ServerSideEncryptionByDefault?: { SSEAlgorithm?: string; KMSMasterKeyID?: string };
          BlockedEncryptionTypes?: { EncryptionType?: string[] };
        }[];
      }
    | undefined;
  LifecycleConfiguration?: unknown;
  /** Object lock cannot be disabled once it is enabled. */
  ObjectLockEnabled?: boolean | string | undefined;
  ObjectLockConfiguration?:
    | {
        ObjectLockEnabled?: string;
        Rule?: { DefaultRetention?: { Mode?: string; Days?: number | string; Years?: number | string } };
      }
    | undefined;
  NotificationConfiguration?: CfnNotificationConfiguration | undefined;
  Tags?: Tag[] | undefined;
}

/** The NotificationConfiguration property of AWS::S3::Bucket. */
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

/**
 * Applies CloudFormation properties to a bucket. A setting whose property was removed from the template (it is only in `previous`) returns
 * to its default. A setting that neither template contains stays unchanged.
 */
export const applyProperties = (
  state: S3State,
  bucket: Bucket,
  properties: BucketProperties,
  previous: BucketProperties = {},
): void => {
  const mentions = (name: keyof BucketProperties): boolean =>
    properties[name] !== undefined || previous[name] !== undefined;
  if (mentions('NotificationConfiguration')) {
    const notification = notificationOf(bucket, properties.NotificationConfiguration);
    checkNotificationConfiguration(notification);
    introduceTargets(state, bucket, notification.targets, randomBytes(8).toString('hex').toUpperCase());
    setNotification(state, bucket, notification);
  }
  if (mentions('VersioningConfiguration'))
    setVersioning(bucket, properties.VersioningConfiguration?.Status === 'Enabled' ? 'Enabled' : 'Suspended');
  if (mentions('OwnershipControls'))
    setOwnership(bucket, ownershipOf(properties.OwnershipControls?.Rules?.[0]?.ObjectOwnership));
  if (mentions('PublicAccessBlockConfiguration'))
    bucket.publicAccessBlock = publicAccessBlockOf(properties.PublicAccessBlockConfiguration);
  if (mentions('BucketEncryption')) applyEncryption(state, bucket, properties.BucketEncryption);
  applyObjectLock(bucket, properties);
  if (mentions('LifecycleConfiguration'))
    setLifecycle(state, bucket, lifecycleOfProperties(properties.LifecycleConfiguration));
  if (mentions('Tags')) bucket.tags = properties.Tags ?? [];
};

/** True for `true` and "true", because CloudFormation passes both forms. */
const isTrueProperty = (value: boolean | string | undefined): boolean => value === true || value === 'true';

const publicAccessBlockOf = (
  given: BucketProperties['PublicAccessBlockConfiguration'],
): PublicAccessBlock => {
  if (given === undefined) return ALL_BLOCKED;
  return {
    BlockPublicAcls: isTrueProperty(given.BlockPublicAcls),
    IgnorePublicAcls: isTrueProperty(given.IgnorePublicAcls),
    BlockPublicPolicy: isTrueProperty(given.BlockPublicPolicy),
    RestrictPublicBuckets: isTrueProperty(given.RestrictPublicBuckets),
  };
};

const applyEncryption = (
  state: S3State,
  bucket: Bucket,
  given: BucketProperties['BucketEncryption'],
): void => {
  const rule = given?.ServerSideEncryptionConfiguration?.[0];
  const byDefault = rule?.ServerSideEncryptionByDefault;
  bucket.encryption = bucketEncryption(state, bucket, {
    algorithm: byDefault?.SSEAlgorithm ?? 'AES256',
    keyId: byDefault?.KMSMasterKeyID,
    bucketKeyEnabled: isTrueProperty(rule?.BucketKeyEnabled),
  });
  const blocked = rule?.BlockedEncryptionTypes?.EncryptionType;
  if (blocked !== undefined) bucket.blocksCustomerKeys = blocksCustomerKeys(blocked);
};

/** Enables object lock. On a bucket that never had versioning, ObjectLockEnabled also enables versioning. */
const applyObjectLock = (bucket: Bucket, properties: BucketProperties): void => {
  const configuration = properties.ObjectLockConfiguration;
  if (!isTrueProperty(properties.ObjectLockEnabled) && configuration === undefined) return;
  if (isTrueProperty(properties.ObjectLockEnabled) && bucket.versioning === 'never')
    bucket.versioning = 'Enabled';
  const byDefault = configuration?.Rule?.DefaultRetention;
  const text = (value: number | string | undefined) => (value === undefined ? undefined : String(value));
  setObjectLock(
    bucket,
    byDefault === undefined
      ? null
      : defaultRetentionOf(byDefault.Mode, text(byDefault.Days), text(byDefault.Years)),
  );
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
