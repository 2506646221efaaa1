/**
 * What the domain needs from the outside, in S3's own words. The adapters are in `lib/aws`.
 *
 * Every function throws {@link ReplicationError} and nothing else. A failed condition (412, 409, or 404 where If-Match
 * was sent) and a pinned version that is no longer there are the reason `lost-race`: somebody else moved, look again.
 */
import type { Readable } from 'node:stream';
import type { Destination, ReplicationRule, Restore } from './rule.ts';

/** Checksum algorithms of S3 ("Checking object integrity", S3 User Guide). */
export type ChecksumAlgorithm = 'CRC32' | 'CRC32C' | 'CRC64NVME' | 'SHA1' | 'SHA256';

/** As S3 stores it: base64, with `-N` at the end where the type is composite. */
export interface Checksum {
  algorithm: ChecksumAlgorithm;
  type: 'FULL_OBJECT' | 'COMPOSITE';
  value: string;
}

/** What a replica takes over from its source object. Null: S3 sent no such header. */
export interface ObjectAttributes {
  cacheControl: string | null;
  contentDisposition: string | null;
  contentEncoding: string | null;
  contentLanguage: string | null;
  contentType: string | null;
  /** Verbatim: S3 keeps whatever the uploader wrote, a date or not. */
  expires: string | null;
  websiteRedirectLocation: string | null;
  /** Null: STANDARD, for which S3 sends no header. */
  storageClass: string | null;
  /** User metadata, names in lower case without `x-amz-meta-`. */
  metadata: Record<string, string>;
}

export interface Retention {
  mode: 'GOVERNANCE' | 'COMPLIANCE';
  /** Milliseconds since the epoch. */
  untilMs: number;
}

/** Object lock of one version; null where it has none of the kind. */
export interface ObjectLock {
  retention: Retention | null;
  legalHold: boolean;
}

/** One grant of an ACL: `READ`, `READ_ACP`, `WRITE_ACP` or `FULL_CONTROL` for a canonical user id or a group URI. */
export interface Grant {
  grantee: { kind: 'user' | 'group'; id: string };
  permission: string;
}

/** Grants to others than the object's owner. */
export type Acl = Grant[];

/** What travels apart from the bytes, and may change after they were written. */
export type Tags = Record<string, string>;

/** One version of an object, as GET or HEAD shows it. */
export interface ObjectState {
  /** Null: the bucket was never versioned. `"null"`: S3's null version. */
  versionId: string | null;
  /** Opaque, with its quotes. */
  etag: string;
  sizeBytes: number;
  /** Milliseconds since the epoch; S3 gives whole seconds. */
  lastModifiedMs: number;
  /** S3's `x-amz-server-side-encryption`: `AES256`, `aws:kms`, `aws:kms:dsse`; null where a server sends none. */
  encryption: string | null;
  checksum: Checksum | null;
  attributes: ObjectAttributes;
  /** How many tags it has, where the caller may know. */
  tagCount: number;
  lock: ObjectLock;
}

/** What pins a read to one version. */
export type Pin = Pick<ObjectState, 'versionId' | 'etag' | 'sizeBytes' | 'checksum'>;

/** What S3 itself reads, with the rights of the role that writes; pinned like every read. */
export interface CopySource {
  bucket: string;
  key: string;
  pin: Pin;
}

/** What a key shows now. */
export type Current =
  | { kind: 'object'; state: ObjectState }
  /** Deleted, but the bucket is versioned: a delete marker hides what was there. */
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

/** Which bytes of a version to read: all, or those of one part as it was uploaded, or a range (both ends included). */
export type Slice =
  | { kind: 'whole' }
  | { kind: 'part'; partNumber: number }
  | { kind: 'range'; firstByte: number; lastByte: number };

export interface SlicedBody {
  body: Readable;
  sizeBytes: number;
  /** The stored checksum of just these bytes, where S3 has one. */
  checksum: Checksum | null;
}

/** The source bucket of one rule. `versionId` null: the current version. */
export interface SourceBucket {
  /** HEAD of the current version. */
  look(key: string): Promise<Current>;
  /** HEAD of one version; null where it is gone. */
  head(key: string, versionId: string): Promise<ObjectState | null>;
  /** GET; whoever gets the body must read or destroy it. Null: no such object, or a delete marker. */
  open(key: string, versionId: string | null): Promise<{ state: ObjectState; body: Readable } | null>;
  /** GET pinned to this version (VersionId where there is one, If-Match always). */
  read(key: string, pin: Pin, slice: Slice): Promise<SlicedBody>;
  /** How many parts HEAD with `partNumber` says the object has, and that part's size; null where it does not say. */
  part(key: string, pin: Pin, partNumber: number): Promise<{ parts: number; sizeBytes: number } | null>;
  /** ListObjectVersions of exactly this key, newest first, to the end. */
  history(key: string): Promise<HistoryEntry[]>;
  /** Null: the version is gone. */
  tags(key: string, versionId: string | null): Promise<Tags | null>;
  /** Null: the version is gone. */
  acl(key: string, versionId: string | null): Promise<Acl | null>;
  /** Asks for an archived version; succeeds too where that was done before. */
  restore(key: string, versionId: string | null, request: Restore): Promise<void>;
}

