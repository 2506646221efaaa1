/** The properties of AWS::S3::Bucket, and what they make of a bucket. */
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
import { defaultRetentionOf, setObjectLock } from './object-lock-configuration.ts';
import type { S3State } from '../model/state.ts';

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
          BlockedEncryptionTypes?: { EncryptionType?: string[] };
        }[];
      }
    | undefined;
  LifecycleConfiguration?: unknown;
  /** Cannot be taken back, except with the bucket. */
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
    setVersioning(bucket, properties.VersioningConfiguration?.Status === 'Enabled' ? 'Enabled' : 'Suspended');
  if (speaksOf('OwnershipControls'))
    setOwnership(bucket, ownershipOf(properties.OwnershipControls?.Rules?.[0]?.ObjectOwnership));
  if (speaksOf('PublicAccessBlockConfiguration'))
    bucket.publicAccessBlock = publicAccessBlockOf(properties.PublicAccessBlockConfiguration);
  if (speaksOf('BucketEncryption')) applyEncryption(state, bucket, properties.BucketEncryption);
  applyObjectLock(bucket, properties);
  if (speaksOf('LifecycleConfiguration'))
    setLifecycle(state, bucket, lifecycleOfProperties(properties.LifecycleConfiguration));
  if (speaksOf('Tags')) bucket.tags = properties.Tags ?? [];
};

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
    bucketKeyEnabled: isTrue(rule?.BucketKeyEnabled),
  });
  const blocked = rule?.BlockedEncryptionTypes?.EncryptionType;
  if (blocked !== undefined) bucket.blocksCustomerKeys = blocksCustomerKeys(blocked);
};

/** Locking a bucket that is made turns its versioning on. */
const applyObjectLock = (bucket: Bucket, properties: BucketProperties): void => {
  const configuration = properties.ObjectLockConfiguration;
  if (!isTrue(properties.ObjectLockEnabled) && configuration === undefined) return;
  if (isTrue(properties.ObjectLockEnabled) && bucket.versioning === 'never') bucket.versioning = 'Enabled';
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
