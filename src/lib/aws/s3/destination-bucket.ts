/** The destination side: conditional writes with the credentials of the replication role. */
import { Readable } from 'node:stream';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { ReplicationError } from '../../model/errors.ts';
import type { DestinationBucket, ObjectAttributes } from '../../model/ports.ts';
import type { Destination } from '../../model/rule.ts';
import { call, type Target } from './call.ts';
import { withHeaders } from './command-hooks.ts';
import { copyObject, copyPart } from './copy-inside.ts';
import { type Heads, headCurrent, headVersion } from './head-object.ts';
import { NOT_ASCII } from './header-bytes.ts';
import { listParts, listUploads } from './multipart-listing.ts';
import { readAcl, writeAcl } from './object-acl.ts';
import { objectHistory } from './object-history.ts';
import { textHeaders } from './object-headers.ts';
import { writeLegalHold, writeRetention } from './object-lock.ts';
import { checksumField, storedChecksum } from './object-state.ts';
import { readTags, writeTags } from './object-tags.ts';
import {
  bodyHeaders,
  conditionFields,
  encryptionFields,
  guardFields,
  guardOf,
  refuseLock,
  replicaFields,
} from './write-fields.ts';
import { unproven, written } from './written.ts';

/** Cleaning up after a failure may not hold up the rest for long. */
const ABORT_TIMEOUT_MS = 5_000;

export const createDestinationBucket = (target: Target, destination: Destination): DestinationBucket => {
  const Bucket = destination.bucket;
  const heads: Heads = { target, bucket: Bucket, explain: (error) => renewCredentials(target, error) };
  return {
    look: (key) => headCurrent(heads, key),
    head: (key, versionId) => headVersion(heads, key, versionId),
    history: (key) => objectHistory(target, Bucket, key),
    tags: (key, versionId) => readTags(target, { bucket: Bucket, key, versionId }),
    putTags: (key, versionId, tags) => writeTags(target, { bucket: Bucket, key, versionId }, tags),
    acl: (key, versionId) => readAcl(target, { bucket: Bucket, key, versionId }),
    putAcl: (key, versionId, acl) => writeAcl(target, { bucket: Bucket, key, versionId }, acl),
    putRetention: (key, versionId, retention) =>
      writeRetention(target, { bucket: Bucket, key, versionId }, retention),
    putLegalHold: (key, versionId) => writeLegalHold(target, { bucket: Bucket, key, versionId }),

    async remove({ key, etag }) {
      const command = new DeleteObjectCommand({ Bucket, Key: key, IfMatch: etag });
      const answer = await call(target, 'DeleteObject', (client, options) => client.send(command, options));
      return { versionId: answer.VersionId ?? null };
    },

    async put(request) {
      const body = sendable(request.body, request.attributes);
      const guard = guardOf(request);
      const command = new PutObjectCommand({
        Bucket,
        Key: request.key,
        Body: body,
        ContentLength: request.sizeBytes,
        ...replicaFields(request.attributes),
        ...encryptionFields(destination),
        ...conditionFields(request.precondition),
        ...guardFields(guard),
      });
      withHeaders(command, bodyHeaders(guard, request.attributes));
      return written(
        await call(target, 'PutObject', (client, options) => client.send(command, options), {
          body,
          onError: refuseLock(request.attributes.lock),
        }),
      );
    },

    async createUpload({ key, attributes, checksum }) {
      const command = new CreateMultipartUploadCommand({
        Bucket,
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

    copyObject: (request) => copyObject(target, destination, request, (key) => headCurrent(heads, key)),
    copyPart: (request) => copyPart(target, Bucket, request),
    parts: (upload) => listParts(target, { bucket: Bucket, ...upload }),
    uploads: (prefix) => listUploads(target, Bucket, prefix),

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

/** What a 400 without a body most likely means here, and what mends itself if it does. */
const renewCredentials = (target: Target, error: ReplicationError): Promise<never> => {
  target.clients.forget(target.pair());
  return Promise.reject(new ReplicationError('expired-credentials', error.message, { cause: error.cause }));
};

/** Node rewrites a Content-Disposition that goes out together with a whole body, and breaks all but ASCII in it. */
const sendable = (body: Readable | Buffer, attributes: ObjectAttributes): Readable | Buffer =>
  Buffer.isBuffer(body) && NOT_ASCII.test(attributes.contentDisposition ?? '') ? Readable.from([body]) : body;
