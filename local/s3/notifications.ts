/**
 * Tells queues and EventBridge what happened to a key.
 *
 * Sources: Amazon S3 User Guide "Event message structure" (notification-content-structure.html) and
 * "EventBridge event message structure" (ev-events.html).
 */
import type { AwsRequest, Caller } from '../core.ts';
import { hostId } from './host-id.ts';
import type { Bucket } from './model.ts';
import { targetWants } from './notification-configuration.ts';
import { accountOf } from './request.ts';
import { canonicalUserId, type S3State } from './state.ts';
import { formEncodeKey } from './url-encoding.ts';

export interface Occurrence {
  event: keyof typeof EVENT_VERSIONS;
  /** The API call, or `Lifecycle Expiration`: EventBridge's `reason`. */
  reason: string;
  key: string;
  /** Null on a bucket that never was versioned. */
  versionId: string | null;
  etag?: string;
  sizeBytes?: number;
  /** Who did it and from where. */
  origin: Pick<AwsRequest, 'caller' | 'requestId' | 'sourceIp'>;
}

/** Delivers at once and in commit order; duplicates, delays and reordering are the fault layer's to add. */
export const notify = (state: S3State, bucket: Bucket, occurrence: Occurrence): void => {
  const { targets, eventBridge } = bucket.notification;
  if (targets.length === 0 && !eventBridge) return;
  const sequencer = state.newSequencer();
  for (const target of targets) {
    if (target.kind !== 'Queue' || !targetWants(target, `s3:${occurrence.event}`, occurrence.key)) continue;
    state.queues.sendAsService({
      queueArn: target.arn,
      body: JSON.stringify({ Records: [recordOf(state, bucket, occurrence, target.id, sequencer)] }),
      service: 's3.amazonaws.com',
      sourceArn: bucket.arn,
      sourceAccount: bucket.accountId,
    });
  }
  if (eventBridge) putEvent(state, bucket, occurrence, sequencer);
};

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

const EVENT_VERSIONS = {
  'ObjectCreated:Put': '2.1',
  'ObjectCreated:Post': '2.1',
  'ObjectCreated:Copy': '2.1',
  'ObjectCreated:CompleteMultipartUpload': '2.1',
  'ObjectRemoved:Delete': '2.1',
  'ObjectRemoved:DeleteMarkerCreated': '2.1',
  'ObjectTagging:Put': '2.3',
  'ObjectTagging:Delete': '2.3',
} as const;

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
  userIdentity: { principalId: principalOf(occurrence.origin.caller) },
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
      ...(hasSequencer(occurrence) ? { sequencer } : {}),
    },
  },
});

/** Only events of writes and deletes of objects are ordered. */
const hasSequencer = (occurrence: Occurrence): boolean => !occurrence.event.startsWith('ObjectTagging:');

const principalOf = (caller: Caller): string => {
  if (caller.kind === 'anonymous') return 'Anonymous';
  return caller.kind === 'service' ? caller.service : `AWS:${caller.principalId}`;
};

const DETAIL_TYPES: Record<keyof typeof EVENT_VERSIONS, string> = {
  'ObjectCreated:Put': 'Object Created',
  'ObjectCreated:Post': 'Object Created',
  'ObjectCreated:Copy': 'Object Created',
  'ObjectCreated:CompleteMultipartUpload': 'Object Created',
  'ObjectRemoved:Delete': 'Object Deleted',
  'ObjectRemoved:DeleteMarkerCreated': 'Object Deleted',
  'ObjectTagging:Put': 'Object Tags Added',
  'ObjectTagging:Delete': 'Object Tags Deleted',
};

const DELETION_TYPES: Partial<Record<keyof typeof EVENT_VERSIONS, string>> = {
  'ObjectRemoved:Delete': 'Permanently Deleted',
  'ObjectRemoved:DeleteMarkerCreated': 'Delete Marker Created',
};

const putEvent = (state: S3State, bucket: Bucket, occurrence: Occurrence, sequencer: string): void => {
  const { origin, etag, sizeBytes, versionId } = occurrence;
  const deletionType = DELETION_TYPES[occurrence.event];
  const isTagging = !hasSequencer(occurrence);
  state.events.putEvent({
    accountId: bucket.accountId,
    region: bucket.region,
    source: 'aws.s3',
    detailType: DETAIL_TYPES[occurrence.event],
    resources: [bucket.arn],
    detail: {
      version: '0',
      bucket: { name: bucket.name },
      object: {
        key: occurrence.key,
        ...(sizeBytes === undefined || deletionType !== undefined || isTagging ? {} : { size: sizeBytes }),
        ...(etag === undefined ? {} : { etag }),
        ...(versionId === null ? {} : { 'version-id': versionId }),
        ...(isTagging ? {} : { sequencer }),
      },
      'request-id': origin.requestId,
      requester: origin.caller.kind === 'service' ? origin.caller.service : accountOf(origin.caller),
      'source-ip-address': origin.sourceIp,
      ...(isTagging ? {} : { reason: occurrence.reason }),
      ...(deletionType === undefined ? {} : { 'deletion-type': deletionType }),
    },
  });
};
