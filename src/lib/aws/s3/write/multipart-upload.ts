/** Multipart uploads: beginning, parts, completion and abort. */
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { ReplicationError } from '../../../model/errors.ts';
import type { DestinationBucket, UploadedPart, Written } from '../../../model/ports.ts';
import type { Destination } from '../../../model/rule.ts';
import { call, type Target } from '../client/call.ts';
import { withHeaders } from '../client/command-hooks.ts';
import type { Sent } from './looked-writes.ts';
import { textHeaders } from '../object/object-headers.ts';
import { checksumField, storedChecksum } from '../object/object-state.ts';
import {
  bodyHeaders,
  conditionFields,
  encryptionFields,
  guardFields,
  refuseLock,
  replicaFields,
} from './write-fields.ts';
import { unproven, written } from './written.ts';

type Request<Operation extends keyof DestinationBucket> = Parameters<DestinationBucket[Operation]>[0];

export const createMultipartUpload = async (
  target: Target,
  destination: Destination,
  { key, attributes, checksum }: Request<'createUpload'>,
): ReturnType<DestinationBucket['createUpload']> => {
  const command = new CreateMultipartUploadCommand({
    Bucket: destination.bucket,
    Key: key,
    ...replicaFields(attributes),
    ...encryptionFields(destination),
    ...(checksum === null ? {} : { ChecksumAlgorithm: checksum.algorithm, ChecksumType: checksum.type }),
  });
  withHeaders(command, textHeaders(attributes));
  const answer = await call(
    target,
    'CreateMultipartUpload',
    (client, options) => client.send(command, options),
    { onError: refuseLock(attributes.lock) },
  );
  if (answer.UploadId === undefined) throw unproven('CreateMultipartUpload');
  return { uploadId: answer.UploadId, encryption: answer.ServerSideEncryption ?? null };
};

export const uploadPart = async (
  target: Target,
  bucket: string,
  { key, uploadId, partNumber, body, sizeBytes, guard }: Request<'uploadPart'>,
): Promise<UploadedPart> => {
  const command = new UploadPartCommand({
    Bucket: bucket,
    Key: key,
    UploadId: uploadId,
    PartNumber: partNumber,
    Body: body,
    ContentLength: sizeBytes,
    ...guardFields(guard),
  });
  withHeaders(command, bodyHeaders(guard));
  const answer = await call(target, 'UploadPart', (client, options) => client.send(command, options), {
    body,
  });
  if (answer.ETag === undefined) throw unproven('UploadPart');
  return { partNumber, etag: answer.ETag, checksum: storedChecksum(answer) };
};

/**
 * Completes the upload. If `sizeBytes` is null, the request does not name the size, because some services other than AWS refuse
 * it (S3Proxy: 501). The proof of the copy would then show a wrong size.
 */
export const completeUpload = async (
  target: Target,
  bucket: string,
  {
    key,
    uploadId,
    parts,
    sizeBytes,
    checksum,
    precondition,
  }: Omit<Sent<'completeUpload'>, 'sizeBytes'> & { sizeBytes: number | null },
): Promise<Written> => {
  const command = new CompleteMultipartUploadCommand({
    Bucket: bucket,
    Key: key,
    UploadId: uploadId,
    MultipartUpload: {
      Parts: parts.map((part) => ({
        PartNumber: part.partNumber,
        ETag: part.etag,
        ...(part.checksum === null ? {} : checksumField(part.checksum)),
      })),
    },
    ...(sizeBytes === null ? {} : { MpuObjectSize: sizeBytes }),
    ...(checksum === null ? {} : { ...checksumField(checksum), ChecksumType: checksum.type }),
    ...conditionFields(precondition),
  });
  return written(
    // S3 may take minutes to put the parts together. Meanwhile it sends white space.
    await call(target, 'CompleteMultipartUpload', (client, options) => client.send(command, options), {
      slow: true,
    }),
  );
};

/** How long an abort may take. An abort cleans up after a failure and must not delay the rest of the work. */
const ABORT_TIMEOUT_MS = 5_000;

export const abortUpload = async (
  target: Target,
  bucket: string,
  { key, uploadId }: Request<'abortUpload'>,
): Promise<void> => {
  const command = new AbortMultipartUploadCommand({ Bucket: bucket, Key: key, UploadId: uploadId });
  try {
    await call(target, 'AbortMultipartUpload', (client, options) => client.send(command, options), {
      signal: AbortSignal.timeout(ABORT_TIMEOUT_MS),
    });
  } catch (error) {
    // S3 returned NoSuchUpload. The upload is gone already, so nothing is left to abort.
    if (!(error instanceof ReplicationError) || error.reason !== 'lost-race') throw error;
  }
};
