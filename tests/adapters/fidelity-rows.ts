/**
 * The rows of the table in docs/fidelity.md. They describe what a replica has in place of each attribute of
 * an S3 object. The rows about headers come from the table with which the adapters read and write headers.
 * The other rows are written here.
 */
import { type HeaderAttributes, KEPT_HEADERS } from '../../src/lib/aws/s3/object/object-headers.ts';

export interface Row {
  attribute: string;
  /** The names of the attribute in the S3 API: members of requests and responses about one object. */
  members: readonly string[];
  /**
   * `kept` means that the replica has the same value. `mapped` means that the configuration sets the value.
   * `re-created` means that S3 creates a new value.
   */
  replica: 'kept' | 'mapped' | 're-created' | 'impossible' | 'left out';
  why: string;
  /**
   * The event that S3 sends when the attribute changes without a new version. Null if only a new version can
   * change the attribute.
   */
  later: string | null;
}

const NO_EVENT = 'no event';

const NAMES: Readonly<Record<keyof HeaderAttributes, string>> = {
  cacheControl: 'Cache-Control',
  contentDisposition: 'Content-Disposition',
  contentEncoding: 'Content-Encoding',
  contentLanguage: 'Content-Language',
  contentType: 'Content-Type',
  expires: 'Expires',
  websiteRedirectLocation: 'Website redirect',
  storageClass: 'Storage class',
};

const HEADER_NOTES: { [Name in keyof HeaderAttributes]?: Partial<Row> } = {
  contentDisposition: { why: 'The same text, file names in raw UTF-8 too.' },
  expires: {
    why: 'The same text: S3 keeps whatever was written there, a date or not.',
    members: ['Expires'],
  },
  storageClass: {
    replica: 'mapped',
    why: "The source object's, or the destination's `storageClass` or `minimumStorageClass`. A transition by lifecycle rules does not travel; Intelligent-Tiering begins in its first tier.",
    later: NO_EVENT,
  },
};

const headerRows: Row[] = Object.entries(KEPT_HEADERS).map(([name, { read, written }]) => {
  const { members = [], ...note } = HEADER_NOTES[name as keyof HeaderAttributes] ?? {};
  return {
    attribute: NAMES[name as keyof HeaderAttributes],
    members: [...new Set([read, 'field' in written ? written.field : read, ...members])],
    replica: 'kept',
    why: 'The same text.',
    later: null,
    ...note,
  };
});

