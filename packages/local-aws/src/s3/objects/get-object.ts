/** GetObject and HeadObject. Sources: API_GetObject.html, API_HeadObject.html. */
import { isAllowed } from '../access/access.ts';
import { checkReadable } from '../lifecycle/archive.ts';
import { checksumHeader } from '../storage/checksums.ts';
import { judgeRead } from './conditional.ts';
import { sliceContent } from '../storage/content.ts';
import { checkCustomerKey } from '../access/customer-key.ts';
import { S3Error } from '../errors.ts';
import { expirationHeader } from '../lifecycle/lifecycle.ts';
import type { StoredObject } from '../model/object.ts';
import { descriptionHeaders } from './object-description.ts';
import { retentionHeaders } from '../model/object-lock.ts';
import { checksumHeaders } from './put-object.ts';
import { requestedRange, type ByteRange } from './range.ts';
import { authorizeDecrypt, findReadable, GET_OBJECT, requestedTarget } from '../access/read-target.ts';
import { header, type Answer, type ObjectContext, type S3Request } from '../protocol/request.ts';
import { versionHeader } from '../model/versions.ts';

export const getObject = (context: ObjectContext): Answer => {
  const target = requestedTarget(context);
  const object = findReadable(context, target, GET_OBJECT);
  checkCustomerKey(context.request, object.encryption);
  authorizeDecrypt(context, target, object);
  checkReadable(object);
  const answer = buildReadAnswer(context, object);
  if (answer.range === null) return answer;
  object.lastAccessedMs = context.state.clock.now();
  const { offset, lengthBytes } = answer.range;
  const { status, headers } = answer;
  return { status, headers, body: sliceContent(object.content, offset, lengthBytes) };
};

export const headObject = (context: ObjectContext): Answer => {
  const target = requestedTarget(context);
  const object = findReadable(context, target, GET_OBJECT);
  checkCustomerKey(context.request, object.encryption);
  if (wantsChecksum(context.request)) authorizeDecrypt(context, target, object);
  return buildReadAnswer(context, object);
};

interface ReadAnswer extends Answer {
  headers: Record<string, string>;
  /** The requested bytes; null for a response without a body. */
  range: ByteRange | null;
}

const buildReadAnswer = (context: ObjectContext, object: StoredObject): ReadAnswer => {
  const { state, request, bucket } = context;
  if (judgeRead(request, object, state.clock.now()) === 'not-modified')
    return { status: 304, headers: notModifiedHeaders(context, object), range: null };
  const range = requestedRange(request, object);
  return {
    status: range.partial ? 206 : 200,
    headers: {
      ...descriptionHeaders(state, bucket, object),
      ...permittedHeaders(context, object),
      // Lifecycle rules expire only current versions, so a request that names a version gets no expiration header.
      ...(request.query.has('versionId') ? {} : expirationHeader(bucket, context.key, object)),
      'Content-Length': String(range.lengthBytes),
      // Content-Range names the first and last byte, and an empty part has neither.
      ...(range.partial && range.lengthBytes > 0 ? { 'Content-Range': contentRange(range, object) } : {}),
      ...(request.query.has('partNumber') && object.parts !== null
        ? { 'x-amz-mp-parts-count': String(object.parts.length) }
        : {}),
      ...(wantsChecksum(request) ? checksumOfRange(range, object) : {}),
      ...overriddenHeaders(request),
    },
    range,
  };
};

/** Returns the headers about an object's tags and lock that the caller may read. */
const permittedHeaders = (context: ObjectContext, object: StoredObject): Record<string, string> => {
  const { request, key } = context;
  const { retention, legalHold } = object.lock;
  const may = (action: string) => isAllowed(context, action, { key, object });
  const tagging = request.query.has('versionId') ? 's3:GetObjectVersionTagging' : 's3:GetObjectTagging';
  return {
    ...(object.tags.length > 0 && may(tagging) ? { 'x-amz-tagging-count': String(object.tags.length) } : {}),
    ...(retention !== null && may('s3:GetObjectRetention') ? retentionHeaders(retention) : {}),
    ...(legalHold !== null && may('s3:GetObjectLegalHold')
      ? { 'x-amz-object-lock-legal-hold': legalHold }
      : {}),
  };
};

const wantsChecksum = (request: S3Request): boolean =>
  header(request, 'x-amz-checksum-mode')?.toUpperCase() === 'ENABLED';

const contentRange = (range: ByteRange, object: StoredObject): string =>
  `bytes ${range.offset}-${range.offset + range.lengthBytes - 1}/${object.content.sizeBytes}`;

/** Returns the checksum headers of the returned bytes. There are none unless the bytes are the whole object or one part. */
const checksumOfRange = (range: ByteRange, object: StoredObject): Record<string, string> => {
  const { checksum } = object;
  if (typeof range.part?.checksum === 'string')
    return {
      [checksumHeader(checksum.algorithm)]: range.part.checksum,
      'x-amz-checksum-type': checksum.type,
    };
  return range.lengthBytes === object.content.sizeBytes ? checksumHeaders(object.checksum) : {};
};

const notModifiedHeaders = (context: ObjectContext, object: StoredObject): Record<string, string> => ({
  ETag: `"${object.etag}"`,
  'Last-Modified': new Date(object.lastModifiedMs).toUTCString(),
  ...versionHeader(context.bucket, object),
});

const OVERRIDES = [
  'Cache-Control',
  'Content-Disposition',
  'Content-Encoding',
  'Content-Language',
  'Content-Type',
  'Expires',
];

/** Returns headers from query parameters such as response-content-type. Throws InvalidRequest for anonymous callers. */
const overriddenHeaders = (request: S3Request): Record<string, string> => {
  const headers: Record<string, string> = {};
  for (const name of OVERRIDES) {
    const value = request.query.get(`response-${name.toLowerCase()}`);
    if (value === undefined) continue;
    if (request.aws.caller.kind === 'anonymous')
      throw new S3Error('InvalidRequest', {
        message: 'Request specific response headers cannot be used for anonymous GET requests.',
      });
    // Node sends header values as Latin-1. To send UTF-8, each UTF-8 byte of the value becomes one Latin-1 character.
    headers[name] = Buffer.from(value, 'utf8').toString('latin1');
  }
  return headers;
};
