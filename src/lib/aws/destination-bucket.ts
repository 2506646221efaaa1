/** The destination side: conditional writes with the credentials of the replication role. */
import { Readable } from 'node:stream';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  type CompleteMultipartUploadCommandOutput,
  CreateMultipartUploadCommand,
  HeadObjectCommand,
  PutObjectCommand,
  type PutObjectCommandOutput,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { ReplicationError } from '../errors.ts';
import type { DestinationBucket, Guard, ObjectAttributes, Precondition, Written } from '../ports.ts';
import type { Destination } from '../rule.ts';
import { call, type Target, withHeaders } from './call.ts';
import { isBodiless400, isNotFound } from './errors.ts';
import { NOT_ASCII } from './header-bytes.ts';
import { checksumField, objectState, storedChecksum } from './object-state.ts';

/** Cleaning up after a failure may not hold up the rest for long. */
const ABORT_TIMEOUT_MS = 5_000;

export const createDestinationBucket = (target: Target, destination: Destination): DestinationBucket => {
  const Bucket = destination.bucket;
  return {
    async head(key) {
      try {
        const command = new HeadObjectCommand({ Bucket, Key: key, ChecksumMode: 'ENABLED' });
        return objectState(
          await call(target, 'HeadObject', (client, options) => client.send(command, options)),
        );
      } catch (error) {
        if (!(error instanceof ReplicationError)) throw error;
        if (isNotFound(error.cause)) return null;
        if (!isBodiless400(error.cause)) throw error;
        // What a 400 without a body most likely means here, and what mends itself if it does.
        target.clients.forget(target.pair());
        throw new ReplicationError('expired-credentials', error.message, { cause: error.cause });
      }
    },

    async put(request) {
      const body = sendable(request.body, request.attributes);
      const command = new PutObjectCommand({
        Bucket,
        Key: request.key,
        Body: body,
        ContentLength: request.sizeBytes,
        ...headerFields(request.attributes),
        ...encryptionFields(destination),
        ...conditionFields(request.precondition),
        ...guardFields(request.guard),
      });
      withHeaders(command, bodyHeaders(request.guard, request.attributes));
      return written(
        await call(target, 'PutObject', (client, options) => client.send(command, options), {
          body,
        }),
      );
    },

    async createUpload({ key, attributes, checksum }) {
      const command = new CreateMultipartUploadCommand({
        Bucket,
        Key: key,
        ...headerFields(attributes),
        ...encryptionFields(destination),
        ...(checksum === null ? {} : { ChecksumAlgorithm: checksum.algorithm, ChecksumType: checksum.type }),
      });
      withHeaders(command, { expires: attributes.expires ?? undefined });
      const answer = await call(target, 'CreateMultipartUpload', (client, options) =>
        client.send(command, options),
      );
      if (answer.UploadId === undefined) throw unproven('CreateMultipartUpload');
      return { uploadId: answer.UploadId, encryption: answer.ServerSideEncryption ?? null };
    },

    async uploadPart({ key, uploadId, partNumber, body, sizeBytes, guard }) {
      const command = new UploadPartCommand({
        Bucket,
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
    },

    async completeUpload({ key, uploadId, parts, sizeBytes, checksum, precondition }) {
      const command = new CompleteMultipartUploadCommand({
        Bucket,
        Key: key,
        UploadId: uploadId,
        MultipartUpload: {
          Parts: parts.map((part) => ({
            PartNumber: part.partNumber,
            ETag: part.etag,
            ...(part.checksum === null ? {} : checksumField(part.checksum)),
          })),
        },
        MpuObjectSize: sizeBytes,
        ...(checksum === null ? {} : { ...checksumField(checksum), ChecksumType: checksum.type }),
        ...conditionFields(precondition),
      });
      return written(
        await call(target, 'CompleteMultipartUpload', (client, options) => client.send(command, options)),
      );
    },

    async abortUpload({ key, uploadId }) {
      try {
        const command = new AbortMultipartUploadCommand({ Bucket, Key: key, UploadId: uploadId });
        await call(target, 'AbortMultipartUpload', (client, options) => client.send(command, options), {
          signal: AbortSignal.timeout(ABORT_TIMEOUT_MS),
        });
      } catch (error) {
        // NoSuchUpload: already gone, which is what was wanted.
        if (!(error instanceof ReplicationError) || error.reason !== 'lost-race') throw error;
      }
    },
  };
};

/** Node rewrites a Content-Disposition that goes out together with a whole body, and breaks all but ASCII in it. */
const sendable = (body: Readable | Buffer, attributes: ObjectAttributes): Readable | Buffer =>
  Buffer.isBuffer(body) && NOT_ASCII.test(attributes.contentDisposition ?? '') ? Readable.from([body]) : body;

const headerFields = (attributes: ObjectAttributes) =>
  defined({
    CacheControl: attributes.cacheControl,
    ContentDisposition: attributes.contentDisposition,
    ContentEncoding: attributes.contentEncoding,
    ContentLanguage: attributes.contentLanguage,
    ContentType: attributes.contentType,
    WebsiteRedirectLocation: attributes.websiteRedirectLocation,
    StorageClass: attributes.storageClass as 'STANDARD' | null,
    Metadata: attributes.metadata,
  });

const encryptionFields = (destination: Destination) =>
  destination.kmsKeyArn === null
    ? {}
    : {
        ServerSideEncryption: 'aws:kms' as const,
        SSEKMSKeyId: destination.kmsKeyArn,
        BucketKeyEnabled: true,
      };

const conditionFields = (precondition: Precondition) =>
  precondition.kind === 'absent' ? { IfNoneMatch: '*' } : { IfMatch: precondition.etag };

const guardFields = (guard: Guard) => {
  switch (guard.kind) {
    case 'checksum':
      return checksumField(guard.checksum);
    case 'md5':
      return { ContentMD5: guard.md5 };
    case 'compute':
      return { ChecksumAlgorithm: 'CRC32' as const };
    case 'none':
      return {};
  }
};

/** Headers the SDK has no field for. */
const bodyHeaders = (guard: Guard, attributes?: ObjectAttributes): Record<string, string | undefined> => ({
  // Hashing the body for the signature would cost more than the copy; TLS and the guard protect it.
  'x-amz-content-sha256': guard.kind === 'compute' ? undefined : 'UNSIGNED-PAYLOAD',
  // The SDK takes a Date only; S3 keeps whatever was written there.
  expires: attributes?.expires ?? undefined,
});

const written = (answer: PutObjectCommandOutput | CompleteMultipartUploadCommandOutput): Written => {
  // A 200 may hold an error in its body: only the ETag says that something was stored.
  if (answer.ETag === undefined) throw unproven('the write');
  return {
    versionId: answer.VersionId ?? null,
    etag: answer.ETag,
    encryption: answer.ServerSideEncryption ?? null,
    checksum: storedChecksum(answer),
  };
};

const unproven = (operation: string): ReplicationError =>
  new ReplicationError('service-error', `${operation}: the answer of S3 proves nothing`);

type Defined<T> = { [K in keyof T]?: NonNullable<T[K]> };

const defined = <T extends Record<string, unknown>>(fields: T): Defined<T> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null)) as Defined<T>;
