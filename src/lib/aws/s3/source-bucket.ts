/** The source side. It only reads objects and asks S3 to restore archived ones. */
import {
  type GetObjectCommandOutput,
  HeadObjectCommand,
  type HeadObjectCommandOutput,
} from '@aws-sdk/client-s3';
import { ReplicationError } from '../../model/errors.ts';
import type { HistoryEntry, SourceBucket } from '../../model/ports.ts';
import { call, type Target } from './client/call.ts';
import { isNotFound, unlessGone } from '../errors.ts';
import { bodyOf, getObject, type GetInput, headOrReason } from './object/get-object.ts';
import { type Heads, headCurrent, headVersion } from './object/head-object.ts';
import { listNeighbours } from './listing/neighbours.ts';
import { readAcl } from './object/object-acl.ts';
import { objectHistory } from './listing/object-history.ts';
import { objectState, refuseIncomplete } from './object/object-state.ts';
import { readTags } from './object/object-tags.ts';
import { pinned, readSlice } from './object/read-object.ts';
import { requestRestore } from './object/restore-object.ts';
import { refuseSseC } from './sealed-object.ts';

export const createSourceBucket = (target: Target, bucket: string): SourceBucket => {
  const heads: Heads = {
    target,
    bucket,
    onReasonFound: refuseSseC,
    refuse: refuseIncomplete,
  };
  return {
    look: (key) => headCurrent(heads, key),
    head: (key, versionId) => headVersion(heads, key, versionId),

    async open(key, versionId) {
      const answer =
        versionId === null
          ? await orAbsent(readObject(target, { Bucket: bucket, Key: key }))
          : await unlessGone(readObject(target, { Bucket: bucket, Key: key, VersionId: versionId }));
      if (answer === null) return null;
      const body = bodyOf(target, answer);
      try {
        refuseIncomplete(answer);
        return { state: objectState(answer), body };
      } catch (error) {
        body.destroy();
        throw error;
      }
    },

    read: (key, pin, slice) => readSlice(target, { bucket, key, pin, slice }, refuseSseC),

    async part(key, pin, partNumber) {
      // The ETag is compared here and not sent as If-Match, because some servers give each part a different ETag and use part numbers in
      // another way than S3.
      const { VersionId } = pinned(pin);
      const input = { Bucket: bucket, Key: key, PartNumber: partNumber, ...(VersionId && { VersionId }) };
      const answer = await headPart(target, input);
      const { ETag: etag, PartsCount: parts, ContentLength: sizeBytes } = answer;
      return etag !== pin.etag || parts === undefined || sizeBytes === undefined
        ? null
        : { parts, sizeBytes };
    },

    async history(key, until = () => false) {
      const entries: HistoryEntry[] = [];
      for await (const entry of objectHistory(target, bucket, key)) {
        entries.push(entry);
        if (until(entry)) break;
      }
      return entries;
    },

    neighbours: (request) => listNeighbours(target, bucket, request),
    tags: (key, versionId) => readTags(target, { bucket, key, versionId }),
    acl: (key, versionId) => readAcl(target, { bucket, key, versionId }),
    restore: (key, versionId, request) => requestRestore(target, { bucket, key, versionId }, request),
  };
};

type HeadInput = ConstructorParameters<typeof HeadObjectCommand>[0];

/** Sends a HEAD for a part. On a server that does not support part numbers, it fails with the reason `invalid-request`. */
const headPart = async (target: Target, input: HeadInput): Promise<HeadObjectCommandOutput> => {
  const { PartNumber: _part, ...object } = input;
  const head = (): Promise<HeadObjectCommandOutput> =>
    call(target, 'HeadObject', (client, options) => client.send(new HeadObjectCommand(input), options));
  return await headOrReason(target, head, object, refuseSseC);
};

const readObject = (target: Target, input: GetInput): Promise<GetObjectCommandOutput> =>
  getObject(target, input, refuseSseC);

/**
 * Waits for the answer to a GET. Resolves to null when the key does not exist. It cannot be used with HEAD: the response to HEAD
 * has no body, so it does not show whether the key or the bucket is missing.
 */
const orAbsent = async <T>(answer: Promise<T>): Promise<T | null> => {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof ReplicationError && isNotFound(error.cause)) return null;
    throw error;
  }
};
