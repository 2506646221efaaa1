/**
 * The interfaces through which the domain uses S3, with the names that S3 uses. `lib/aws` implements them.
 *
 * Every function throws {@link ReplicationError} and nothing else. The reason is `lost-race` if a condition failed (412, 409, or
 * 404 to a request with If-Match), or if a pinned version no longer exists. In both cases another writer was faster, and the
 * caller has to look at both sides again.
 */
import type { Readable } from 'node:stream';
import type { Destination, ReplicationRule, Restore } from './rule.ts';

/** Checksum algorithms of S3 ("Checking object integrity", S3 User Guide). */
export type ChecksumAlgorithm =
  | 'CRC32'
  | 'CRC32C'
  | 'CRC64NVME'
  | 'SHA1'
  | 'SHA256'
  | 'SHA512'
  | 'MD5'
  | 'XXHASH64'
  | 'XXHASH3'
  | 'XXHASH128';

/** A checksum as S3 stores it. The value is base64, with `-N` at the end if the type is composite. */
export interface Checksum {
  algorithm: ChecksumAlgorithm;
  type: 'FULL_OBJECT' | 'COMPOSITE';
  value: string;
}

/** The headers that a replica gets from its source object. A field is null if S3 sent no such header. */
export interface ObjectAttributes {
  cacheControl: string | null;
  contentDisposition: string | null;
  contentEncoding: string | null;
  contentLanguage: string | null;
  contentType: string | null;
  /** The text that the uploader sent. S3 stores the text even if it is not a date. */
  expires: string | null;
  websiteRedirectLocation: string | null;
  /** The storage class; null: STANDARD, for which S3 sends no header. */
  storageClass: string | null;
  /** The user metadata. Names are in lower case, without `x-amz-meta-`. */
  metadata: Record<string, string>;
}

export interface Retention {
  mode: 'GOVERNANCE' | 'COMPLIANCE';
  /** Milliseconds since the epoch. */
  untilMs: number;
}

/** The default retention of a bucket. S3 gives it to every new version that is written without a retention. */
export interface DefaultRetention {
  mode: Retention['mode'];
  days: number;
}

/** The Object Lock settings of one version. `retention` is null if the version has no retention. */
export interface ObjectLock {
  retention: Retention | null;
  legalHold: boolean;
}

/**
 * One grant of an ACL. The grantee is a canonical user id or the URI of a group. The permission is `READ`, `READ_ACP`,
 * `WRITE_ACP` or `FULL_CONTROL`.
 */
export interface Grant {
  grantee: { kind: 'user' | 'group'; id: string };
  permission: string;
}

/** The grants of an object to everybody except its owner. */
export type Acl = Grant[];

/** The tags of an object. S3 returns tags separately from the object, and tags can change without a new version. */
export type Tags = Record<string, string>;

/** One version of an object, as GET and HEAD show it. */
export interface ObjectState {
  /** The version id; null: the bucket was never versioned. The text `"null"` is the id of S3's null version. */
  versionId: string | null;
  /** The ETag as S3 sends it, with its quotes. */
  etag: string;
  sizeBytes: number;
  /** The time in milliseconds since the epoch. S3 gives whole seconds. */
  lastModifiedMs: number;
  /**
   * The header `x-amz-server-side-encryption`: `AES256`, `aws:kms` or `aws:kms:dsse`; `SSE-C`: with a key of the customer; null: the server
   * sent no such header.
   */
  encryption: string | null;
  checksum: Checksum | null;
  attributes: ObjectAttributes;
  /** How many tags the version has. The number is 0 if the caller has no permission to read tags. */
  tagCount: number;
  lock: ObjectLock;
}

/** The fields that pin a read to one version. */
export type Pin = Pick<ObjectState, 'versionId' | 'etag' | 'sizeBytes' | 'checksum'>;

/**
 * The object that S3 itself copies. S3 reads the object with the permissions of the role that writes the copy. Like every read of
 * a source, this read is pinned to one version.
 */
export interface CopySource {
  bucket: string;
  /** The account that owns the bucket; null: the account of this deployment. */
  account: string | null;
  key: string;
  pin: Pin;
}

/** The current state of a key. */
export type Current =
  | { kind: 'object'; state: ObjectState }
  /** The object was deleted in a versioned bucket, so a delete marker hides all versions of the key. */
  | { kind: 'marker'; versionId: string }
  | { kind: 'absent' };

/** A version, as ListObjectVersions lists it. */
export interface VersionEntry {
  kind: 'version';
  versionId: string;
  etag: string;
  sizeBytes: number;
  lastModifiedMs: number;
}

/** An entry of ListObjectVersions: a version or a delete marker. */
export type HistoryEntry = VersionEntry | { kind: 'marker'; versionId: string; lastModifiedMs: number };

/** The bytes of a version to read: all bytes, the bytes of one uploaded part, or a byte range (both ends included). */
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

export interface NeighboursRequest {
  /** All requested keys begin with this text. */
  prefix: string;
  /** The first requested key. */
  first: string;
  /** Maximum number of entries, up to 1,000. */
  maxEntries: number;
}

