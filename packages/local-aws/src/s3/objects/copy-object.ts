/** CopyObject and UploadPartCopy. Sources: API_CopyObject.html, API_UploadPartCopy.html. */
import { isDeepStrictEqual } from 'node:util';
import { authorize, authorizeKms } from '../access/access.ts';
import { checksumElement, parseChecksumAlgorithm, type ChecksumAlgorithm } from '../storage/checksums.ts';
import { conditionally, parseWriteCondition } from './conditional.ts';
import { releaseContent, retainContent, sliceContent, type Content } from '../storage/content.ts';
import {
  authorizeTagCopy,
  copySourceHeaders,
  digestContent,
  findCopySource,
  type CopySource,
} from './copy-source.ts';
import { encryptionHeaders } from '../access/encryption.ts';
import { checkPartKey } from '../access/customer-key.ts';
import { S3Error } from '../errors.ts';
import { expirationHeader } from '../lifecycle/lifecycle.ts';
import { listedDate } from '../listing/list-objects.ts';
import type { ObjectDescription, StoredObject } from '../model/object.ts';
import { requestedPartNumber, requestedUpload, storePart } from '../multipart/multipart.ts';
import { parseDescription } from './object-description.ts';
import { announceObject, etagOf, orRelease } from './put-object.ts';
import { header, type Answer, type ObjectContext, type S3Request } from '../protocol/request.ts';
import { putVersion, writtenVersionHeader } from '../model/versions.ts';
import { authorizeWrite } from '../access/write-access.ts';
import { xmlDocument, xmlText } from '../protocol/xml.ts';

const MAX_COPY_BYTES = 5 * 1024 ** 3;

export const copyObject = async (context: ObjectContext): Promise<Answer> => {
  const { state, request, bucket, key } = context;
  const source = findCopySource(context);
  const description = describeCopy(context, source);
  authorizeWrite(context, description, true);
  refuseCopy(context, source, description);
  const condition = parseWriteCondition(request);
  const algorithm = copyAlgorithm(request, source.object);
  const content = retainContent(source.object.content);
  const stored = await conditionally(
    bucket,
    key,
    condition,
    () => digestCopy(source.object, content, algorithm),
    (digests, judge) => {
      orRelease(context, content, judge);
      const object = putVersion(state, bucket, key, {
        kind: 'object',
        ...description,
        lastModifiedMs: state.clock.now(),
        content,
        etag: etagOf(digests.md5, description.encryption),
        checksum: { algorithm, type: 'FULL_OBJECT', value: digests.checksum },
        parts: null,
      });
      announceObject(context, object, { event: 'ObjectCreated:Copy', reason: 'CopyObject' });
      return object;
    },
  );
  return copyAnswer(context, source, stored);
};

export const uploadPartCopy = async (context: ObjectContext): Promise<Answer> => {
  const { state, request, bucket, key } = context;
  const source = findCopySource(context);
  authorize(context, 's3:PutObject', { key, conditions: { 's3:objectcreationoperation': 'false' } });
  const upload = requestedUpload(context);
  const partNumber = requestedPartNumber(context);
  const { encryption } = upload.description;
  checkPartKey(request, encryption);
  authorizeKms(context, 'kms:Decrypt', encryption, key);
  const content = retainContent(requestedSlice(request, source.object));
  const digests = await orReleaseAsync(content, () => digestContent(content, upload.checksumPlan.algorithm));
  const part = {
    partNumber,
    etag: etagOf(digests.md5, encryption),
    content,
    lastModifiedMs: state.clock.now(),
    checksum: digests.checksum,
    declared: null,
  };
  storePart(bucket, upload, part);
  return {
    status: 200,
    headers: {
      'Content-Type': 'application/xml',
      ...copySourceHeaders(source),
      ...encryptionHeaders(state, bucket, encryption),
    },
    body: xmlDocument(
      'CopyPartResult',
      xmlText('LastModified', listedDate(part.lastModifiedMs)),
      xmlText('ETag', `"${part.etag}"`),
      upload.checksumPlan.requested
        ? xmlText(checksumElement(upload.checksumPlan.algorithm), part.checksum)
        : '',
    ),
  };
};

/** The new object's description: the source's or the request's, as the two directives say. */
const describeCopy = (context: ObjectContext, source: CopySource): ObjectDescription => {
  const { request } = context;
  const asked = parseDescription(context);
  const metadata = directive(request, 'x-amz-metadata-directive');
  const tagging = directive(request, 'x-amz-tagging-directive');
  if (tagging === 'COPY') authorizeTagCopy(context, source);
  return {
    ...asked,
    ...(metadata === 'COPY'
      ? { contentHeaders: source.object.contentHeaders, metadata: source.object.metadata }
      : {}),
    tags: tagging === 'COPY' ? source.object.tags : asked.tags,
  };
};

