/** An object version, and what its writer said about it. */
import type { Checksum } from '../storage/checksums.ts';
import type { Content } from '../storage/content.ts';
import type { ObjectLock } from './object-lock.ts';

export type Version = StoredObject | DeleteMarker;

export interface DeleteMarker {
  kind: 'delete-marker';
  /** `null` is the null version. */
  versionId: string;
  /** Increases with every version written. */
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
  /** Null unless the object came from a multipart upload. */
  parts: PartDescription[] | null;
  /** The restore that was requested for an archived object. */
  restore: Restore | null;
  /** The archive tier that S3 Intelligent-Tiering moved the object to; null while the object can be read. */
  archiveTier: ArchiveTier | null;
  lastAccessedMs: number;
}

/** Properties that the writer gives in PutObject, CopyObject or CreateMultipartUpload. */
export interface ObjectDescription {
  /** Content-Type and similar headers as sent; names in lower case. */
  contentHeaders: Record<string, string>;
  /** Names without `x-amz-meta-`, in lower case; values decoded. */
  metadata: Record<string, string>;
  websiteRedirectLocation: string | null;
  storageClass: string;
  tags: Tag[];
  encryption: Encryption;
  ownerAccountId: string;
  /** Null: the owner has full control and nobody else has any access. */
  acl: Grant[] | null;
  lock: ObjectLock;
}

export interface Tag {
  Key: string;
  Value: string;
}

/** How an object is encrypted. Only the base64 MD5 of a customer's key is kept, never the key. */
export type Encryption = DefaultEncryption | { algorithm: 'SSE-C'; keyMd5: string };

/** `kmsKeyId` is the ARN of a key; null means the AWS managed key aws/s3. */
export type DefaultEncryption =
  | { algorithm: 'AES256' }
  | {
      algorithm: 'aws:kms' | 'aws:kms:dsse';
      kmsKeyId: string | null;
      bucketKeyEnabled: boolean;
      /** Pairs that the writer added to the encryption context. */
      context?: Record<string, string>;
    };

export interface Grant {
  grantee: Grantee;
  permission: Permission;
}

/** `id` is a canonical user id. */
export type Grantee = { kind: 'user'; id: string } | { kind: 'group'; uri: string };

export type Permission = 'FULL_CONTROL' | 'READ' | 'WRITE' | 'READ_ACP' | 'WRITE_ACP';

export interface PartDescription {
  partNumber: number;
  sizeBytes: number;
  /** Kept only for composite checksums. */
  checksum: string | null;
}

export type ArchiveTier = 'ARCHIVE_ACCESS' | 'DEEP_ARCHIVE_ACCESS';
export type RestoreTier = 'Expedited' | 'Standard' | 'Bulk';

export interface Restore {
  tier: RestoreTier;
  /** How many days the copy stays; null for Intelligent-Tiering, which moves the object itself back. */
  days: number | null;
  /** When the copy becomes available. */
  completesMs: number;
  /** When the copy is deleted; null while the restore is in progress. */
  expiresMs: number | null;
}
