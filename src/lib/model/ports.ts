/**
 * The domain's ports to the outside, in S3's own words. The adapters are in `lib/aws`.
 *
 * Every function throws {@link ReplicationError} and nothing else. The reason is `lost-race` if a condition failed (412, 409, or
 * 404 to a request with If-Match) and if a pinned version does not exist any more: somebody else was faster, look again.
 */
import type { Readable } from 'node:stream';
import type { Destination, ReplicationRule, Restore } from './rule.ts';

/** Checksum algorithms of S3 ("Checking object integrity", S3 User Guide). */
export type ChecksumAlgorithm = 'CRC32' | 'CRC32C' | 'CRC64NVME' | 'SHA1' | 'SHA256';

/** A checksum as S3 stores it. The value is base64, with `-N` at the end if the type is composite. */
export interface Checksum {
  algorithm: ChecksumAlgorithm;
  type: 'FULL_OBJECT' | 'COMPOSITE';
  value: string;
}

/** The headers that a replica takes over from its source object. Null: S3 sent no such header. */
export interface ObjectAttributes {
  cacheControl: string | null;
  contentDisposition: string | null;
  contentEncoding: string | null;
  contentLanguage: string | null;
  contentType: string | null;
  /** The text of the uploader, which S3 keeps even if it is no date. */
  expires: string | null;
  websiteRedirectLocation: string | null;
  /** Null: STANDARD, for which S3 sends no header. */
  storageClass: string | null;
  /** The user metadata. Names are in lower case, without `x-amz-meta-`. */
  metadata: Record<string, string>;
}

export interface Retention {
  mode: 'GOVERNANCE' | 'COMPLIANCE';
  /** Milliseconds since the epoch. */
  untilMs: number;
}

/** The Object Lock settings of one version; `retention` null: none. */
export interface ObjectLock {
  retention: Retention | null;
  legalHold: boolean;
}

/** One grant of an ACL: `READ`, `READ_ACP`, `WRITE_ACP` or `FULL_CONTROL` for a canonical user id or a group URI. */
export interface Grant {
  grantee: { kind: 'user' | 'group'; id: string };
  permission: string;
}

/** The grants to others than the object's owner. */
export type Acl = Grant[];

/** Tags are sent apart from the bytes, and may change after the bytes were written. */
export type Tags = Record<string, string>;

/** One version of an object, as GET and HEAD show it. */
export interface ObjectState {
  /** Null: the bucket was never versioned. `"null"`: S3's null version. */
  versionId: string | null;
  /** An opaque text, with its quotes. */
  etag: string;
  sizeBytes: number;
  /** Milliseconds since the epoch; S3 gives whole seconds. */
  lastModifiedMs: number;
  /** S3's `x-amz-server-side-encryption`: `AES256`, `aws:kms`, `aws:kms:dsse`; null: the server sent no such header. */
  encryption: string | null;
  checksum: Checksum | null;
  attributes: ObjectAttributes;
  /** How many tags the version has, if the caller may know; otherwise 0. */
  tagCount: number;
  lock: ObjectLock;
}

/** Pins a read to one version. */
export type Pin = Pick<ObjectState, 'versionId' | 'etag' | 'sizeBytes' | 'checksum'>;

/** The object that S3 itself reads, with the rights of the role that writes; pinned like every read. */
export interface CopySource {
  bucket: string;
  key: string;
  pin: Pin;
}

/** The current answer for a key. */
export type Current =
  | { kind: 'object'; state: ObjectState }
  /** The object was deleted in a versioned bucket: a delete marker hides its versions. */
  | { kind: 'marker'; versionId: string }
  | { kind: 'absent' };

/** A version in the list of ListObjectVersions. */
export interface VersionEntry {
  kind: 'version';
  versionId: string;
  etag: string;
  sizeBytes: number;
  lastModifiedMs: number;
}

/** An entry of ListObjectVersions: a version or a delete marker. */
export type HistoryEntry = VersionEntry | { kind: 'marker'; versionId: string; lastModifiedMs: number };