export const ROWS: readonly Row[] = [
  {
    attribute: 'Key',
    members: ['Key'],
    replica: 'mapped',
    why: "The same, or with the destination's `prefix` in place of the rule's.",
    later: null,
  },
  {
    attribute: 'Bytes and size',
    members: ['Body', 'ContentLength', 'ObjectSize', 'Size'],
    replica: 'kept',
    why: 'No replica counts as good without a proof ([decision 004](../decisions/004-proof-of-the-copy.md)).',
    later: null,
  },
  {
    attribute: 'Parts',
    members: ['PartsCount', 'ObjectParts'],
    replica: 'kept',
    why: 'Written with the boundaries of the source, or in equal parts if S3 does not show them.',
    later: null,
  },
  {
    attribute: 'ETag',
    members: ['ETag'],
    replica: 'kept',
    why: 'Follows from bytes and parts. With SSE-KMS or DSSE-KMS at either side S3 makes another one.',
    later: null,
  },
  {
    attribute: 'Checksum, of each algorithm of S3',
    members: [
      'ChecksumCRC32',
      'ChecksumCRC32C',
      'ChecksumCRC64NVME',
      'ChecksumSHA1',
      'ChecksumSHA256',
      'ChecksumSHA512',
      'ChecksumMD5',
      'ChecksumXXHASH64',
      'ChecksumXXHASH3',
      'ChecksumXXHASH128',
      'ChecksumType',
      'ChecksumAlgorithm',
      'Checksum',
    ],
    replica: 'kept',
    why: 'Handed to S3 with the write, which refuses bytes that differ; none is computed again. A replica of an object without one has what S3 or the proof adds.',
    later: null,
  },
  ...headerRows,
  {
    attribute: 'User metadata',
    members: ['Metadata'],
    replica: 'kept',
    why: 'And `x-amz-meta-s3r`, [the stamp](#the-stamp), where there is room for it. The stamp of another replicator is taken out.',
    later: null,
  },
  {
    attribute: 'User metadata that S3 cannot return',
    members: ['MissingMeta'],
    replica: 'impossible',
    why: 'S3 only says how many entries it withholds. The object is quarantined as `invalid-request`.',
    later: null,
  },
  {
    attribute: 'Tags',
    members: ['TagCount', 'Tagging'],
    replica: 'kept',
    why: 'Written with the object; [a set too long for a header](#tags-grants-and-locks) right after it. With `tags: ignore` none.',
    later: '`s3:ObjectTagging:*`',
  },
  {
    attribute: 'ACL',
    members: ['ACL', 'GrantFullControl', 'GrantRead', 'GrantReadACP', 'GrantWriteACP'],
    replica: 'mapped',
    why: 'With `acl: replicate` the grants to others than the owner, given right after the write. Otherwise none.',
    later: '`s3:ObjectAcl:Put`',
  },
  {
    attribute: 'Owner',
    members: ['Owner'],
    replica: 'mapped',
    why: 'The destination account. This grants nothing to the owner of the source object.',
    later: null,
  },
  {
    attribute: 'Object Lock: retention',
    members: ['ObjectLockMode', 'ObjectLockRetainUntilDate'],
    replica: 'kept',
    why: 'Or mapped: `objectLock: governance` weakens compliance mode, `ignore` leaves it out. A retention above `maxRetentionDays` is cut to it. One that is over is left out, because S3 refuses it.',
    later: '`s3:ObjectRetention:Put`',
  },
  {
    attribute: 'Object Lock: legal hold',
    members: ['ObjectLockLegalHoldStatus'],
    replica: 'kept',
    why: 'Left out with `objectLock: ignore`. A hold that is lifted at the source stays on the replica.',
    later: NO_EVENT,
  },
  {
    attribute: 'Object Lock: event hold',
    members: ['ObjectLockEventHold', 'ObjectLockEventHoldDurationDays', 'ObjectLockEventHoldDurationYears'],
    replica: 'left out',
    why: 'Quarantined as `object-lock`, unless every destination of the rule says `objectLock: ignore`.',
    later: '`s3:ObjectRetention:Put`',
  },
  {
    attribute: 'Encryption',
    members: ['ServerSideEncryption', 'SSEKMSKeyId', 'BucketKeyEnabled'],
    replica: 'mapped',
    why: "Encrypted again: the destination's `encryption` and `kmsKeyArn`, or its bucket's default. With SSE-KMS always with an S3 Bucket Key, with DSSE-KMS never: S3 has none.",
    later: 'no matter: the replica has its own',
  },
  {
    attribute: 'Encryption context',
    members: ['SSEKMSEncryptionContext'],
    replica: 'impossible',
    why: 'S3 does not give it back. The replica has the default one of S3.',
    later: null,
  },
  {
    attribute: 'Encryption with a key of the client (SSE-C)',
    members: ['SSECustomerAlgorithm', 'SSECustomerKey', 'SSECustomerKeyMD5'],
    replica: 'impossible',
    why: 'Only who has the key can read it. Quarantined as `sse-c`.',
    later: null,
  },
  {
    attribute: 'Archived, restored',
    members: ['ArchiveStatus', 'Restore', 'RestoreStatus'],
    replica: 're-created',
    why: 'A state of the source. Archived objects are quarantined as `archived` or asked for (`restore:`); a replica in an archive class is archived from the start.',
    later: '`s3:ObjectRestore:Completed`',
  },
  {
    attribute: 'Expiration',
    members: ['Expiration'],
    replica: 're-created',
    why: 'By the lifecycle rules of the destination bucket.',
    later: 'no matter: the replica has its own',
  },
  {
    attribute: 'Order of versions',
    members: ['IsLatest'],
    replica: 'kept',
    why: 'With `versions: all`, see [History](#history).',
    later: null,
  },
  {
    attribute: 'Delete marker',
    members: ['DeleteMarker'],
    replica: 're-created',
    why: 'With `deletes: replicate`. It has an id and a time of its own.',
    later: '`s3:ObjectRemoved:*`, `s3:LifecycleExpiration:*`',
  },
  {
    attribute: 'Version id',
    members: ['VersionId'],
    replica: 'impossible',
    why: 'S3 gives each write a new one. That of the source is in the stamp and in the receipt.',
    later: null,
  },
  {
    attribute: 'Last-Modified',
    members: ['LastModified'],
    replica: 'impossible',
    why: 'S3 sets it. That of the source is in the stamp, in seconds.',
    later: null,
  },
  {
    attribute: 'Replication status',
    members: ['ReplicationStatus'],
    replica: 'impossible',
    why: 'S3 sets it for its own replication only.',
    later: null,
  },
  {
    attribute: 'Annotations',
    members: [],
    replica: 'left out',
    why: 'Payloads beside the object, up to 1 GiB in all, with an API of their own.',
    later: 'not subscribed to',
  },
];

/** Members of the same requests and responses that do not describe the object. */
export const NO_ATTRIBUTES = [
  'AcceptRanges',
  'Bucket',
  'ContentMD5',
  'ContentRange',
  'ExpectedBucketOwner',
  'IfMatch',
  'IfNoneMatch',
  'RequestCharged',
  'RequestPayer',
  'WriteOffsetBytes',
] as const;
