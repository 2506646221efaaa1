/** A change of a key that S3 may send notifications about. */
import type { AwsRequest } from '../../core/request.ts';
import type { Retention } from '../model/object-lock.ts';
import type { ArchiveTier } from '../model/object.ts';

export interface Occurrence {
  event: S3Event;
  /** The `reason` of the EventBridge event: the API call or `Lifecycle Expiration`; '' for an event without a reason. */
  reason: string;
  key: string;
  /** The version id in events. Null if they contain none, see `eventVersionId`. */
  versionId: string | null;
  etag?: string;
  sizeBytes?: number;
  /** The archived storage class. Set only for restores. */
  sourceStorageClass?: string;
  /** When the restored copy is deleted, in milliseconds since the epoch. Set only for completed restores. */
  restoreExpiresMs?: number;
  /** The archive tier. Set only for events of Intelligent-Tiering. */
  accessTier?: ArchiveTier;
  /** The retention after the change. Set only for events about retentions, unless the retention was removed. */
  retention?: Retention;
  /** The caller and the request that made the change. */
  origin: Pick<AwsRequest, 'caller' | 'requestId' | 'sourceIp'>;
}

export type S3Event = keyof typeof EVENT_VERSIONS;

/** The MD5 of zero bytes. It is the ETag in an event about a new delete marker. */
export const EMPTY_MD5 = 'd41d8cd98f00b204e9800998ecf8427e';

/**
 * The `eventVersion` of each type of event. The user guide says: "2.3 for S3 Lifecycle, S3 Intelligent-Tiering, object ACL, object tagging,
 * and object restoration delete events." The version of ObjectRetention:Put comes from the AWS SDK for Java (ObjectRetentionEventDataTest).
 */
export const EVENT_VERSIONS = {
  'ObjectCreated:Put': '2.1',
  'ObjectCreated:Post': '2.1',
  'ObjectCreated:Copy': '2.1',
  'ObjectCreated:CompleteMultipartUpload': '2.1',
  'ObjectRemoved:Delete': '2.1',
  'ObjectRemoved:DeleteMarkerCreated': '2.1',
  'ObjectRestore:Post': '2.1',
  'ObjectRestore:Completed': '2.1',
  'ObjectRestore:Delete': '2.3',
  'ObjectTagging:Put': '2.3',
  'ObjectTagging:Delete': '2.3',
  'ObjectAcl:Put': '2.3',
  'ObjectRetention:Put': '2.5',
  'LifecycleExpiration:Delete': '2.3',
  'LifecycleExpiration:DeleteMarkerCreated': '2.3',
  IntelligentTiering: '2.3',
} as const;

/** False for events about tags, ACLs and retentions. These events have no sequencer, because their order is not defined. */
export const isOrdered = ({ event }: Occurrence): boolean => !/^Object(Tagging|Acl|Retention):/.test(event);