/** The bytes of a version to read: all, those of one part as it was uploaded, or a byte range (both ends included). */
export type Slice =
  | { kind: 'whole' }
  | { kind: 'part'; partNumber: number }
  | { kind: 'range'; firstByte: number; lastByte: number };

export interface SlicedBody {
  body: Readable;
  sizeBytes: number;
  /** The stored checksum of exactly these bytes; null: S3 has none. */
  checksum: Checksum | null;
}

/** The source bucket of one rule. `versionId` null: the current version. */
export interface SourceBucket {
  /** HEAD of the current version. */
  look(key: string): Promise<Current>;
  /** HEAD of one version; null: the version is gone. */
  head(key: string, versionId: string): Promise<ObjectState | null>;
  /** GET. The caller must read or destroy the body. Null: there is no such object, or a delete marker. */
  open(key: string, versionId: string | null): Promise<{ state: ObjectState; body: Readable } | null>;
  /** GET pinned to this version: with VersionId if there is one, and always with If-Match. */
  read(key: string, pin: Pin, slice: Slice): Promise<SlicedBody>;
  /** HEAD with `partNumber`: the number of parts of the object, and the size of this part; null: the server does not tell. */
  part(key: string, pin: Pin, partNumber: number): Promise<{ parts: number; sizeBytes: number } | null>;
  /** ListObjectVersions of exactly this key, newest first, to the end. */
  history(key: string): Promise<HistoryEntry[]>;
  /** Null: the version is gone. */
  tags(key: string, versionId: string | null): Promise<Tags | null>;
  /** Null: the version is gone. */
  acl(key: string, versionId: string | null): Promise<Acl | null>;
  /** Requests the restore of an archived version; succeeds too if that was requested before. */
  restore(key: string, versionId: string | null, request: Restore): Promise<void>;
}

/** The state that the destination must still have when a write takes effect. */
export type Precondition = { kind: 'absent' } | { kind: 'unchanged'; etag: string };

/** The stored object according to the answer of S3. */
export interface Written {
  versionId: string | null;
  etag: string;
  encryption: string | null;
  checksum: Checksum | null;
}

/** How S3 can check the bytes that it receives. */
export type Guard =
  /** The value is known: S3 refuses bytes that differ. */
  | { kind: 'checksum'; checksum: Checksum }
  /** Base64 MD5 of the bytes. */
  | { kind: 'md5'; md5: string }
  /** No value is known: a CRC32 is computed on the way, so that S3 checks the bytes that we sent. */
  | { kind: 'compute' }
  | { kind: 'none' };

export interface UploadedPart {
  partNumber: number;
  etag: string;
  checksum: Checksum | null;
}

/** An entry of ListParts. */
export interface ListedPart extends UploadedPart {
  sizeBytes: number;
  /** Milliseconds since the epoch. */
  lastModifiedMs: number;
}

/** An entry of ListMultipartUploads. */
export interface ListedUpload {
  key: string;
  uploadId: string;
  /** Milliseconds since the epoch. */
  initiatedMs: number;
  /** The ARN of the initiator, with the session name if it is a role; null: S3 does not tell. */
  initiator: string | null;
}

/** How the parts of one upload are checked, as declared when the upload is created. */
export type UploadChecksum = Pick<Checksum, 'algorithm' | 'type'>;

/** The attributes that a replica is written with. */
export interface ReplicaAttributes extends ObjectAttributes {
  tags: Tags;
  lock: ObjectLock;
}

