/** What the local S3 keeps about buckets, object versions and uploads. */
import type { PolicyDocument } from '../../core/access.ts';
import type { Checksum, ChecksumAlgorithm, ChecksumPlan } from '../storage/checksums.ts';
import type { Content } from '../storage/content.ts';
import type { KeyIndex } from './key-index.ts';
import type { BucketObjectLock, ObjectLock } from './object-lock.ts';

export type Versioning = 'never' | 'Enabled' | 'Suspended';
export type ObjectOwnership = 'BucketOwnerEnforced' | 'BucketOwnerPreferred' | 'ObjectWriter';

export interface Tag {
  Key: string;
  Value: string;
}

/** How an object is encrypted. A customer's key is only known by the base64 of its MD5. */
export type Encryption = DefaultEncryption | { algorithm: 'SSE-C'; keyMd5: string };

/** `kmsKeyId` is the key's ARN; null means the AWS managed key aws/s3. */
export type DefaultEncryption =
  | { algorithm: 'AES256' }
  | {
      algorithm: 'aws:kms' | 'aws:kms:dsse';
      kmsKeyId: string | null;
      bucketKeyEnabled: boolean;
      /** What the writer added to the encryption context. */
      context?: Record<string, string>;
    };

export interface PublicAccessBlock {
  BlockPublicAcls: boolean;
  IgnorePublicAcls: boolean;
  BlockPublicPolicy: boolean;
  RestrictPublicBuckets: boolean;
}

export interface Bucket {
  name: string;
  arn: string;
  /** The owner. */
  accountId: string;
  region: string;
  createdAtMs: number;
  versioning: Versioning;
  /** Null once the controls were deleted, which leaves objects to their writers. */
  ownership: ObjectOwnership | null;
  /** Null: the owner has full control and nobody else anything. */
  acl: Grant[] | null;
  publicAccessBlock: PublicAccessBlock | null;
  encryption: DefaultEncryption;
  /** New buckets take no objects under keys of customers, until that is unblocked. */
  blocksCustomerKeys: boolean;
  /** Null where object lock is not enabled. */
  objectLock: BucketObjectLock | null;
  /** As put, and parsed. */
  policy: { text: string; document: PolicyDocument } | null;
  notification: NotificationConfiguration;
  /** Empty where there is no lifecycle configuration. */
  lifecycle: LifecycleRule[];
  intelligentTiering: Map<string, TieringConfiguration>;
  tags: Tag[];
  keys: KeyIndex<KeyEntry>;
  uploads: Map<string, Upload>;
  /** Answers of finished uploads, so that a repeated Complete is answered again. */
  completed: Map<string, CompletedUpload>;
  /** Who wants to know what happens to a key: conditional writes under way, and unfinished uploads. */
  watches: Map<string, Set<KeyWatch>>;
}

/** What happened to a key since the watch began. */
export interface KeyWatch {
  /** An object that was there was deleted. */
  deleted: boolean;
  /** An object was written. */
  written: boolean;
}

/** All versions of one key, newest first. */
export interface KeyEntry {
  key: string;
  versions: Version[];
}

export type Version = StoredObject | DeleteMarker;

export interface DeleteMarker {
  kind: 'delete-marker';
  /** `null` is the null version. */
  versionId: string;
  /** Grows with every version written. */
  order: number;
  lastModifiedMs: number;
  ownerAccountId: string;
}

export interface StoredObject extends ObjectDescription {
  kind: 'object';
  versionId: string;
  order: number;
  lastModifiedMs: number;
  content: Content;
  /** Without the quotes. */
  etag: string;
  checksum: Checksum;
  /** Null unless it was a multipart upload. */
  parts: PartDescription[] | null;
  /** Of an archived object: the copy that was asked for. */
  restore: Restore | null;
  /** Where S3 Intelligent-Tiering has put it; null while it can be read. */
  archiveTier: ArchiveTier | null;
  lastAccessedMs: number;
}

