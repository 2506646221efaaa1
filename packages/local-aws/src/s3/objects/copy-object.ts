/** CopyObject. Source: API_CopyObject.html. */
import { isDeepStrictEqual } from 'node:util';
import { checksumElement, parseChecksumAlgorithm, type ChecksumAlgorithm } from '../storage/checksums.ts';
import { conditionally, parseWriteCondition } from './conditional.ts';
import { retainContent, type Content } from '../storage/content.ts';
import {
  authorizeTagCopy,
  checkCopySize,
  copySourceHeaders,
  digestContent,
  findCopySource,
  releaseOnError,
  type CopySource,
} from './copy-source.ts';
import { encryptionHeaders } from '../access/encryption.ts';
import { S3Error } from '../errors.ts';
import { expirationHeader } from '../lifecycle/lifecycle.ts';
import type { ObjectDescription, StoredObject } from '../model/object.ts';
import { parseDescription } from './object-description.ts';
import { announceObject, etagOf, judgeOrRelease } from './put-object.ts';
import { header, type Answer, type ObjectContext, type S3Request } from '../protocol/request.ts';
import { putVersion, writtenVersionHeader } from '../model/versions.ts';
import { authorizeWrite } from '../access/write-access.ts';
import { listedDate, xmlDocument, xmlText } from '../protocol/xml.ts';

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
    { bucket, key, condition },
    () => digestCopy(source.object, content, algorithm),
    (digests, judge) => {
      judgeOrRelease(context, content, judge);
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

/**
 * Returns the description of the new object. The directives for metadata and tags decide whether these come from the source or from the
 * request.
 */
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
  checkCopySize(source.object.content);
  const changes =
    directive(request, 'x-amz-metadata-directive') === 'REPLACE' ||
    source.versionId !== undefined ||
    // The encryptions differ if the bucket's default encryption has changed since the object was written.
    !isDeepStrictEqual(source.object.encryption, description.encryption) ||
    CHANGING_HEADERS.some((name) => header(request, name) !== undefined);
  if (source.bucket === bucket && source.key === key && !changes)
    throw new S3Error('InvalidRequest', {
      message:
        "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.",
    });
};

/** Returns the checksum algorithm of the copy: the requested one, or else that of the source. */
const copyAlgorithm = (request: S3Request, source: StoredObject): ChecksumAlgorithm => {
  const asked = header(request, 'x-amz-checksum-algorithm');
  return asked === undefined ? source.checksum.algorithm : parseChecksumAlgorithm(asked);
};

/**
 * Returns the digests of the copy, which is never a multipart object. Reads the content only if the digests of the source cannot be used.
 */
const digestCopy = async (
  source: StoredObject,
  content: Content,
  algorithm: ChecksumAlgorithm,
): Promise<{ md5: string; checksum: string }> => {
  const { checksum } = source;
  const sameChecksum = checksum.type === 'FULL_OBJECT' && checksum.algorithm === algorithm;
  if (source.parts === null && source.encryption.algorithm === 'AES256' && sameChecksum)
    return { md5: source.etag, checksum: checksum.value };
  return releaseOnError(content, () => digestContent(content, algorithm));
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
