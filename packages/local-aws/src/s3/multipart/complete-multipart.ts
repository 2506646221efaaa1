/** CompleteMultipartUpload. Source: API_CompleteMultipartUpload.html. */
import { createHash, randomBytes } from 'node:crypto';
import { authorize } from '../access/access.ts';
import { authorizeKms } from '../access/kms-access.ts';
import {
  CHECKSUM_ALGORITHMS,
  checksumElement,
  checksumOfParts,
  type Checksum,
  type ChecksumAlgorithm,
} from '../storage/checksums.ts';
import { bareEtag, judgeCompletion, parseWriteCondition } from '../objects/conditional.ts';
import { joinContents } from '../storage/content.ts';
import { encryptionHeaders } from '../access/encryption.ts';
import { S3Error } from '../errors.ts';
import { checksumClaims } from '../protocol/integrity.ts';
import { expirationHeader } from '../lifecycle/lifecycle.ts';
import type { StoredObject } from '../model/object.ts';
import type { S3State } from '../model/state.ts';
import type { CompletedUpload, Part, Upload } from '../model/upload.ts';
import { requestedUpload } from './multipart.ts';
import { announceObject } from '../objects/put-object.ts';
import { badChecksum, receiveTextAboutObject } from '../protocol/receive.ts';
import { header, type Answer, type ObjectContext, type S3Request } from '../protocol/request.ts';
import { dropUpload } from '../model/uploads.ts';
import { putVersion, writtenVersionHeader } from '../model/versions.ts';
import { childrenOf, parseXml, textOf, xmlDocument, xmlText, type XmlNode } from '../protocol/xml.ts';

interface ListedPart {
  partNumber: number;
  etag: string;
  checksum: { algorithm: ChecksumAlgorithm; value: string } | null;
}

export const completeMultipartUpload = async (context: ObjectContext): Promise<Answer> => {
  const { request, bucket, key } = context;
  authorizeComplete(context);
  const condition = parseWriteCondition(request);
  const body = await receiveTextAboutObject(request);
  let known: { parts: Part[]; checksum: Checksum } | null = null;
  for (;;) {
    const fingerprint = fingerprintOf(request, body);
    const repeated = bucket.completed.get(request.query.get('uploadId') ?? '');
    if (repeated?.fingerprint === fingerprint && repeated.key === key) return completionAnswer(repeated);
    const upload = requestedUpload(context);
    authorizeKms(context, 'kms:Decrypt', upload.description.encryption, context);
    const parts = chooseParts(context.state, upload, parseParts(body));
    checkSizes(request, parts);
    // There must be no `await` between these checks and the commit, so that nothing changes in between. If parts were replaced while the
    // checksum was computed, the loop checks everything again.
    if (known !== null && areSame(known.parts, parts)) {
      judgeCompletion(bucket, key, condition, upload.watch);
      return completionAnswer(commit(context, { upload, parts, checksum: known.checksum, fingerprint }));
    }
    known = { parts, checksum: await checksumOf(request, upload, parts) };
  }
};

const areSame = (some: Part[], others: Part[]): boolean =>
  some.length === others.length && some.every((part, index) => part === others[index]);

const authorizeComplete = (context: ObjectContext): void => {
  const { key } = context;
  authorize(context, 's3:PutObject', { key, conditions: { 's3:objectcreationoperation': 'true' } });
  if (header(context.request, 'if-match') !== undefined) authorize(context, 's3:GetObject', { key });
};

const FINGERPRINT_HEADERS = ['if-match', 'if-none-match', 'x-amz-mp-object-size'];

const fingerprintOf = (request: S3Request, body: string): string =>
  createHash('sha256')
    .update(JSON.stringify([body, ...FINGERPRINT_HEADERS.map((name) => header(request, name) ?? null)]))
    .digest('hex');

const completionAnswer = (completed: CompletedUpload): Answer => ({
  status: 200,
  headers: { 'Content-Type': 'application/xml', ...completed.headers },
  body: completed.body,
});

const parseParts = (body: string): ListedPart[] => {
  if (body.trim() === '')
    throw new S3Error('InvalidRequest', { message: 'You must specify at least one part' });
  const nodes = childrenOf(parseXml(body, 'CompleteMultipartUpload'), 'Part');
  if (nodes.length === 0) throw new S3Error('MalformedXML');
  return nodes.map(parsePart);
};