export type ArchiveTier = 'ARCHIVE_ACCESS' | 'DEEP_ARCHIVE_ACCESS';
export type RestoreTier = 'Expedited' | 'Standard' | 'Bulk';

export interface Restore {
  tier: RestoreTier;
  /** How long the copy stays; null for Intelligent-Tiering, where the object itself comes back. */
  days: number | null;
  /** When the copy will be or was there. */
  completesMs: number;
  /** When it goes again; null while it is not there yet. */
  expiresMs: number | null;
}

/** What a writer says about an object, in PutObject, CopyObject or CreateMultipartUpload. */
export interface ObjectDescription {
  /** Content-Type … as sent, lower-cased names. */
  contentHeaders: Record<string, string>;
  /** Names without `x-amz-meta-`, lower-cased; values decoded. */
  metadata: Record<string, string>;
  websiteRedirectLocation: string | null;
  storageClass: string;
  tags: Tag[];
  encryption: Encryption;
  ownerAccountId: string;
  /** Null: the owner has full control and nobody else anything. */
  acl: Grant[] | null;
  lock: ObjectLock;
}

export interface PartDescription {
  partNumber: number;
  sizeBytes: number;
  /** Kept only for composite checksums. */
  checksum: string | null;
}

export interface Part {
  partNumber: number;
  etag: string;
  content: Content;
  lastModifiedMs: number;
  /** Base64, of the upload's algorithm. */
  checksum: string;
  /** What the client sent along with the part of an upload that was created without an algorithm. */
  declared: { algorithm: ChecksumAlgorithm; value: string } | null;
}

export interface Upload {
  uploadId: string;
  key: string;
  initiatedMs: number;
  /** As the lists name whoever began it. */
  initiator: { id: string; displayName: string };
  description: ObjectDescription;
  checksumPlan: ChecksumPlan;
  parts: Map<number, Part>;
  /** Since the initiation: a conditional completion loses against what happened meanwhile. */
  watch: KeyWatch;
}

export interface CompletedUpload {
  key: string;
  /** The request's body and the headers that matter, to recognise the same request. */
  fingerprint: string;
  headers: Record<string, string>;
  body: string;
}

export interface LifecycleRule {
  id: string;
  enabled: boolean;
  filter: ObjectFilter;
  /** Was the prefix given without a Filter, as in old configurations? */
  legacyPrefix: boolean;
  expiration: Expiration | null;
  noncurrentExpiration: NoncurrentExpiration | null;
  abortAfterDays: number | null;
}

export type Expiration =
  | { kind: 'days'; days: number }
  | { kind: 'date'; atMs: number }
  | { kind: 'expired-delete-marker'; remove: boolean };

export interface NoncurrentExpiration {
  days: number;
  /** So many noncurrent versions are kept however old they are. */
  newerVersions: number;
}

export interface ObjectFilter {
  prefix: string;
  tags: Tag[];
  /** Both exclusive; null for no bound. */
  largerThanBytes: number | null;
  smallerThanBytes: number | null;
}

export interface TieringConfiguration {
  id: string;
  enabled: boolean;
  filter: ObjectFilter;
  tierings: { tier: ArchiveTier; days: number }[];
}

export interface NotificationConfiguration {
  targets: NotificationTarget[];
  eventBridge: boolean;
}

export interface NotificationTarget {
  kind: TargetKind;
  id: string;
  arn: string;
  /** e.g. `s3:ObjectCreated:*` */
  events: string[];
  /** Null when no such filter rule was given. */
  prefix: string | null;
  suffix: string | null;
}

export type TargetKind = 'Queue' | 'Topic' | 'CloudFunction';

export interface Grant {
  grantee: Grantee;
  permission: Permission;
}

/** `id` is a canonical user id. */
export type Grantee = { kind: 'user'; id: string } | { kind: 'group'; uri: string };

export type Permission = 'FULL_CONTROL' | 'READ' | 'WRITE' | 'READ_ACP' | 'WRITE_ACP';
