/** Sends events about keys to EventBridge. Source: Amazon S3 User Guide "EventBridge event message structure" (ev-events.html). */
import type { Bucket } from '../model/bucket.ts';
import { isOrdered, type Occurrence, type S3Event } from './occurrence.ts';
import { accountOf } from '../protocol/request.ts';
import type { S3State } from '../model/state.ts';

export const putEvent = (state: S3State, bucket: Bucket, occurrence: Occurrence, sequencer: string): void => {
  const { event, origin } = occurrence;
  const isService = origin.caller.kind === 'service';
  state.events.putEvent({
    accountId: bucket.accountId,
    region: bucket.region,
    source: 'aws.s3',
    detailType: DETAIL_TYPES[event],
    resources: [bucket.arn],
    detail: {
      version: '0',
      bucket: { name: bucket.name },
      object: objectDetail(occurrence, sequencer),
      'request-id': origin.requestId,
      requester: origin.caller.kind === 'service' ? origin.caller.service : accountOf(origin.caller),
      ...(isService ? {} : { 'source-ip-address': origin.sourceIp }),
      ...(occurrence.reason === '' ? {} : { reason: occurrence.reason }),
      ...furtherDetail(occurrence),
    },
  });
};

const DETAIL_TYPES: Record<S3Event, string> = {
  'ObjectCreated:Put': 'Object Created',
  'ObjectCreated:Post': 'Object Created',
  'ObjectCreated:Copy': 'Object Created',
  'ObjectCreated:CompleteMultipartUpload': 'Object Created',
  'ObjectRemoved:Delete': 'Object Deleted',
  'ObjectRemoved:DeleteMarkerCreated': 'Object Deleted',
  'ObjectRestore:Post': 'Object Restore Initiated',
  'ObjectRestore:Completed': 'Object Restore Completed',
  'ObjectRestore:Delete': 'Object Restore Expired',
  'ObjectTagging:Put': 'Object Tags Added',
  'ObjectTagging:Delete': 'Object Tags Deleted',
  'ObjectAcl:Put': 'Object ACL Updated',
  // AWS does not document the name of this type. Other implementations of the S3 API use this name.
  'ObjectRetention:Put': 'Object Retention Updated',
  'LifecycleExpiration:Delete': 'Object Deleted',
  'LifecycleExpiration:DeleteMarkerCreated': 'Object Deleted',
  IntelligentTiering: 'Object Access Tier Changed',
};

const DELETION_TYPES: Partial<Record<S3Event, string>> = {
  'ObjectRemoved:Delete': 'Permanently Deleted',
  'ObjectRemoved:DeleteMarkerCreated': 'Delete Marker Created',
  'LifecycleExpiration:Delete': 'Permanently Deleted',
  'LifecycleExpiration:DeleteMarkerCreated': 'Delete Marker Created',
};

const objectDetail = (occurrence: Occurrence, sequencer: string): Record<string, unknown> => {
  const { event, key, sizeBytes, etag, versionId } = occurrence;
  const hasSize = sizeBytes !== undefined && DELETION_TYPES[event] === undefined && isOrdered(occurrence);
  // EventBridge events about restores and tiers have no sequencer, unlike the same events in queues.
  const hasSequencer = /^(ObjectCreated|ObjectRemoved|LifecycleExpiration):/.test(event);
  return {
    key,
    ...(hasSize ? { size: sizeBytes } : {}),
    ...(etag === undefined ? {} : { etag }),
    ...(versionId === null ? {} : { 'version-id': versionId }),
    ...(hasSequencer ? { sequencer } : {}),
  };
};

/** Returns the details that only events of certain types have. */
const furtherDetail = (occurrence: Occurrence): Record<string, unknown> => {
  const { event, restoreExpiresMs, sourceStorageClass, accessTier } = occurrence;
  const deletionType = DELETION_TYPES[event];
  const isExpired = event === 'ObjectRestore:Delete';
  return {
    ...(deletionType === undefined ? {} : { 'deletion-type': deletionType }),
    ...(restoreExpiresMs === undefined
      ? {}
      : { 'restore-expiry-time': new Date(restoreExpiresMs).toISOString().replace('.000Z', 'Z') }),
    ...(sourceStorageClass === undefined || isExpired ? {} : { 'source-storage-class': sourceStorageClass }),
    ...(accessTier === undefined ? {} : { 'destination-access-tier': accessTier }),
  };
};