/** One page of a listing of many keys. */
export interface Neighbours {
  /**
   * The history, newest first, of each key whose entries are all on the page. The keys are in S3's order. A key without entries
   * is left out.
   */
  histories: ReadonlyMap<string, HistoryEntry[]>;
  /** True if no further key with the prefix follows this page. */
  isWhole: boolean;
}

/** The source bucket of one rule. A `versionId` of null means the current version. */
export interface SourceBucket {
  /** HEAD of the current version. Resolves to the object or delete marker that the key shows. */
  look(key: string): Promise<Current>;
  /** HEAD of one version. Resolves to null if the version is gone. */
  head(key: string, versionId: string): Promise<ObjectState | null>;
  /** GET. The caller must read or destroy the body. Resolves to null if there is no such object, or only a delete marker. */
  open(key: string, versionId: string | null): Promise<{ state: ObjectState; body: Readable } | null>;
  /** GET pinned to this version. The request always has If-Match. It also has a VersionId if the version has an id. */
  read(key: string, pin: Pin, slice: Slice): Promise<SlicedBody>;
  /**
   * HEAD with `partNumber`. Resolves to the number of parts of the object and the size of this part, or to null if the server
   * does not report them.
   */
  part(key: string, pin: Pin, partNumber: number): Promise<{ parts: number; sizeBytes: number } | null>;
  /**
   * Lists versions and delete markers of exactly this key, newest first (ListObjectVersions). Lists all of them, or only as far as the
   * first entry for which `until` is true. Without `until`, an event of a key with a hundred thousand versions would cost a hundred
   * calls.
   */
  history(key: string, until?: (entry: HistoryEntry) => boolean): Promise<HistoryEntry[]>;
  /** Lists versions and delete markers of `first` and of the keys after it, in one request. */
  neighbours(request: NeighboursRequest): Promise<Neighbours>;
  /** Reads the tags. Resolves to null if the version is gone. */
  tags(key: string, versionId: string | null): Promise<Tags | null>;
  /** Reads the grants. Resolves to null if the version is gone. */
  acl(key: string, versionId: string | null): Promise<Acl | null>;
  /** Requests the restore of an archived version. Also succeeds if the restore was requested before. */
  restore(key: string, versionId: string | null, request: Restore): Promise<void>;
}

/** The state that the destination must still have when a write takes effect. */
export type Precondition = { kind: 'absent' } | { kind: 'unchanged'; etag: string };

/** The stored object, as the response of S3 describes it. */
export interface Written {
  versionId: string | null;
  etag: string;
  encryption: string | null;
  checksum: Checksum | null;
}

/** How S3 can check the bytes that it receives. */
export type Guard =
  /** The checksum is known before the bytes are sent, so S3 refuses bytes that differ. */
  | { kind: 'checksum'; checksum: Checksum }
  /** The MD5 of the bytes, in base64, is known before the bytes are sent. */
  | { kind: 'md5'; md5: string }
  /**
   * No checksum is known beforehand. A CRC32 is computed while the bytes are sent, and S3 compares it with the bytes that arrive.
   */
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
  /** The ARN of the initiator, which contains the session name if the initiator is a role; null: S3 did not report it. */
  initiator: string | null;
  /** The checksum that was declared when the upload was created; null: none is listed. */
  checksum: UploadChecksum | null;
}

/** The checksum with which S3 checks the parts of one upload, declared when the upload is created. */
export type UploadChecksum = Pick<Checksum, 'algorithm' | 'type'>;

/** The attributes of a replica, which are sent when the replica is written. */
export interface ReplicaAttributes extends ObjectAttributes {
  tags: Tags;
  lock: ObjectLock;
}

