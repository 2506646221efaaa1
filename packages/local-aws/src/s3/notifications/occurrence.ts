/** Something that happened to a key and may be told. */
import type { AwsRequest } from '../../core/request.ts';
import type { ArchiveTier } from '../model/object.ts';

export interface Occurrence {
  event: S3Event;
  /** The API call, or `Lifecycle Expiration`: EventBridge's `reason`; '' for events that have none. */
  reason: string;
  key: string;
  /** Null on a bucket that never was versioned. */
  versionId: string | null;
  etag?: string;
  sizeBytes?: number;
  /** Of a restore. */
  sourceStorageClass?: string;
  /** Of a completed restore: when the copy goes again. */
  restoreExpiresMs?: number;
  /** Of Intelligent-Tiering. */
  accessTier?: ArchiveTier;
  /** Who did it and from where. */
  origin: Pick<AwsRequest, 'caller' | 'requestId' | 'sourceIp'>;
}

export type S3Event = keyof typeof EVENT_VERSIONS;

/** "2.3 for S3 Lifecycle, S3 Intelligent-Tiering, object ACL, object tagging, and object restoration delete events." */
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
  'LifecycleExpiration:Delete': '2.3',
  'LifecycleExpiration:DeleteMarkerCreated': '2.3',
  IntelligentTiering: '2.3',
} as const;

/** Events about tags and ACLs carry no sequencer: they say nothing of what follows what. */
export const isOrdered = ({ event }: Occurrence): boolean => !/^Object(Tagging|Acl):/.test(event);
