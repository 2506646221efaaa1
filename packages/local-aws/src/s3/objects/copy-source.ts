/** Finds, authorises and checks the x-amz-copy-source of CopyObject and UploadPartCopy. */
import { createHash } from 'node:crypto';
import { authorize } from '../access/access.ts';
import { checkExpectedOwner } from '../access/expected-owner.ts';
import { refuseUnpaid } from '../buckets/request-payment.ts';
import { existingTagConditions } from '../access/request-conditions.ts';
import { checkReadable } from '../lifecycle/archive.ts';
import { createHasher, isCrc, type ChecksumAlgorithm } from '../storage/checksums.ts';
import { judgeCopySource } from './conditional.ts';
import { knownDigests, readContent, releaseContent, type Content } from '../storage/content.ts';
import { checkCustomerKey } from '../access/customer-key.ts';
import { S3Error } from '../errors.ts';
import type { StoredObject } from '../model/object.ts';
import { authorizeDecrypt, findReadable, GET_OBJECT, type ReadTarget } from '../access/read-target.ts';
import { decodeUri, header, type ObjectContext } from '../protocol/request.ts';
import { hasVersionIds } from '../model/versions.ts';

export interface CopySource extends ReadTarget {
  object: StoredObject;
}

/**
 * Finds the source of a copy. Throws the same errors as a GET of the source, and PreconditionFailed if a x-amz-copy-source-if-* condition
 * fails.
 */
export const findCopySource = (context: ObjectContext): CopySource => {
  const target = parseCopySource(context);
  checkExpectedOwner(context.request, 'x-amz-source-expected-bucket-owner', target.bucket);
  refuseUnpaid(target.bucket, context.request);
  const object = readableSource(context, target);
  judgeCopySource(context.request, object, context.state.clock.now());
  checkCustomerKey(context.request, object.encryption, 'copy-source');
  authorizeDecrypt(context, target, object);
  checkReadable(object, "Operation is not valid for the source object's storage class");
  object.lastAccessedMs = context.state.clock.now();
  return { ...target, object };
};

const readableSource = (context: ObjectContext, target: ReadTarget): StoredObject => {
  try {
    return findReadable(context, target, GET_OBJECT);
  } catch (error) {
    // A read of a delete marker fails with 405, but a copy fails with 400. Source: API_UploadPartCopy.html.
    if (!(error instanceof S3Error) || error.code !== 'MethodNotAllowed') throw error;
    throw new S3Error('InvalidRequest', {
      message: 'The source of a copy request may not specifically refer to a delete marker by version id.',
    });
  }
};

/** Throws AccessDenied if the source has tags that the caller may not read. Called before tags are copied. */
export const authorizeTagCopy = (context: ObjectContext, source: CopySource): void => {
  if (source.object.tags.length === 0) return;
  const action = source.versionId === undefined ? 's3:GetObjectTagging' : 's3:GetObjectVersionTagging';
  const conditions = existingTagConditions(source.object.tags);
  authorize(context, action, { bucket: source.bucket, key: source.key, object: source.object, conditions });
};

/** Returns the x-amz-copy-source-version-id header, if the source's bucket has versions. */
export const copySourceHeaders = (source: CopySource): Record<string, string> =>
  hasVersionIds(source.bucket) ? { 'x-amz-copy-source-version-id': source.object.versionId } : {};

const MAX_COPY_BYTES = 5 * 1024 ** 3;

/** Throws InvalidRequest if the content is larger than a single request may copy. */
export const checkCopySize = ({ sizeBytes }: Content): void => {
  if (sizeBytes > MAX_COPY_BYTES)
    throw new S3Error('InvalidRequest', {
      message: `The specified copy source is larger than the maximum allowable size for a copy source: ${MAX_COPY_BYTES}`,
    });
};

/** Runs `work`, and releases the content if `work` fails. */
export const releaseOnError = async <T>(content: Content, work: () => Promise<T>): Promise<T> => {
  try {
    return await work();
  } catch (error) {
    releaseContent(content);
    throw error;
  }
};

/** Reads stored bytes once and returns their MD5 (hexadecimal) and checksum (base64). */
export const digestContent = async (
  content: Content,
  algorithm: ChecksumAlgorithm,
): Promise<{ md5: string; checksum: string }> => {
  if (isCrc(algorithm)) {
    const known = knownDigests(content, algorithm);
    if (known !== null) return known;
  }
  const md5 = createHash('md5');
  const hasher = createHasher(algorithm);
  for await (const chunk of readContent(content)) {
    md5.update(chunk);
    hasher.update(chunk);
  }
  return { md5: md5.digest('hex'), checksum: (await hasher.digest()).toString('base64') };
};

const parseCopySource = (context: ObjectContext): ReadTarget => {
  const text = header(context.request, 'x-amz-copy-source') ?? '';
  const [path = '', versionId] = text.split(/\?versionId=/);
  const [bucketName = '', ...keyParts] = decodeUri(path).replace(/^\//, '').split('/');
  const key = keyParts.join('/');
  if (bucketName === '' || key === '')
    throw new S3Error('InvalidArgument', {
      message: 'Invalid copy source bucket name',
      elements: { ArgumentName: 'x-amz-copy-source', ArgumentValue: text },
    });
  const bucket = context.state.buckets.get(bucketName);
  if (bucket === undefined) throw new S3Error('NoSuchBucket', { elements: { BucketName: bucketName } });
  return { bucket, key, versionId: versionId === undefined ? undefined : decodeUri(versionId) };
};