/** The destination bucket of one destination, written with the credentials of its role. */
export interface DestinationBucket {
  look(key: string): Promise<Current>;
  /** HEAD of one version; null: the version is gone. */
  head(key: string, versionId: string): Promise<ObjectState | null>;
  /** ListObjectVersions of exactly this key, newest first, page by page, so that the caller may stop early. */
  history(key: string): AsyncIterable<HistoryEntry>;
  /** DELETE with If-Match. Writes a delete marker and resolves to its id; in an unversioned bucket it removes the object. */
  remove(request: { key: string; etag: string }): Promise<{ versionId: string | null }>;
  tags(key: string, versionId: string | null): Promise<Tags | null>;
  putTags(key: string, versionId: string | null, tags: Tags): Promise<void>;
  acl(key: string, versionId: string | null): Promise<Acl | null>;
  putAcl(key: string, versionId: string | null, acl: Acl): Promise<void>;
  /** Throws `access-denied` if it would weaken the current retention or change its mode: no right to bypass governance is used. */
  putRetention(key: string, versionId: string | null, retention: Retention): Promise<void>;
  /** Places a legal hold; succeeds too if there is one. */
  putLegalHold(key: string, versionId: string | null): Promise<void>;
  put(request: {
    key: string;
    body: Readable | Buffer;
    sizeBytes: number;
    attributes: ReplicaAttributes;
    precondition: Precondition;
    guard: Guard;
  }): Promise<Written>;
  /** `checksum` null: S3's default. `encryption` is that of the answer. */
  createUpload(request: {
    key: string;
    attributes: ReplicaAttributes;
    checksum: UploadChecksum | null;
  }): Promise<{ uploadId: string; encryption: string | null }>;
  uploadPart(request: {
    key: string;
    uploadId: string;
    partNumber: number;
    body: Readable;
    sizeBytes: number;
    guard: Guard;
  }): Promise<UploadedPart>;
  completeUpload(request: {
    key: string;
    uploadId: string;
    /** In ascending order. */
    parts: UploadedPart[];
    sizeBytes: number;
    /** The checksum of the whole object; null: it is not known, or S3 cannot check it. */
    checksum: Checksum | null;
    precondition: Precondition;
  }): Promise<Written>;
  /**
   * CopyObject. A 200 with an error in the body is thrown like any other error. The reason is `access-denied` also if this role
   * may not read the source.
   */
  copyObject(request: {
    from: CopySource;
    key: string;
    attributes: ReplicaAttributes;
    precondition: Precondition;
    /**
     * The behaviour if the server ignores conditions, which AWS does not: refuse (`invalid-request`), or look whether the condition
     * holds just before the copy, which leaves a moment in which another write may be overwritten.
     */
    unchecked: 'refuse' | 'look';
  }): Promise<Written>;
  /** UploadPartCopy of these bytes, both ends included; null: of the whole source, which is empty. Throws as `copyObject`. */
  copyPart(request: {
    from: CopySource;
    key: string;
    uploadId: string;
    partNumber: number;
    bytes: { first: number; last: number } | null;
  }): Promise<UploadedPart>;
  /** ListParts in order, after this part number, page by page. Throws `lost-race` if the upload is gone. */
  parts(request: { key: string; uploadId: string; after: number }): AsyncIterable<ListedPart>;
  /** ListMultipartUploads of the keys with this prefix. */
  uploads(prefix: string): AsyncIterable<ListedUpload>;
  /** Succeeds too if the upload is gone. */
  abortUpload(request: { key: string; uploadId: string }): Promise<void>;
}

/** The two buckets of one rule and one of its destinations. */
export interface BothBuckets {
  source: SourceBucket;
  destination: DestinationBucket;
}

/** All buckets of the configuration, for one invocation. */
export interface Buckets {
  source(rule: ReplicationRule): SourceBucket;
  destination(destination: Destination): DestinationBucket;
}

/** The current invocation of the function. */
export interface Invocation {
  requestId: string;
  /** When all work must have ended, in milliseconds since the epoch. */
  deadlineMs: number;
  /** How many milliseconds a fresh invocation has. */
  fullTimeMs: number;
  /** How many bytes the copies under way have, which share the network. Only `copyVersion` changes it. */
  bytesUnderWay: number;
}

export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  sleep(ms: number): Promise<void>;
}
