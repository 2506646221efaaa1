/** An object version, and the properties that its writer gave it. */
import type { Checksum } from '../storage/checksums.ts';
import type { Content } from '../storage/content.ts';
import type { ObjectLock } from './object-lock.ts';

export type Version = StoredObject | DeleteMarker;

export interface DeleteMarker {
  kind: 'delete-marker';
  /** The version id. The null version has the text 'null'. */
  versionId: string;
  /** A number that orders versions: each new version has a higher number. */
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
  /** The ETag without its quotes. */
  etag: string;
  checksum: Checksum;
  /** The parts of a multipart object; null for any other object. */
  parts: PartDescription[] | null;
  /** The restore that was requested for an archived object. */
  restore: Restore | null;
  /** The archive tier that S3 Intelligent-Tiering moved the object to; null if the object is in no archive tier. */
  archiveTier: ArchiveTier | null;
  lastAccessedMs: number;
}

/** Properties that the writer gives in PutObject, CopyObject or CreateMultipartUpload. */
export interface ObjectDescription {
  /** Content-Type and similar headers, with names in lower case and values as sent. */
  contentHeaders: Record<string, string>;
  /** User metadata: names in lower case without `x-amz-meta-`, and decoded values. */
  metadata: Record<string, string>;
  websiteRedirectLocation: string | null;
  storageClass: string;
  tags: Tag[];
  encryption: Encryption;
  ownerAccountId: string;
  /** The grants. Null if only the owner has access, with full control. */
  acl: Grant[] | null;
  lock: ObjectLock;
}

export interface Tag {
  Key: string;
  Value: string;
}

/** The encryption of an object. For SSE-C, only the MD5 of the customer's key is stored, in base64. */
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

/** To whom a grant applies. `id` is a canonical user id. */
export type Grantee = { kind: 'user'; id: string } | { kind: 'group'; uri: string };

export type Permission = 'FULL_CONTROL' | 'READ' | 'WRITE' | 'READ_ACP' | 'WRITE_ACP';

export interface PartDescription {
  partNumber: number;
  sizeBytes: number;
  /** The part's checksum; null unless the object's checksum is composite. */
  checksum: string | null;
}

export type ArchiveTier = 'ARCHIVE_ACCESS' | 'DEEP_ARCHIVE_ACCESS';
export type RestoreTier = 'Expedited' | 'Standard' | 'Bulk';

export interface Restore {
  tier: RestoreTier;
  /** How many days the copy is kept. Null for Intelligent-Tiering, which makes no copy but moves the object itself back. */
  days: number | null;
  /** When the copy becomes available, in milliseconds since the epoch. */
  completesMs: number;
  /** When the copy is deleted, in milliseconds since the epoch; null while the restore is in progress. */
  expiresMs: number | null;
}
