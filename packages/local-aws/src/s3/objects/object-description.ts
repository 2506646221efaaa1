/** Reads an object's description from the headers of a write, and renders it as response headers of a read. */
import { archiveHeaders } from '../lifecycle/archive.ts';
import { encryptionOf, encryptionHeaders } from '../access/encryption.ts';
import { S3Error } from '../errors.ts';
import type { Bucket } from '../model/bucket.ts';
import type { ObjectDescription, StoredObject } from '../model/object.ts';
import { parseLockHeaders } from '../model/object-lock.ts';
import { ownershipOfNewObject } from '../access/ownership.ts';
import { header, type BucketContext, type S3Request } from '../protocol/request.ts';
import { parseTaggingHeader } from './tags.ts';
import { parseUserMetadata, userMetadataHeaders } from './user-metadata.ts';
import { versionHeader } from '../model/versions.ts';
import type { S3State } from '../model/state.ts';

/** Reads and checks the headers with which PutObject, CopyObject and CreateMultipartUpload describe an object. */
export const parseDescription = (context: BucketContext): ObjectDescription => {
  const { state, request, bucket } = context;
  refuseUnsupported(request);
  return {
    contentHeaders: parseContentHeaders(request),
    metadata: parseUserMetadata(request.aws.headers),
    websiteRedirectLocation: parseWebsiteRedirect(request),
    storageClass: parseStorageClass(request),
    tags: parseTaggingHeader(header(request, 'x-amz-tagging')),
    encryption: encryptionOf(state, request, bucket),
    ...ownershipOfNewObject(request, bucket),
    lock: parseLockHeaders(
      {
        mode: header(request, 'x-amz-object-lock-mode'),
        retainUntil: header(request, 'x-amz-object-lock-retain-until-date'),
        legalHold: header(request, 'x-amz-object-lock-legal-hold'),
      },
      bucket.objectLock,
      state.clock.now(),
    ),
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

/** Reads x-amz-storage-class; the default is STANDARD. Throws InvalidStorageClass. */
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
    throw new S3Error('InvalidRedirectLocation');
  return location;
};

/** Returns the response headers that describe the object, without the headers about the requested range. */
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
  ...versionHeader(bucket, object),
  ...(object.storageClass === 'STANDARD' ? {} : { 'x-amz-storage-class': object.storageClass }),
  ...archiveHeaders(object),
  ...(object.websiteRedirectLocation === null
    ? {}
    : { 'x-amz-website-redirect-location': object.websiteRedirectLocation }),
});

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

/** Returns the Content-Encoding without aws-chunked, which describes the request's framing and not the object. */
const contentEncoding = (request: S3Request): string | undefined =>
  header(request, 'content-encoding')
    ?.replace(/(^|,)\s*aws-chunked\s*(?=,|$)/, '')
    .replace(/^\s*,\s*/, '');

const titleCased = (headers: Record<string, string>): Record<string, string> => {
  const named: Record<string, string> = {};
  for (const name in headers) named[HEADER_NAMES[name] ?? name] = headers[name] ?? '';
  return named;
};

const UNSUPPORTED_HEADERS = [
  'x-amz-object-lock-event-hold',
  'x-amz-object-lock-event-hold-duration-days',
  'x-amz-object-lock-event-hold-duration-years',
  'x-amz-write-offset-bytes',
];

/** Throws NotImplemented for headers that S3 supports but the local S3 does not. */
const refuseUnsupported = (request: S3Request): void => {
  const found = UNSUPPORTED_HEADERS.find((name) => header(request, name) !== undefined);
  if (found !== undefined) throw new S3Error('NotImplemented', { elements: { Header: found } });
};