const parsePart = (node: XmlNode): ListedPart => {
  const number = textOf(node, 'PartNumber')?.trim() ?? '';
  const etag = textOf(node, 'ETag');
  if (!/^\d{1,5}$/.test(number) || etag === undefined) throw new S3Error('MalformedXML');
  const checksums = CHECKSUM_ALGORITHMS.flatMap((algorithm) => {
    const value = textOf(node, checksumElement(algorithm));
    return value === undefined ? [] : [{ algorithm, value: value.trim() }];
  });
  return { partNumber: Number(number), etag: bareEtag(etag), checksum: checksums[0] ?? null };
};

/**
 * Returns the parts that the request lists, which may be only some of the uploaded parts.
 * @throws S3Error InvalidPartOrder, InvalidPart or InvalidRequest
 */
const chooseParts = (state: S3State, upload: Upload, listed: ListedPart[]): Part[] => {
  listed.forEach((part, index) => {
    const before = listed[index - 1];
    if (before !== undefined && before.partNumber >= part.partNumber)
      throw new S3Error('InvalidPartOrder', { elements: { UploadId: upload.uploadId } });
  });
  const parts = listed.map((part) => choosePart(state, upload, part));
  // If the parts are listed with checksums other than CRC64NVME, their numbers must be 1, 2, 3, … Source: API_CompletedPart.html.
  const isChecked = listed.every(({ checksum }) => checksum !== null && checksum.algorithm !== 'CRC64NVME');
  if (isChecked && listed.some(({ partNumber }, index) => partNumber !== index + 1))
    throw new S3Error('InvalidPartOrder', { elements: { UploadId: upload.uploadId } });
  return parts;
};

const choosePart = (state: S3State, upload: Upload, listed: ListedPart): Part => {
  const { checksumPlan: plan } = upload;
  const part = upload.parts.get(listed.partNumber);
  if (part === undefined || part.etag !== listed.etag) throw invalidPart(upload, listed);
  if (listed.checksum === null) {
    if (plan.requested && plan.type === 'COMPOSITE')
      throw new S3Error('InvalidRequest', {
        message: `The upload was created using a ${plan.algorithm.toLowerCase()} checksum. The complete request must include the checksum for each part. It was missing for part ${listed.partNumber} in the request.`,
      });
    if (part.declared !== null) throw invalidPart(upload, listed);
    return part;
  }
  // S3 computes a CRC64NVME if the client sent no checksum. AWS does not document whether the completion may repeat this value.
  const isUndeclared = !plan.requested && part.declared === null;
  if (isUndeclared && !state.takesUndeclaredChecksums) throw invalidPart(upload, listed);
  const known = part.declared ?? { algorithm: plan.algorithm, value: part.checksum };
  if (listed.checksum.algorithm !== known.algorithm || listed.checksum.value !== known.value)
    throw invalidPart(upload, listed);
  return part;
};

const invalidPart = (upload: Upload, listed: ListedPart): S3Error =>
  new S3Error('InvalidPart', {
    elements: { UploadId: upload.uploadId, PartNumber: String(listed.partNumber), ETag: listed.etag },
  });

const MIN_PART_BYTES = 5 * 1024 ** 2;

const checkSizes = (request: S3Request, parts: Part[]): void => {
  for (const part of parts.slice(0, -1)) {
    if (part.content.sizeBytes >= MIN_PART_BYTES) continue;
    throw new S3Error('EntityTooSmall', {
      elements: {
        ProposedSize: String(part.content.sizeBytes),
        MinSizeAllowed: String(MIN_PART_BYTES),
        PartNumber: String(part.partNumber),
        ETag: part.etag,
      },
    });
  }
  const claimed = header(request, 'x-amz-mp-object-size');
  const sizeBytes = parts.reduce((sum, part) => sum + part.content.sizeBytes, 0);
  if (claimed !== undefined && claimed !== String(sizeBytes))
    throw new S3Error('InvalidRequest', {
      message: `The provided 'x-amz-mp-object-size' header value ${claimed} does not match what was computed: ${sizeBytes}`,
    });
};

