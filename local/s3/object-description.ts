/** What a writer says about an object in headers, and the same said back to a reader. */
import { encryptionOf, encryptionHeaders } from './encryption.ts';
import { S3Error } from './errors.ts';
import type { Bucket, ObjectDescription, StoredObject } from './model.ts';
import { accountOf, header, type BucketContext, type S3Request } from './request.ts';
import { parseTaggingHeader } from './tags.ts';
import { parseUserMetadata, userMetadataHeaders } from './user-metadata.ts';
import { hasVersionIds } from './versions.ts';
import type { S3State } from './state.ts';

/** Reads and checks the describing headers of PutObject and CreateMultipartUpload. */
export const parseDescription = (context: BucketContext): ObjectDescription => {
  const { state, request, bucket } = context;
  refuseLock(request);
  return {
    contentHeaders: parseContentHeaders(request),
    metadata: parseUserMetadata(request.aws.headers),
    websiteRedirectLocation: parseWebsiteRedirect(request),
    storageClass: parseStorageClass(request),
    tags: parseTaggingHeader(header(request, 'x-amz-tagging')),
    encryption: encryptionOf(state, request, bucket),
    ownerAccountId: ownerOf(request, bucket),
  };
};

const parseContentHeaders = (request: S3Request): Record<string, string> => {
  const headers: Record<string, string> = {};
  for (const name of CONTENT_HEADERS) {
    const value = name === 'content-encoding' ? contentEncoding(request) : header(request, name);
    if (value !== undefined && value !== '') headers[name] = value;
  }
  return headers;
};

/** Throws InvalidStorageClass. */
const parseStorageClass = (request: S3Request): string => {
  const storageClass = header(request, 'x-amz-storage-class') ?? 'STANDARD';
  if (!STORAGE_CLASSES.includes(storageClass))
    throw new S3Error('InvalidStorageClass', { elements: { StorageClassRequested: storageClass } });
  return storageClass;
};

const parseWebsiteRedirect = (request: S3Request): string | null => {
  const location = header(request, 'x-amz-website-redirect-location');
  if (location === undefined) return null;
  if (!/^(\/|https?:\/\/)/.test(location) || location.length > 2048)
    throw new S3Error('InvalidRequest', {
      message: 'The website redirect location must have a prefix of http:// or https:// or /.',
    });
  return location;
};

/** Who owns a new object. Throws AccessControlListNotSupported where ACLs are off. */
export const ownerOf = (request: S3Request, bucket: Bucket): string => {
  const acl = header(request, 'x-amz-acl');
  const grants = Object.keys(request.aws.headers).some((name) => name.startsWith('x-amz-grant-'));
  if (bucket.ownership === 'BucketOwnerEnforced') {
    if (grants || (acl !== undefined && acl !== 'bucket-owner-full-control'))
      throw new S3Error('AccessControlListNotSupported');
    return bucket.accountId;
  }
  if (acl !== undefined && !CANNED_ACLS.includes(acl))
    throw new S3Error('InvalidArgument', { elements: { ArgumentName: 'x-amz-acl', ArgumentValue: acl } });
  const given = bucket.ownership === 'BucketOwnerPreferred' && acl === 'bucket-owner-full-control';
  return given ? bucket.accountId : accountOf(request.aws.caller);
};

/** The headers of a GET or HEAD answer that describe the object, without those about the range asked for. */
export const descriptionHeaders = (
  state: S3State,
  bucket: Bucket,
  object: StoredObject,
): Record<string, string> => ({
  'Last-Modified': new Date(object.lastModifiedMs).toUTCString(),
  ETag: `"${object.etag}"`,
  'Accept-Ranges': 'bytes',
  'Content-Type': 'binary/octet-stream',
  ...titleCased(object.contentHeaders),
  ...encryptionHeaders(state, bucket, object.encryption),
  ...userMetadataHeaders(object.metadata),
  ...(hasVersionIds(bucket) ? { 'x-amz-version-id': object.versionId } : {}),
  ...(object.storageClass === 'STANDARD' ? {} : { 'x-amz-storage-class': object.storageClass }),
  ...(object.tags.length === 0 ? {} : { 'x-amz-tagging-count': String(object.tags.length) }),
  ...(object.websiteRedirectLocation === null
    ? {}
    : { 'x-amz-website-redirect-location': object.websiteRedirectLocation }),
});

export const ARCHIVED_CLASSES = ['GLACIER', 'DEEP_ARCHIVE'];

const CONTENT_HEADERS = [
  'content-type',
  'content-encoding',
  'content-language',
  'content-disposition',
  'cache-control',
  'expires',
] as const;

const HEADER_NAMES: Record<string, string> = {
  'content-type': 'Content-Type',
  'content-encoding': 'Content-Encoding',
  'content-language': 'Content-Language',
  'content-disposition': 'Content-Disposition',
  'cache-control': 'Cache-Control',
  expires: 'Expires',
};

const STORAGE_CLASSES = [
  'STANDARD',
  'REDUCED_REDUNDANCY',
  'STANDARD_IA',
  'ONEZONE_IA',
  'INTELLIGENT_TIERING',
  'GLACIER',
  'GLACIER_IR',
  'DEEP_ARCHIVE',
];

const CANNED_ACLS = [
  'private',
  'public-read',
  'public-read-write',
  'authenticated-read',
  'aws-exec-read',
  'bucket-owner-read',
  'bucket-owner-full-control',
];

/** aws-chunked is the framing of the request, not a property of the object. */
const contentEncoding = (request: S3Request): string | undefined =>
  header(request, 'content-encoding')
    ?.split(',')
    .map((coding) => coding.trim())
    .filter((coding) => coding !== 'aws-chunked')
    .join(',');

const titleCased = (headers: Record<string, string>): Record<string, string> => {
  const named: Record<string, string> = {};
  for (const name in headers) named[HEADER_NAMES[name] ?? name] = headers[name] ?? '';
  return named;
};

const refuseLock = (request: S3Request): void => {
  const lock = ['x-amz-object-lock-mode', 'x-amz-object-lock-legal-hold'].some(
    (name) => header(request, name) !== undefined,
  );
  if (lock) throw new S3Error('InvalidRequest', { message: 'Bucket is missing Object Lock Configuration' });
};
