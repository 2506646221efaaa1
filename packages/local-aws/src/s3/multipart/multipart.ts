/**
 * CreateMultipartUpload, UploadPart and AbortMultipartUpload.
 *
 * Sources: API_CreateMultipartUpload.html, API_UploadPart.html, API_AbortMultipartUpload.html.
 */
import { randomBytes } from 'node:crypto';
import type { Caller } from '../../core/access.ts';
import { authorize } from '../access/access.ts';
import { authorizeKms } from '../access/kms-access.ts';
import { canonicalUserId } from '../protocol/canonical-user.ts';
import { checksumHeader, planUploadChecksum, type ChecksumPlan } from '../storage/checksums.ts';
import { contentOfBlob, releaseContent } from '../storage/content.ts';
import { encryptionHeaders } from '../access/encryption.ts';
import { checkPartKey } from '../access/customer-key.ts';
import { S3Error } from '../errors.ts';
import { checkLockIntegrity, parseBodyClaims, type BodyClaims } from '../protocol/integrity.ts';
import { abortHeaders } from '../lifecycle/lifecycle.ts';
import type { Bucket } from '../model/bucket.ts';
import type { Part, Upload } from '../model/upload.ts';
import { parseDescription } from '../objects/object-description.ts';
import { etagOf } from '../objects/put-object.ts';
import { receiveObject } from '../protocol/receive.ts';
import { header, type Answer, type ObjectContext } from '../protocol/request.ts';
import { dropUpload } from '../model/uploads.ts';
import { watchKey } from '../model/versions.ts';
import { authorizeWrite } from '../access/write-access.ts';
import { xmlDocument, xmlText } from '../protocol/xml.ts';

export const createMultipartUpload = (context: ObjectContext): Answer => {
  const { state, request, bucket, key } = context;
  const description = parseDescription(context);
  authorizeWrite(context, description, false);
  const plan = planUploadChecksum(
    header(request, 'x-amz-checksum-algorithm'),
    header(request, 'x-amz-checksum-type'),
  );
  const { caller } = request.aws;
  const upload: Upload = {
    uploadId: newUploadId(state.newOrder()),
    key,
    initiatedMs: state.clock.now(),
    initiator: initiatorOf(caller),
    description,
    bucketLock: bucket.objectLock,
    checksumPlan: plan,
    parts: new Map(),
    watch: watchKey(bucket, key),
  };
  bucket.uploads.set(upload.uploadId, upload);
  return {
    status: 200,
    headers: {
      'Content-Type': 'application/xml',
      ...encryptionHeaders(state, bucket, description.encryption),
      ...abortHeaders(bucket, upload),
      ...(plan.requested
        ? { 'x-amz-checksum-algorithm': plan.algorithm, 'x-amz-checksum-type': plan.type }
        : {}),
    },
    body: xmlDocument(
      'InitiateMultipartUploadResult',
      xmlText('Bucket', bucket.name),
      xmlText('Key', key),
      xmlText('UploadId', upload.uploadId),
    ),
  };
};

const initiatorOf = (caller: Caller): Upload['initiator'] => {
  switch (caller.kind) {
    case 'root':
      return { id: canonicalUserId(caller.accountId), displayName: caller.accountId };
    case 'session':
      return { id: caller.arn, displayName: caller.arn.split(':').at(-1) ?? '' };
    default:
      return { id: caller.kind, displayName: caller.kind };
  }
};

