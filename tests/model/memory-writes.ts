/** Functions that uploads of objects and multipart uploads share in the model: conditions, checksums and events. */
import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { ReplicationError } from '../../src/lib/model/errors.ts';
import type {
  Checksum,
  CopySource,
  Guard,
  ObjectState,
  Precondition,
  ReplicaAttributes,
  Written,
} from '../../src/lib/model/ports.ts';
import { checksumOf, md5, type MemoryBucket, type Version } from './memory-buckets.ts';

/** An S3 event about a change of a bucket. */
export interface BucketEvent {
  name: string;
  key: string;
  versionId: string | null;
}

/** Data that some calls need besides the destination bucket. */
export interface Inside {
  /** The source buckets that the destination's role may read, by name. */
  sources: Record<string, MemoryBucket>;
  initiator: string;
}

/** A destination bucket together with what its calls need. */
export interface Target {
  bucket: MemoryBucket;
  /** Passes the gate, runs `effect`, and passes the gate again. */
  answered<T>(call: string, effect: () => T): Promise<T>;
  find(key: string, versionId: string | null): Version | null;
  tell(event: BucketEvent): void;
  inside: Inside;
}

export const assertCondition = ({ bucket }: Target, key: string, precondition: Precondition): void => {
  const current = bucket.current(key)?.state ?? null;
  const met = precondition.kind === 'absent' ? current === null : current?.etag === precondition.etag;
  if (!met) throw new ReplicationError('lost-race', 'PreconditionFailed');
};

interface NewVersion {
  key: string;
  /** The content of the object. Several buffers make a multipart object. */
  content: Buffer | Buffer[];
  attributes: ReplicaAttributes;
}

/**
 * Writes a new version and sends its event. `name` is the part of the event's name after `ObjectCreated:`.
 */
export const write = ({ bucket, tell }: Target, name: string, version: NewVersion): Written => {
  const { key, content, attributes } = version;
  const { tags, lock, ...others } = attributes;
  const written: ObjectState = bucket.put(key, content, { attributes: others, tags });
  written.lock = lock;
  tell({ name: `ObjectCreated:${name}`, key, versionId: written.versionId });
  return written;
};

/**
 * Returns the bytes of the source of a copy inside S3. If the version is gone, the copy fails with "access
 * denied", because the role may not list the source.
 */
export const bytesInS3 = ({ inside }: Target, { bucket: name, key, pin }: CopySource): Buffer => {
  const source = inside.sources[name];
  const version = source?.versions(key).find(({ state }) => state.versionId === pin.versionId);
  if (version === undefined) throw new ReplicationError('access-denied', 'AccessDenied');
  // S3 does not copy an object that must be restored first.
  if (version.sealed !== null) throw new ReplicationError(version.sealed, 'S3 does not copy it');
  if (version.state.etag !== pin.etag) throw new ReplicationError('lost-race', 'PreconditionFailed');
  return version.bytes;
};

/** Reads the whole body. Like S3, throws if the length differs from the announced length. */
export const received = async (body: Readable | Buffer, sizeBytes: number): Promise<Buffer> => {
  const bytes = Buffer.isBuffer(body)
    ? body
    : await buffer(body).catch((cause: unknown) => {
        throw new ReplicationError('connection-lost', 'the body broke off', { cause });
      });
  if (bytes.length !== sizeBytes) throw new ReplicationError('connection-lost', 'IncompleteBody');
  return bytes;
};

export const assertGuard = (bytes: Buffer, guard: Guard): void => {
  if (guard.kind === 'checksum') assertChecksum(bytes, guard.checksum);
  if (guard.kind === 'md5' && guard.md5 !== md5(bytes).toString('base64'))
    throw new ReplicationError('bad-checksum', 'BadDigest');
};

export const assertChecksum = (bytes: Buffer, checksum: Checksum): void => {
  if (checksum.value !== checksumOf(bytes).value) throw new ReplicationError('bad-checksum', 'BadDigest');
};
