/** The model of a bucket as a destination: conditions, checksums and multipart uploads as S3 has them. */
import { randomUUID } from 'node:crypto';
import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { ReplicationError } from '../../src/lib/model/errors.ts';
import type {
  Checksum,
  CopySource,
  DestinationBucket,
  Guard,
  ObjectState,
  Precondition,
  ReplicaAttributes,
  UploadedPart,
  Written,
} from '../../src/lib/model/ports.ts';
import { checksumOf, md5, type MemoryBucket } from './memory-buckets.ts';
import { type Gate, reads } from './memory-source.ts';

/** What S3 tells of a change. */
export interface BucketEvent {
  name: string;
  key: string;
  versionId: string | null;
}

/** What S3 knows besides this bucket. */
interface Inside {
  /** By name, those that the role may read. */
  sources: Record<string, MemoryBucket>;
  initiator: string;
}

export const memoryDestination = (
  bucket: MemoryBucket,
  gate: Gate,
  tell: (event: BucketEvent) => void = () => undefined,
  inside: Inside = { sources: {}, initiator: 'arn:aws:sts::222222222222:assumed-role/replication/s3r@test' },
): DestinationBucket => {
  const { gated: _gated, answered, find, ...both } = reads(bucket, gate, 'destination');
  const { unitBytes } = bucket.options;
  const assertCondition = (key: string, precondition: Precondition): void => {
    const current = bucket.current(key)?.state ?? null;
    const met = precondition.kind === 'absent' ? current === null : current?.etag === precondition.etag;
    if (!met) throw new ReplicationError('lost-race', 'PreconditionFailed');
  };
  const write = (
    name: string,
    key: string,
    content: Buffer | Buffer[],
    attributes: ReplicaAttributes,
  ): Written => {
    const { tags, lock, ...others } = attributes;
    const written: ObjectState = bucket.put(key, content, { attributes: others, tags });
    written.lock = lock;
    tell({ name: `ObjectCreated:${name}`, key, versionId: written.versionId });
    return written;
  };
  const found = (key: string, versionId: string | null) => {
    const version = find(key, versionId);
    if (version === null) throw new ReplicationError('lost-race', 'the version is gone');
    return version;
  };
  /** Without an event. */
  const lockable = (key: string, versionId: string | null) => {
    const version = found(key, versionId);
    if (version.state.versionId === null)
      throw new ReplicationError('object-lock', 'Bucket is missing Object Lock Configuration');
    version.state = { ...version.state };
    return version;
  };
  const upload = (uploadId: string) => {
    const open = bucket.uploads.get(uploadId);
    if (open === undefined) throw new ReplicationError('lost-race', 'NoSuchUpload');
    return open;
  };
  const store = (uploadId: string, partNumber: number, bytes: Buffer): UploadedPart => {
    const digest = bucket.options.encryption === 'AES256' ? md5(bytes).toString('hex') : 'opaque';
    const part = { bytes, etag: `"${digest}"`, lastModifiedMs: bucket.now() };
    upload(uploadId).parts.set(partNumber, part);
    return { partNumber, etag: part.etag, checksum: null };
  };
  /** Without the right to list, what is gone is denied like all the rest. */
  const inS3 = ({ bucket: name, key, pin }: CopySource): Buffer => {
    const source = inside.sources[name];
    const version = source?.versions(key).find(({ state }) => state.versionId === pin.versionId);
    if (version === undefined) throw new ReplicationError('access-denied', 'AccessDenied');
    if (version.state.etag !== pin.etag) throw new ReplicationError('lost-race', 'PreconditionFailed');
    return version.bytes;
  };
  return {
    ...both,
    async *history(key) {
      yield* await answered('history', () => bucket.list(key));
    },
    async put({ key, body, sizeBytes, attributes, precondition, guard }) {
      const bytes = await received(body, sizeBytes / unitBytes);
      return await answered('put', () => {
        assertCondition(key, precondition);
        assertGuard(bytes, guard);
        return write('Put', key, bytes, attributes);
      });
    },
    remove: ({ key, etag }) =>
      answered('remove', () => {
        assertCondition(key, { kind: 'unchanged', etag });
        const versionId = bucket.remove(key);
        tell({
          name: `ObjectRemoved:${versionId === null ? 'Delete' : 'DeleteMarkerCreated'}`,
          key,
          versionId,
        });
        return { versionId };
      }),
    putTags: (key, versionId, tags) =>
      answered('putTags', () => {
        const version = found(key, versionId);
        version.tags = tags;
        version.state = { ...version.state, tagCount: Object.keys(tags).length };
        tell({ name: 'ObjectTagging:Put', key, versionId: version.state.versionId });
      }),
    putAcl: (key, versionId, acl) =>
      answered('putAcl', () => {
        const version = found(key, versionId);
        version.acl = acl;
        tell({ name: 'ObjectAcl:Put', key, versionId: version.state.versionId });
      }),
    putRetention: (key, versionId, retention) =>
      answered('putRetention', () => {
        const { state } = lockable(key, versionId);
        const before = state.lock.retention;
        const isOver = before === null || before.untilMs <= bucket.now();
        if (!isOver && (before.mode !== retention.mode || before.untilMs > retention.untilMs))
          throw new ReplicationError('access-denied', 'PutObjectRetention: AccessDenied');
        if (retention.untilMs <= bucket.now())
          throw new ReplicationError('invalid-request', 'PutObjectRetention: InvalidArgument');
        state.lock = { ...state.lock, retention };
      }),
    putLegalHold: (key, versionId) =>
      answered('putLegalHold', () => {
        const { state } = lockable(key, versionId);
        state.lock = { ...state.lock, legalHold: true };
      }),
    createUpload: ({ key, attributes }) =>
      answered('createUpload', () => {
        const uploadId = randomUUID();
        const { initiator } = inside;
        bucket.uploads.set(uploadId, {
          key,
          attributes,
          initiatedMs: bucket.now(),
          initiator,
          parts: new Map(),
        });
        return { uploadId, encryption: bucket.options.encryption };
      }),
    async uploadPart({ uploadId, partNumber, body, sizeBytes, guard }) {
      const bytes = await received(body, sizeBytes / unitBytes);
      return await answered('uploadPart', () => {
        assertGuard(bytes, guard);
        return store(uploadId, partNumber, bytes);
      });
    },
    copyObject: ({ from, key, attributes, precondition }) =>
      answered('copyObject', () => {
        const content = inS3(from);
        assertCondition(key, precondition);
        return write('Copy', key, content, attributes);
      }),
    copyPart: ({ from, uploadId, partNumber, bytes }) =>
      answered('copyPart', () => {
        const content = inS3(from);
        const part = content.subarray(
          bytes === null ? 0 : bytes.first / unitBytes,
          bytes === null ? undefined : (bytes.last + 1) / unitBytes,
        );
        return store(uploadId, partNumber, part);
      }),
    async *parts({ uploadId, after }) {
      const parts = await answered('parts', () => [...upload(uploadId).parts]);
      for (const [partNumber, { bytes, etag, lastModifiedMs }] of parts.toSorted(([a], [b]) => a - b)) {
        if (partNumber <= after) continue;
        yield { partNumber, etag, checksum: null, sizeBytes: bytes.length * unitBytes, lastModifiedMs };
      }
    },
    async *uploads(prefix) {
      const open = await answered('uploads', () => [...bucket.uploads]);
      for (const [uploadId, { key, initiatedMs, initiator }] of open)
        if (key.startsWith(prefix)) yield { key, uploadId, initiatedMs, initiator };
    },
    completeUpload: ({ key, uploadId, parts, sizeBytes, checksum, precondition }) =>
      answered('completeUpload', () => {
        const open = upload(uploadId);
        assertCondition(key, precondition);
        const content = parts.map(({ partNumber, etag }) => {
          const part = open.parts.get(partNumber);
          if (part?.etag !== etag) throw new ReplicationError('invalid-request', 'InvalidPart');
          return part.bytes;
        });
        const bytes = Buffer.concat(content);
        if (bytes.length * unitBytes !== sizeBytes)
          throw new ReplicationError('invalid-request', 'InvalidPart');
        if (checksum !== null) assertChecksum(bytes, checksum);
        bucket.uploads.delete(uploadId);
        return write('CompleteMultipartUpload', key, content, open.attributes);
      }),
    abortUpload: ({ uploadId }) => answered('abortUpload', () => void bucket.uploads.delete(uploadId)),
  };
};

/** S3 takes no body that is shorter than announced. */
const received = async (body: Readable | Buffer, sizeBytes: number): Promise<Buffer> => {
  const bytes = Buffer.isBuffer(body)
    ? body
    : await buffer(body).catch((cause: unknown) => {
        throw new ReplicationError('connection-lost', 'the body broke off', { cause });
      });
  if (bytes.length !== sizeBytes) throw new ReplicationError('connection-lost', 'IncompleteBody');
  return bytes;
};

const assertGuard = (bytes: Buffer, guard: Guard): void => {
  if (guard.kind === 'checksum') assertChecksum(bytes, guard.checksum);
  if (guard.kind === 'md5' && guard.md5 !== md5(bytes).toString('base64'))
    throw new ReplicationError('bad-checksum', 'BadDigest');
};

const assertChecksum = (bytes: Buffer, checksum: Checksum): void => {
  if (checksum.value !== checksumOf(bytes).value) throw new ReplicationError('bad-checksum', 'BadDigest');
};