/** What must still be so at the destination when a write takes effect. */
export type Precondition = { kind: 'absent' } | { kind: 'unchanged'; etag: string };

/** What S3 says it stored. */
export interface Written {
  versionId: string | null;
  etag: string;
  encryption: string | null;
  checksum: Checksum | null;
}

/** How S3 can check the bytes it receives. */
export type Guard =
  /** The value is known: S3 refuses bytes that differ. */
  | { kind: 'checksum'; checksum: Checksum }
  /** Base64 MD5 of the bytes. */
  | { kind: 'md5'; md5: string }
  /** Nothing is known: a CRC32 is computed on the way and S3 checks what we sent. */
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
  /** The ARN of whoever began it (of a role: with its session name); null where S3 does not say. */
  initiator: string | null;
}

/** How the parts of one upload are checked, said when it is created. */
export type UploadChecksum = Pick<Checksum, 'algorithm' | 'type'>;

/** What a replica is written with besides its bytes. */
export interface ReplicaAttributes extends ObjectAttributes {
  tags: Tags;
  lock: ObjectLock;
}

/** The destination bucket of one destination, written with the credentials of its role. */
export interface DestinationBucket {
  look(key: string): Promise<Current>;
  /** HEAD of one version; null where it is gone. */
  head(key: string, versionId: string): Promise<ObjectState | null>;
  /** ListObjectVersions of exactly this key, newest first, page by page: whoever has seen enough stops asking. */
  history(key: string): AsyncIterable<HistoryEntry>;
  /** DELETE with If-Match: a delete marker, or in an unversioned bucket the end of the object. Answers the marker's id. */
  remove(request: { key: string; etag: string }): Promise<{ versionId: string | null }>;
  tags(key: string, versionId: string | null): Promise<Tags | null>;
  putTags(key: string, versionId: string | null, tags: Tags): Promise<void>;
  acl(key: string, versionId: string | null): Promise<Acl | null>;
  putAcl(key: string, versionId: string | null, acl: Acl): Promise<void>;
  /** `access-denied` where it would weaken the retention of before, or change its mode: no right to bypass governance is used. */
  putRetention(key: string, versionId: string | null, retention: Retention): Promise<void>;
  /** Places a legal hold; succeeds too where there is one. */
  putLegalHold(key: string, versionId: string | null): Promise<void>;
  put(request: {
    key: string;
    body: Readable | Buffer;
    sizeBytes: number;
    attributes: ReplicaAttributes;
    precondition: Precondition;
    guard: Guard;
  }): Promise<Written>;
  /** `checksum` null: S3's default. `encryption` as the answer says. */
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
    /** The checksum of the whole object, where it is known and S3 can check it. */
    checksum: Checksum | null;
    precondition: Precondition;
  }): Promise<Written>;
  /**
   * CopyObject. Its 200 with an error in the body is thrown like any other. `access-denied` also where this role may not read
   * the source.
   */
  copyObject(request: {
    from: CopySource;
    key: string;
    attributes: ReplicaAttributes;
    precondition: Precondition;
    /**
     * Where the server ignores conditions, as AWS does not: refuse (`invalid-request`), or look whether it still holds just
     * before, which leaves a moment in which something may be overwritten.
     */
    unchecked: 'refuse' | 'look';
  }): Promise<Written>;
  /** UploadPartCopy of these bytes, both ends included; null: of the whole source, which has none. Throws as `copyObject`. */
  copyPart(request: {
    from: CopySource;
    key: string;
    uploadId: string;
    partNumber: number;
    bytes: { first: number; last: number } | null;
  }): Promise<UploadedPart>;
  /** ListParts in order, after this part number, page by page. `lost-race` where the upload is gone. */
  parts(request: { key: string; uploadId: string; after: number }): AsyncIterable<ListedPart>;
  /** ListMultipartUploads of keys with this prefix. */
  uploads(prefix: string): AsyncIterable<ListedUpload>;
  /** Succeeds too where the upload is gone. */
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

/** What is left of the invocation. */
export interface Invocation {
  requestId: string;
  /** Milliseconds since the epoch after which no work may be under way. */
  deadlineMs: number;
  /** What a fresh invocation would have, milliseconds. */
  fullTimeMs: number;
  /** Bytes of the copies under way, which share the network. Changed by `copyVersion` alone. */
  bytesUnderWay: number;
}

export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  sleep(ms: number): Promise<void>;
}
