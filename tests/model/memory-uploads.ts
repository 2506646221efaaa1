/** The multipart uploads of the destination model. */
import { randomUUID } from 'node:crypto';
import { ReplicationError } from '../../src/lib/model/errors.ts';
import type { DestinationBucket, UploadedPart } from '../../src/lib/model/ports.ts';
import { md5, type MemoryBucket, type OpenUpload } from './memory-buckets.ts';
import {
  assertChecksum,
  assertCondition,
  assertGuard,
  bytesInS3,
  received,
  type Target,
  write,
} from './memory-writes.ts';

type UploadCalls = Pick<
  DestinationBucket,
  'createUpload' | 'uploadPart' | 'copyPart' | 'parts' | 'uploads' | 'completeUpload' | 'abortUpload'
>;

export const uploadCalls = (target: Target): UploadCalls => ({
  ...partCalls(target),
  ...listings(target),
  createUpload: ({ key, attributes, checksum }) =>
    target.answered('createUpload', () => {
      const { bucket, inside } = target;
      const uploadId = randomUUID();
      const { initiator } = inside;
      bucket.uploads.set(uploadId, {
        key,
        attributes,
        initiatedMs: bucket.now(),
        initiator,
        checksum,
        parts: new Map(),
      });
      return { uploadId, encryption: bucket.options.encryption };
    }),
  completeUpload: ({ key, uploadId, parts, sizeBytes, checksum, precondition }) =>
    target.answered('completeUpload', () => {
      const { bucket } = target;
      const open = uploadIn(bucket, uploadId);
      assertCondition(target, key, precondition);
      const content = parts.map(({ partNumber, etag }) => {
        const part = open.parts.get(partNumber);
        if (part?.etag !== etag) throw new ReplicationError('invalid-request', 'InvalidPart');
        return part.bytes;
      });
      const bytes = Buffer.concat(content);
      if (bytes.length * bucket.options.unitBytes !== sizeBytes)
        throw new ReplicationError('invalid-request', 'InvalidPart');
      if (checksum !== null) assertChecksum(bytes, checksum);
      bucket.uploads.delete(uploadId);
      return write(target, 'CompleteMultipartUpload', { key, content, attributes: open.attributes });
    }),
  abortUpload: ({ uploadId }) =>
    target.answered('abortUpload', () => void target.bucket.uploads.delete(uploadId)),
});

const partCalls = (target: Target): Pick<UploadCalls, 'uploadPart' | 'copyPart'> => {
  const { bucket, answered } = target;
  const { unitBytes } = bucket.options;
  return {
    async uploadPart({ uploadId, partNumber, body, sizeBytes, guard }) {
      const bytes = await received(body, sizeBytes / unitBytes);
      return await answered('uploadPart', () => {
        assertGuard(bytes, guard);
        return store(bucket, { uploadId, partNumber, bytes });
      });
    },
    copyPart: ({ from, uploadId, partNumber, bytes }) =>
      answered('copyPart', () => {
        const content = bytesInS3(target, from);
        const part = content.subarray(
          bytes === null ? 0 : bytes.first / unitBytes,
          bytes === null ? undefined : (bytes.last + 1) / unitBytes,
        );
        return store(bucket, { uploadId, partNumber, bytes: part });
      }),
  };
};

const listings = ({ bucket, answered }: Target): Pick<UploadCalls, 'parts' | 'uploads'> => ({
  async *parts({ uploadId, after }) {
    const parts = await answered('parts', () => [...uploadIn(bucket, uploadId).parts]);
    const { unitBytes } = bucket.options;
    for (const [partNumber, { bytes, etag, lastModifiedMs }] of parts.toSorted(([a], [b]) => a - b)) {
      if (partNumber <= after) continue;
      yield { partNumber, etag, checksum: null, sizeBytes: bytes.length * unitBytes, lastModifiedMs };
    }
  },
  async *uploads(prefix) {
    const open = await answered('uploads', () => [...bucket.uploads]);
    for (const [uploadId, { key, initiatedMs, initiator, checksum }] of open)
      if (key.startsWith(prefix)) yield { key, uploadId, initiatedMs, initiator, checksum };
  },
});

const uploadIn = (bucket: MemoryBucket, uploadId: string): OpenUpload => {
  const open = bucket.uploads.get(uploadId);
  if (open === undefined) throw new ReplicationError('lost-race', 'NoSuchUpload');
  return open;
};

const store = (
  bucket: MemoryBucket,
  { uploadId, partNumber, bytes }: { uploadId: string; partNumber: number; bytes: Buffer },
): UploadedPart => {
  const digest = bucket.options.encryption === 'AES256' ? md5(bytes).toString('hex') : 'opaque';
  const part = { bytes, etag: `"${digest}"`, lastModifiedMs: bucket.now() };
  uploadIn(bucket, uploadId).parts.set(partNumber, part);
  return { partNumber, etag: part.etag, checksum: null };
};