/** Computes the object's checksum from the checksums of its parts, and compares it with the checksum in the request. */
const checksumOf = async (request: S3Request, upload: Upload, parts: Part[]): Promise<Checksum> => {
  const plan = upload.checksumPlan;
  const type = header(request, 'x-amz-checksum-type');
  if (type !== undefined && type !== plan.type)
    throw new S3Error('InvalidRequest', {
      message: `The upload was created using the ${plan.type} checksum mode. The complete request must use the same checksum mode.`,
    });
  const checksum = await checksumOfParts(
    plan,
    parts.map((part) => ({ value: part.checksum, sizeBytes: part.content.sizeBytes })),
  );
  const [claim, second] = checksumClaims(request);
  if (second !== undefined)
    throw new S3Error('InvalidRequest', {
      message: 'Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.',
    });
  if (claim === undefined) return checksum;
  if (claim.algorithm !== plan.algorithm)
    throw new S3Error('InvalidRequest', {
      message: `Checksum Type mismatch occurred, expected checksum Type: ${plan.requested ? plan.algorithm.toLowerCase() : 'null'}, actual checksum Type: ${claim.algorithm.toLowerCase()}`,
    });
  const bare = (value: string) => (plan.type === 'COMPOSITE' ? value.replace(/-\d+$/, '') : value);
  if (bare(claim.value) !== bare(checksum.value)) throw badChecksum(claim.algorithm);
  return checksum;
};

interface Completion {
  upload: Upload;
  parts: Part[];
  checksum: Checksum;
  fingerprint: string;
}

const commit = (context: ObjectContext, completion: Completion): CompletedUpload => {
  const { state, bucket, key } = context;
  const { upload, parts, checksum } = completion;
  dropUpload(bucket, upload, new Set(parts));
  const stored = putVersion(state, bucket, key, {
    kind: 'object',
    ...upload.description,
    bucketLock: upload.bucketLock,
    // The date of a multipart object is the creation date of its upload (User Guide, "Working with object metadata").
    lastModifiedMs: upload.initiatedMs,
    content: joinContents(parts.map((part) => part.content)),
    etag: multipartEtag(upload, parts),
    checksum,
    parts: parts.map((part, index) => ({
      partNumber: index + 1,
      sizeBytes: part.content.sizeBytes,
      checksum: upload.checksumPlan.type === 'COMPOSITE' ? part.checksum : null,
    })),
  });
  announceObject(context, stored, {
    event: 'ObjectCreated:CompleteMultipartUpload',
    reason: 'CompleteMultipartUpload',
  });
  return remember(context, completion, stored);
};

const multipartEtag = (upload: Upload, parts: Part[]): string => {
  if (upload.description.encryption.algorithm !== 'AES256')
    return `${randomBytes(16).toString('hex')}-${parts.length}`;
  const md5 = createHash('md5');
  for (const part of parts) md5.update(Buffer.from(part.etag, 'hex'));
  return `${md5.digest('hex')}-${parts.length}`;
};

/** Maximum number of completed uploads whose responses a bucket keeps. */
const MAX_REMEMBERED = 10_000;

const remember = (
  context: ObjectContext,
  { upload, fingerprint }: Completion,
  stored: StoredObject,
): CompletedUpload => {
  const { state, request, bucket, key } = context;
  const completed: CompletedUpload = {
    key,
    fingerprint,
    headers: {
      ...writtenVersionHeader(stored),
      ...encryptionHeaders(state, bucket, stored.encryption),
      ...expirationHeader(bucket, key, stored),
    },
    body: xmlDocument(
      'CompleteMultipartUploadResult',
      xmlText(
        'Location',
        `http://${request.aws.headers.host ?? 'localhost'}/${bucket.name}/${encodeURI(key)}`,
      ),
      xmlText('Bucket', bucket.name),
      xmlText('Key', key),
      xmlText('ETag', `"${stored.etag}"`),
      xmlText(checksumElement(stored.checksum.algorithm), stored.checksum.value),
      xmlText('ChecksumType', stored.checksum.type),
    ),
  };
  bucket.completed.set(upload.uploadId, completed);
  if (bucket.completed.size > MAX_REMEMBERED) {
    const oldest = bucket.completed.keys().next().value;
    if (oldest !== undefined) bucket.completed.delete(oldest);
  }
  return completed;
};
