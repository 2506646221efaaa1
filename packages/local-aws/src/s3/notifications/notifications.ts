/**
 * Tells queues, topics and EventBridge what happened to a key.
 *
 * Source: Amazon S3 User Guide "Event message structure" (notification-content-structure.html).
 */
import { randomBytes } from 'node:crypto';
import type { Caller } from '../../core/access.ts';
import { putEvent } from './event-bridge-events.ts';
import { hostId } from '../protocol/host-id.ts';
import type { Bucket } from '../model/bucket.ts';
import type { NotificationTarget } from '../model/configuration.ts';
import { targetWants } from './notification-configuration.ts';
import { EVENT_VERSIONS, isOrdered, type Occurrence } from './occurrence.ts';
import { canonicalUserId } from '../protocol/canonical-user.ts';
import type { S3State } from '../model/state.ts';
import { formEncodeKey } from '../protocol/url-encoding.ts';

/** Delivers at once and in commit order; duplicates, delays and reordering are the fault layer's to add. */
export const notify = (state: S3State, bucket: Bucket, occurrence: Occurrence): void => {
  const { targets, eventBridge } = bucket.notification;
  if (targets.length === 0 && !eventBridge) return;
  const sequencer = state.newSequencer();
  for (const target of targets) {
    if (!targetWants(target, `s3:${occurrence.event}`, occurrence.key)) continue;
    const record = recordOf(state, bucket, occurrence, target.id, sequencer);
    deliver(state, bucket, target, JSON.stringify({ Records: [record] }));
  }
  if (eventBridge) putEvent(state, bucket, occurrence, sequencer);
};

/** Sends a notification to a queue or a topic. Functions are not invoked: their entries are only kept. */
export const deliver = (state: S3State, bucket: Bucket, target: NotificationTarget, body: string): void => {
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

/** The origin of what S3 does by itself. */
export const ofS3Itself = (bucket: Bucket): Occurrence['origin'] => ({
  caller: {
    kind: 'service',
    service: 's3.amazonaws.com',
    sourceArn: bucket.arn,
    sourceAccount: bucket.accountId,
  },
  requestId: randomBytes(8).toString('hex').toUpperCase(),
  sourceIp: 's3.amazonaws.com',
});

/** What S3 sends to each queue when a configuration is put. */
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
  state: S3State,
  bucket: Bucket,
  occurrence: Occurrence,
  configurationId: string,
  sequencer: string,
): Record<string, unknown> => ({
  eventVersion: EVENT_VERSIONS[occurrence.event],
  eventSource: 'aws:s3',
  awsRegion: bucket.region,
  eventTime: new Date(state.clock.now()).toISOString(),
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

/** What a kind of event says beyond the others. */
const eventData = (occurrence: Occurrence): Record<string, unknown> => {
  const { restoreExpiresMs, sourceStorageClass, accessTier } = occurrence;
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

/** A restore that completes is told of in the name of the bucket's owner. */
const principalOf = ({ event, origin }: Occurrence, bucket: Bucket): string => {
  const { caller } = origin;
  if (event === 'ObjectRestore:Completed') return `AmazonCustomer:${canonicalUserId(bucket.accountId)}`;
  return caller.kind === 'service' ? caller.service : callerId(caller);
};

const callerId = (caller: Exclude<Caller, { kind: 'service' }>): string =>
  caller.kind === 'anonymous' ? 'Anonymous' : `AWS:${caller.principalId}`;