const directive = (request: S3Request, name: string): 'COPY' | 'REPLACE' => {
  const value = header(request, name) ?? 'COPY';
  if (value === 'COPY' || value === 'REPLACE') return value;
  throw new S3Error('InvalidArgument', {
    message:
      name === 'x-amz-metadata-directive' ? 'Unknown metadata directive.' : 'Unknown tagging directive.',
    elements: { ArgumentName: name, ArgumentValue: value },
  });
};

const CHANGING_HEADERS = [
  'x-amz-storage-class',
  'x-amz-website-redirect-location',
  'x-amz-server-side-encryption',
  'x-amz-server-side-encryption-aws-kms-key-id',
  'x-amz-server-side-encryption-bucket-key-enabled',
  'x-amz-server-side-encryption-customer-algorithm',
  'x-amz-checksum-algorithm',
  'x-amz-object-lock-mode',
  'x-amz-object-lock-legal-hold',
];

const refuseCopy = (context: ObjectContext, source: CopySource, description: ObjectDescription): void => {
  const { request, bucket, key } = context;
  if (source.object.content.sizeBytes > MAX_COPY_BYTES)
    throw new S3Error('InvalidRequest', {
      message: `The specified copy source is larger than the maximum allowable size for a copy source: ${MAX_COPY_BYTES}`,
    });
  const changes =
    directive(request, 'x-amz-metadata-directive') === 'REPLACE' ||
    source.versionId !== undefined ||
    // The bucket's default may be another than it was when the object was written.
    !isDeepStrictEqual(source.object.encryption, description.encryption) ||
    CHANGING_HEADERS.some((name) => header(request, name) !== undefined);
  if (source.bucket === bucket && source.key === key && !changes)
    throw new S3Error('InvalidRequest', {
      message:
        "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.",
    });
};

/** The algorithm asked for, else the source's own. */
const copyAlgorithm = (request: S3Request, source: StoredObject): ChecksumAlgorithm => {
  const asked = header(request, 'x-amz-checksum-algorithm');
  return asked === undefined ? source.checksum.algorithm : parseChecksumAlgorithm(asked);
};

/** A copy is one piece, whatever its source was: known digests of such a source are taken over, others computed. */
const digestCopy = async (
  source: StoredObject,
  content: Content,
  algorithm: ChecksumAlgorithm,
): Promise<{ md5: string; checksum: string }> => {
  const { checksum } = source;
  const sameChecksum = checksum.type === 'FULL_OBJECT' && checksum.algorithm === algorithm;
  if (source.parts === null && source.encryption.algorithm === 'AES256' && sameChecksum)
    return { md5: source.etag, checksum: checksum.value };
  return orReleaseAsync(content, () => digestContent(content, algorithm));
};

const orReleaseAsync = async <T>(content: Content, work: () => Promise<T>): Promise<T> => {
  try {
    return await work();
  } catch (error) {
    releaseContent(content);
    throw error;
  }
};

const copyAnswer = (context: ObjectContext, source: CopySource, stored: StoredObject): Answer => {
  const { state, bucket, key } = context;
  return {
    status: 200,
    headers: {
      'Content-Type': 'application/xml',
      ...writtenVersionHeader(stored),
      ...copySourceHeaders(source),
      ...encryptionHeaders(state, bucket, stored.encryption),
      ...expirationHeader(bucket, key, stored),
    },
    body: xmlDocument(
      'CopyObjectResult',
      xmlText('LastModified', listedDate(stored.lastModifiedMs)),
      xmlText('ETag', `"${stored.etag}"`),
      xmlText(checksumElement(stored.checksum.algorithm), stored.checksum.value),
    ),
  };
};

const requestedSlice = (request: S3Request, source: StoredObject): Content => {
  const range = header(request, 'x-amz-copy-source-range');
  const sizeBytes = source.content.sizeBytes;
  if (range === undefined) return sized(source.content);
  const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(range) ?? [];
  if (first === undefined || last === undefined || Number(last) < Number(first))
    throw rangeArgument(
      'The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based offsets of the first and last bytes to copy',
      range,
    );
  if (Number(first) >= sizeBytes)
    throw new S3Error('InvalidRequest', {
      message: 'The specified copy range is invalid for the source object size',
    });
  if (Number(last) >= sizeBytes)
    throw rangeArgument(`Range specified is not valid for source object of size: ${sizeBytes}`, range);
  return sized(sliceContent(source.content, Number(first), Number(last) - Number(first) + 1));
};

const sized = (content: Content): Content => {
  if (content.sizeBytes <= MAX_COPY_BYTES) return content;
  throw new S3Error('InvalidRequest', {
    message: `The specified copy source is larger than the maximum allowable size for a copy source: ${MAX_COPY_BYTES}`,
  });
};

const rangeArgument = (message: string, range: string): S3Error =>
  new S3Error('InvalidArgument', {
    message,
    elements: { ArgumentName: 'x-amz-copy-source-range', ArgumentValue: range },
  });
