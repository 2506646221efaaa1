/**
 * Sends event notifications about keys to queues, topics and EventBridge.
 *
 * Source: Amazon S3 User Guide "Event message structure" (notification-content-structure.html).
 */
import { randomBytes } from 'node:crypto';
import type { Caller } from '../../core/access.ts';
import { putEvent } from './event-bridge-events.ts';
import { hostId } from '../protocol/host-id.ts';
import type { Bucket } from '../model/bucket.ts';
import type { NotificationConfiguration, NotificationTarget } from '../model/configuration.ts';
import { targetWants } from './notification-configuration.ts';
import { EVENT_VERSIONS, isOrdered, type Occurrence } from './occurrence.ts';
import { canonicalUserId } from '../protocol/canonical-user.ts';
import type { S3State } from '../model/state.ts';
import { formEncodeKey } from '../protocol/url-encoding.ts';

/**
 * Sends the notifications about a change immediately, so that they arrive in the order of the changes. Duplicates, delays and other orders
 * occur only if fault rules cause them.
 */
export const notify = (state: S3State, bucket: Bucket, occurrence: Occurrence): void => {
  const { targets } = bucket.notification;
  const eventBridge = state.eventBridge.known(bucket.name, bucket.notification.eventBridge);
  if (targets.length === 0 && !eventBridge) return;
  const sequencer = state.newSequencer();
  for (const target of targets) {
    if (!targetWants(target, `s3:${occurrence.event}`, occurrence.key)) continue;
    const record = recordOf(bucket, occurrence, {
      configurationId: target.id,
      sequencer,
      atMs: state.clock.now(),
    });
    sendNotification(state, bucket, target, JSON.stringify({ Records: [record] }));
  }
  if (eventBridge) putEvent(state, bucket, occurrence, sequencer);
};

/**
 * Replaces the notification configuration. After EventBridge is switched on, its first events may be lost, because the change takes effect
 * after a delay.
 */
export const setNotification = (
  state: S3State,
  bucket: Bucket,
  configuration: NotificationConfiguration,
): void => {
  if (configuration.eventBridge && !bucket.notification.eventBridge)
    state.eventBridge.changing(bucket.name, false);
  bucket.notification = configuration;
};

/** Sends a notification to a queue or a topic. A target that is a Lambda function is stored but never invoked. */
export const sendNotification = (
  state: S3State,
  bucket: Bucket,
  target: NotificationTarget,
  body: string,
): void => {
  const sender = { service: 's3.amazonaws.com', sourceArn: bucket.arn, sourceAccount: bucket.accountId };
  if (target.kind === 'Queue') state.queues.sendAsService({ queueArn: target.arn, body, ...sender });
  if (target.kind === 'Topic')
    state.topics?.publishAsService({
      topicArn: target.arn,
      subject: 'Amazon S3 Notification',
      message: body,
      ...sender,
    });
};

/** Returns the origin of a change that S3 makes by itself, such as an expiry. S3 is the caller, and the request id is random. */
export const s3Origin = (bucket: Bucket): Occurrence['origin'] => ({
  caller: {
    kind: 'service',
    service: 's3.amazonaws.com',
    sourceArn: bucket.arn,
    sourceAccount: bucket.accountId,
  },
  requestId: randomBytes(8).toString('hex').toUpperCase(),
  sourceIp: 's3.amazonaws.com',
});

/** Returns the test event that S3 sends to each target when a configuration is put. */
export const testEvent = (state: S3State, bucket: Bucket, requestId: string): string =>
  JSON.stringify({
    Service: 'Amazon S3',
    Event: 's3:TestEvent',
    Time: new Date(state.clock.now()).toISOString(),
    Bucket: bucket.name,
    RequestId: requestId,
    HostId: hostId(requestId),
  });

const recordOf = (
  bucket: Bucket,
  occurrence: Occurrence,
  { configurationId, sequencer, atMs }: { configurationId: string; sequencer: string; atMs: number },
): Record<string, unknown> => ({
  eventVersion: EVENT_VERSIONS[occurrence.event],
  eventSource: 'aws:s3',
  awsRegion: bucket.region,
  eventTime: new Date(atMs).toISOString(),
  eventName: occurrence.event,
  userIdentity: { principalId: principalOf(occurrence, bucket) },
  requestParameters: { sourceIPAddress: occurrence.origin.sourceIp },
  responseElements: {
    'x-amz-request-id': occurrence.origin.requestId,
    'x-amz-id-2': hostId(occurrence.origin.requestId),
  },
  s3: {
    s3SchemaVersion: '1.0',
    configurationId,
    bucket: {
      name: bucket.name,
      ownerIdentity: { principalId: canonicalUserId(bucket.accountId) },
      arn: bucket.arn,
    },
    object: {
      key: formEncodeKey(occurrence.key),
      ...(occurrence.sizeBytes === undefined ? {} : { size: occurrence.sizeBytes }),
      ...(occurrence.etag === undefined ? {} : { eTag: occurrence.etag }),
      ...(occurrence.versionId === null ? {} : { versionId: occurrence.versionId }),
      ...(isOrdered(occurrence) ? { sequencer } : {}),
    },
  },
  ...eventData(occurrence),
});

/** Returns the fields that only events of certain types have. */
const eventData = (occurrence: Occurrence): Record<string, unknown> => {
  const { restoreExpiresMs, sourceStorageClass, accessTier, retention } = occurrence;
  if (retention !== undefined)
    return {
      objectRetentionEventData: {
        mode: retention.mode,
        retainUntilDate: new Date(retention.untilMs).toISOString(),
      },
    };
  if (restoreExpiresMs !== undefined)
    return {
      glacierEventData: {
        restoreEventData: {
          lifecycleRestorationExpiryTime: new Date(restoreExpiresMs).toISOString(),
          lifecycleRestoreStorageClass: sourceStorageClass,
        },
      },
    };
  if (accessTier !== undefined) return { intelligentTieringEventData: { destinationAccessTier: accessTier } };
  return {};
};

/** Returns the principal in an event. For a completed restore, it is the bucket's owner. */
const principalOf = ({ event, origin }: Occurrence, bucket: Bucket): string => {
  const { caller } = origin;
  if (event === 'ObjectRestore:Completed') return `AmazonCustomer:${canonicalUserId(bucket.accountId)}`;
  return caller.kind === 'service' ? caller.service : callerId(caller);
};

const callerId = (caller: Exclude<Caller, { kind: 'service' }>): string =>
  caller.kind === 'anonymous' ? 'Anonymous' : `AWS:${caller.principalId}`;
