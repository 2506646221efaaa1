/** UploadPartCopy. Source: API_UploadPartCopy.html. */
import { authorize } from '../access/access.ts';
import { checkPartKey } from '../access/customer-key.ts';
import { encryptionHeaders } from '../access/encryption.ts';
import { authorizeKms } from '../access/kms-access.ts';
import { S3Error } from '../errors.ts';
import type { StoredObject } from '../model/object.ts';
import {
  checkCopySize,
  copySourceHeaders,
  digestContent,
  findCopySource,
  releaseOnError,
} from '../objects/copy-source.ts';
import { etagOf } from '../objects/put-object.ts';
import { header, type Answer, type ObjectContext, type S3Request } from '../protocol/request.ts';
import { listedDate, xmlDocument, xmlText } from '../protocol/xml.ts';
import { checksumElement } from '../storage/checksums.ts';
import { retainContent, sliceContent, type Content } from '../storage/content.ts';
import { requestedPartNumber, requestedUpload, storePart } from './multipart.ts';

export const uploadPartCopy = async (context: ObjectContext): Promise<Answer> => {
  const { state, request, bucket, key } = context;
  const source = findCopySource(context);
  authorize(context, 's3:PutObject', { key, conditions: { 's3:objectcreationoperation': 'false' } });
  const upload = requestedUpload(context);
  const partNumber = requestedPartNumber(context);
  const { encryption } = upload.description;
  checkPartKey(request, encryption);
  authorizeKms(context, 'kms:Decrypt', encryption, context);
  const content = retainContent(requestedSlice(request, source.object));
  const digests = await releaseOnError(content, () => digestContent(content, upload.checksumPlan.algorithm));
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

const requestedSlice = (request: S3Request, source: StoredObject): Content => {
  const range = header(request, 'x-amz-copy-source-range');
  const sizeBytes = source.content.sizeBytes;
  if (range === undefined) return checked(source.content);
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
  return checked(sliceContent(source.content, Number(first), Number(last) - Number(first) + 1));
};

const checked = (content: Content): Content => {
  checkCopySize(content);
  return content;
};

const rangeArgument = (message: string, range: string): S3Error =>
  new S3Error('InvalidArgument', {
    message,
    elements: { ArgumentName: 'x-amz-copy-source-range', ArgumentValue: range },
  });