/** The bucket of one destination, accessed with the credentials of the destination's role. */
export interface DestinationBucket {
  /** HEAD of the current version. If S3 shows an object only with the key of a customer (SSE-C), its state comes from the listing. */
  look(key: string): Promise<Current>;
  /** HEAD of one version. Resolves to null if the version is gone, or if S3 shows it only with the key of a customer. */
  head(key: string, versionId: string): Promise<ObjectState | null>;
  /**
   * GET pinned to this version, like `SourceBucket.read`. Used only by a comparison that an operator asks to read the bytes of
   * both sides.
   */
  read(key: string, pin: Pin, slice: Slice): Promise<SlicedBody>;
  /**
   * Lists all versions and delete markers of exactly this key, newest first (ListObjectVersions). The pages are requested one by
   * one, so that the caller may stop early.
   */
  history(key: string): AsyncIterable<HistoryEntry>;
  /**
   * Resolves to false if a write replaces the current object in place, because versioning is off or suspended
   * (GetBucketVersioning). Resolves to true if the role may not ask.
   */
  keepsVersions(): Promise<boolean>;
  /**
   * DELETE with If-Match. In a versioned bucket, writes a delete marker and resolves to its id. In an unversioned bucket, removes
   * the object.
   */
  remove(request: { key: string; etag: string }): Promise<{ versionId: string | null }>;
  tags(key: string, versionId: string | null): Promise<Tags | null>;
  putTags(key: string, versionId: string | null, tags: Tags): Promise<void>;
  acl(key: string, versionId: string | null): Promise<Acl | null>;
  putAcl(key: string, versionId: string | null, acl: Acl): Promise<void>;
  /**
   * Sets the retention of a version. Throws `access-denied` if the new retention would weaken the current one or change its mode.
   * The request never bypasses governance.
   */
  putRetention(key: string, versionId: string | null, retention: Retention): Promise<void>;
  /** Places a legal hold. Also succeeds if the version already has one. */
  putLegalHold(key: string, versionId: string | null): Promise<void>;
  put(request: {
    key: string;
    body: Readable | Buffer;
    sizeBytes: number;
    attributes: ReplicaAttributes;
    precondition: Precondition;
    guard: Guard;
  }): Promise<Written>;
  /**
   * If `checksum` is null, S3 uses its default algorithm. Resolves to the upload id and to the encryption that S3's response contains.
   * `precondition` is the condition for the completion of the upload, and S3 checks it only then.
   */
  createUpload(request: {
    key: string;
    attributes: ReplicaAttributes;
    checksum: UploadChecksum | null;
    precondition?: Precondition;
  }): Promise<{ uploadId: string; encryption: string | null }>;
  uploadPart(request: {
    key: string;
    uploadId: string;
    partNumber: number;
    body: Readable | Buffer;
    sizeBytes: number;
    guard: Guard;
  }): Promise<UploadedPart>;
  completeUpload(request: {
    key: string;
    uploadId: string;
    /** The parts by ascending part number. */
    parts: UploadedPart[];
    sizeBytes: number;
    /** The checksum of the whole object; null: it is not known, or S3 cannot check it. */
    checksum: Checksum | null;
    precondition: Precondition;
  }): Promise<Written>;
  /**
   * CopyObject. If the response has status 200 but its body contains an error, that error is thrown like any other. Also throws
   * `access-denied` if the destination's role is not allowed to read the source, and `no-such-bucket` if the server does not find the
   * source. The caller must find out whether the source exists.
   */
  copyObject(request: {
    from: CopySource;
    key: string;
    attributes: ReplicaAttributes;
    precondition: Precondition;
    /**
     * What to do if the server ignores conditions, which AWS never does. `refuse` throws `invalid-request`. `look` checks the
     * condition with a separate request just before the copy. A write by somebody else between that request and the copy may be
     * overwritten.
     */
    unchecked: 'refuse' | 'look';
  }): Promise<Written>;
  /**
   * UploadPartCopy of `bytes`, both ends included. `bytes` is null if the source is empty. The whole source is then copied.
   * Throws the same errors as `copyObject`.
   */
  copyPart(request: {
    from: CopySource;
    key: string;
    uploadId: string;
    partNumber: number;
    bytes: { first: number; last: number } | null;
  }): Promise<UploadedPart>;
  /**
   * Lists the parts whose numbers are greater than `after`, in ascending order and page by page (ListParts). Throws `lost-race`
   * if the upload is gone.
   */
  parts(request: { key: string; uploadId: string; after: number }): AsyncIterable<ListedPart>;
  /** Lists the unfinished uploads of all keys with this prefix (ListMultipartUploads). */
  uploads(prefix: string): AsyncIterable<ListedUpload>;
  /**
   * Resolves to true if the bucket is known to have a default retention. S3 then accepts uploads only with a checksum in a header. The
   * first call of an execution environment asks S3 (GetObjectLockConfiguration). If the role may not ask, resolves to false until
   * `foundLocked` is called.
   */
  locksByDefault(): Promise<boolean>;
  /** Resolves to the default retention of the bucket, or to null if there is none or it is unknown. Asks S3 as `locksByDefault` does. */
  defaultRetention(): Promise<DefaultRetention | null>;
  /**
   * Called after a refusal that shows that the bucket has a default retention. Remembers this for the life of the execution environment.
   */
  foundLocked(): void;
  /** Aborts the upload. Also succeeds if the upload is gone. */
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
  /** The time by which all work must have ended, in milliseconds since the epoch. */
  deadlineMs: number;
  /** How many milliseconds an invocation has in all, from its start to its deadline. */
  fullTimeMs: number;
  /** How many bytes the running copies have in all. The copies share the network. Only `copyVersion` changes this number. */
  bytesUnderWay: number;
  /** How many bytes of bodies the running copies hold in memory in all. Only `uploadChecked` changes this number. */
  heldBytes: number;
}

export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  sleep(ms: number): Promise<void>;
}

/** Watches the calls that wait for an answer of a destination. */
export interface AnswerWatch {
  /**
   * Called when a call begins to wait for an answer. The watch may call `abort`, which aborts this call alone, until the caller
   * calls `end`. The caller always calls `end`. `afterMs` is how much longer than usual the answer may take.
   */
  begin(destination: Destination, call: { abort: () => void; afterMs?: number }): { end(): void };
}