export const uploadPart = async (context: ObjectContext): Promise<Answer> => {
  const { state, request, bucket, key } = context;
  authorize(context, 's3:PutObject', { key, conditions: { 's3:objectcreationoperation': 'false' } });
  const upload = requestedUpload(context);
  const partNumber = requestedPartNumber(context);
  authorizeKms(context, 'kms:Decrypt', upload.description.encryption, context);
  const claims = parseBodyClaims(request);
  checkPartKey(request, upload.description.encryption);
  const { description, bucketLock } = upload;
  checkLockIntegrity(claims, { asked: description.lock, bucketLock }, 'Put Part', state.lockTakesTrailers);
  checkPartChecksum(upload.checksumPlan, claims);
  const body = await receiveObject(state, request, claims, upload.checksumPlan.algorithm);
  const part: Part = {
    partNumber,
    etag: etagOf(body.md5, upload.description.encryption),
    content: contentOfBlob(body.blob),
    lastModifiedMs: state.clock.now(),
    checksum: body.checksum,
    declared: declaredChecksum(upload.checksumPlan, claims, body.claimed),
  };
  storePart(bucket, upload, part);
  return {
    status: 200,
    headers: {
      ETag: `"${part.etag}"`,
      ...encryptionHeaders(state, bucket, upload.description.encryption),
      ...partChecksumHeaders(upload.checksumPlan, part),
    },
  };
};

export const abortMultipartUpload = (context: ObjectContext): Answer => {
  authorize(context, 's3:AbortMultipartUpload', { key: context.key });
  dropUpload(context.bucket, requestedUpload(context), new Set());
  return { status: 204 };
};

/** Creates an upload id. Ids sort in the order of creation, because S3 lists the uploads of a key in this order. */
const newUploadId = (order: number): string =>
  order.toString(36).padStart(10, '0') + randomBytes(48).toString('base64url');

/** Returns the upload that the request names. Throws NoSuchUpload if it does not exist or belongs to another key. */
export const requestedUpload = (context: ObjectContext): Upload => {
  const uploadId = context.request.query.get('uploadId') ?? '';
  const upload = context.bucket.uploads.get(uploadId);
  if (upload === undefined || upload.key !== context.key)
    throw new S3Error('NoSuchUpload', { elements: { UploadId: uploadId } });
  return upload;
};

export const requestedPartNumber = (context: ObjectContext): number => {
  const text = context.request.query.get('partNumber') ?? '';
  const partNumber = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (partNumber >= 1 && partNumber <= 10_000) return partNumber;
  throw new S3Error('InvalidArgument', {
    message: 'Part number must be an integer between 1 and 10000, inclusive',
    elements: { ArgumentName: 'partNumber', ArgumentValue: text },
  });
};

/**
 * Stores a part, which may replace an earlier part with the same number. Throws NoSuchUpload if the upload ended while the part's bytes
 * arrived.
 */
export const storePart = (bucket: Bucket, upload: Upload, part: Part): void => {
  if (bucket.uploads.get(upload.uploadId) !== upload) {
    releaseContent(part.content);
    throw new S3Error('NoSuchUpload', { elements: { UploadId: upload.uploadId } });
  }
  const earlier = upload.parts.get(part.partNumber);
  upload.parts.set(part.partNumber, part);
  if (earlier !== undefined) releaseContent(earlier.content);
};

/**
 * Throws InvalidRequest if the client's checksum of a part has a different algorithm than the upload. If the upload's checksum is
 * composite, each part must have a checksum. An upload that was created without an algorithm accepts part checksums of any algorithm, but
 * the completion must then repeat these checksums.
 */
const checkPartChecksum = (plan: ChecksumPlan, claims: BodyClaims): void => {
  const actual = claims.checksum?.algorithm ?? null;
  if (actual === plan.algorithm) return;
  if (!plan.requested || (actual === null && plan.type === 'FULL_OBJECT')) return;
  throw new S3Error('InvalidRequest', {
    message: `Checksum Type mismatch occurred, expected checksum Type: ${plan.algorithm.toLowerCase()}, actual checksum Type: ${actual?.toLowerCase() ?? 'null'}`,
  });
};

const partChecksumHeaders = (plan: ChecksumPlan, part: Part): Record<string, string> =>
  part.declared === null
    ? { [checksumHeader(plan.algorithm)]: part.checksum }
    : { [checksumHeader(part.declared.algorithm)]: part.declared.value };

const declaredChecksum = (plan: ChecksumPlan, claims: BodyClaims, value: string | null): Part['declared'] =>
  plan.requested || claims.checksum === null || value === null
    ? null
    : { algorithm: claims.checksum.algorithm, value };
