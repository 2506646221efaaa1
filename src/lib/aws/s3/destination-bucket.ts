/** The destination side, which writes under conditions and with the credentials of the replication role. */
import { Readable } from 'node:stream';
import { DeleteObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import type { Current, DestinationBucket, ObjectAttributes, Written } from '../../model/ports.ts';
import type { Destination } from '../../model/rule.ts';
import { keepsVersions } from './bucket-versioning.ts';
import { call, type Target } from './client/call.ts';
import { withHeaders } from './client/command-hooks.ts';
import { copyInsideS3, copyPartInsideS3 } from './write/copy-inside.ts';
import type { Heads } from './object/head-object.ts';
import { NOT_ASCII } from './client/header-bytes.ts';
import { createWrites, type Sent } from './write/looked-writes.ts';
import { listParts, listUploads } from './listing/multipart-listing.ts';
import { abortUpload, completeUpload, createMultipartUpload, uploadPart } from './write/multipart-upload.ts';
import { readAcl, writeAcl } from './object/object-acl.ts';
import { objectHistory } from './listing/object-history.ts';
import { defaultRetention, writeLegalHold, writeRetention } from './write/object-lock.ts';
import { type ObjectName, readTags, writeTags } from './object/object-tags.ts';
import { readSlice } from './object/read-object.ts';
import { headUnsealed, lookThroughSeal, refuseSseC } from './sealed-object.ts';
import {
  bodyHeaders,
  conditionFields,
  encryptionFields,
  guardFields,
  refuseLock,
  replicaFields,
} from './write/write-fields.ts';
import { written } from './write/written.ts';

export const createDestinationBucket = (target: Target, destination: Destination): DestinationBucket => {
  const { bucket } = destination;
  const heads: Heads = { target, bucket, onReasonFound: refuseSseC };
  const look = (key: string): Promise<Current> => lookThroughSeal(heads, key);
  const { write, remove } = createWrites(destination, { look, overMarkers: target.clients.overMarkers });
  const named = (key: string, versionId: string | null): ObjectName => ({ bucket, key, versionId });
  return {
    look,
    head: (key, versionId) => headUnsealed(heads, key, versionId),
    read: (key, pin, slice) => readSlice(target, { bucket, key, pin, slice }),
    history: (key) => objectHistory(target, bucket, key),
    keepsVersions: () => keepsVersions(target, bucket),
    tags: (key, versionId) => readTags(target, named(key, versionId)),
    putTags: (key, versionId, tags) => writeTags(target, named(key, versionId), tags),
    acl: (key, versionId) => readAcl(target, named(key, versionId)),
    putAcl: (key, versionId, acl) => writeAcl(target, named(key, versionId), acl),
    putRetention: (key, versionId, retention) => writeRetention(target, named(key, versionId), retention),
    putLegalHold: (key, versionId) => writeLegalHold(target, named(key, versionId)),
    remove: (request) => remove(request, (etag) => removeObject(target, bucket, { ...request, etag })),
    put: (request) =>
      write(request, (condition) => putObject(target, destination, { ...request, precondition: condition })),
    createUpload: (request) => createMultipartUpload(target, destination, request),
    uploadPart: (request) => uploadPart(target, bucket, request),
    completeUpload: (request) =>
      write(request, (precondition) => {
        const sizeBytes = destination.service === null ? request.sizeBytes : null;
        return completeUpload(target, bucket, { ...request, sizeBytes, precondition });
      }),
    abortUpload: (upload) => abortUpload(target, bucket, upload),
    parts: (upload) => listParts(target, { bucket, ...upload }),
    uploads: (prefix) => listUploads(target, bucket, prefix),
    copyObject: (request) => copyInsideS3(target, destination, request, look),
    copyPart: (request) => copyPartInsideS3(target, bucket, request),
    locksByDefault: async () => (await defaultRetention(target, bucket)) !== null,
    defaultRetention: async () => {
      const known = await defaultRetention(target, bucket);
      return known === 'unknown' ? null : known;
    },
    foundLocked: () => target.clients.defaultRetention.set(bucket, 'unknown'),
  };
};

const removeObject = async (
  target: Target,
  bucket: string,
  { key, etag }: { key: string; etag: string | null },
): ReturnType<DestinationBucket['remove']> => {
  const command = new DeleteObjectCommand({
    Bucket: bucket,
    Key: key,
    ...(etag === null ? {} : { IfMatch: etag }),
  });
  const answer = await call(target, 'DeleteObject', (client, options) => client.send(command, options));
  return { versionId: answer.VersionId ?? null };
};

const putObject = async (
  target: Target,
  destination: Destination,
  request: Sent<'put'>,
): Promise<Written> => {
  const body = sendable(request.body, request.attributes);
  const { guard } = request;
  const command = new PutObjectCommand({
    Bucket: destination.bucket,
    Key: request.key,
    Body: body,
    ContentLength: request.sizeBytes,
    ...replicaFields(request.attributes),
    ...encryptionFields(destination),
    ...conditionFields(request.precondition),
    ...guardFields(guard),
  });
  withHeaders(command, bodyHeaders(guard, request.attributes));
  const onError = refuseLock(request.attributes.lock);
  return written(
    await call(target, 'PutObject', (client, options) => client.send(command, options), { body, onError }),
  );
};

/**
 * Returns a body that Node can send together with the headers. If the body is a buffer, Node rewrites the Content-Disposition header and
 * corrupts all its characters that are not ASCII. If the body is a stream, Node sends the header unchanged.
 */
const sendable = (body: Readable | Buffer, attributes: ObjectAttributes): Readable | Buffer =>
  Buffer.isBuffer(body) && NOT_ASCII.test(attributes.contentDisposition ?? '') ? Readable.from([body]) : body;
