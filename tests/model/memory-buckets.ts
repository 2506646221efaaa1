/**
 * A written model of an S3 bucket: small enough to be read, strict about what S3 is strict about. Behind the domain's ports it
 * is in `memory-source.ts` and `memory-destination.ts`.
 */
import { createHash, randomBytes } from 'node:crypto';
import type {
  Acl,
  Checksum,
  HistoryEntry,
  ObjectAttributes,
  ObjectLock,
  ObjectState,
  ReplicaAttributes,
  Tags,
} from '../../src/lib/model/ports.ts';

export interface Version {
  kind: 'version';
  /** As S3 lists it: `null` for the null version. */
  id: string;
  state: ObjectState;
  bytes: Buffer;
  /** As it was uploaded: one for an object written whole. */
  parts: Buffer[];
  tags: Tags;
  acl: Acl;
  /** Why nobody can read it; null: everybody can. */
  sealed: 'archived' | 'sse-c' | null;
}

export interface Marker {
  kind: 'marker';
  id: string;
  lastModifiedMs: number;
}

export type Versioning = 'unversioned' | 'enabled' | 'suspended';

interface BucketOptions {
  /** With KMS the ETag says nothing about the content. */
  encryption?: 'AES256' | 'aws:kms';
  /** Whether S3 keeps a checksum of the whole object. */
  checksums?: boolean;
  /** How many bytes each byte of the model stands for: so the largest objects fit into it. */
  unitBytes?: number;
}

/** A multipart upload that is neither completed nor aborted. */
export interface OpenUpload {
  key: string;
  attributes: ReplicaAttributes;
  initiatedMs: number;
  initiator: string;
  parts: Map<number, { bytes: Buffer; etag: string; lastModifiedMs: number }>;
}

export interface MemoryBucket {
  readonly options: Required<BucketOptions>;
  now(): number;
  versioning: Versioning;
  /** Newest last. */
  history: Map<string, (Version | Marker)[]>;
  /** By id. */
  uploads: Map<string, OpenUpload>;
  /** A multipart object where there are several parts. */
  put(
    key: string,
    content: Buffer | Buffer[],
    more?: { attributes?: ObjectAttributes; tags?: Tags },
  ): ObjectState;
  /** DELETE without a version id. Answers the marker's id. */
  remove(key: string): string | null;
  /** DELETE of one version or marker; the newest is 0. Answers its id. */
  forget(key: string, age: number): string | null;
  setTags(key: string, age: number, tags: Tags): string | null;
  setAcl(key: string, age: number, acl: Acl): string | null;
  setLock(key: string, age: number, lock: Partial<ObjectLock>): string | null;
  seal(key: string, age: number, sealed: Version['sealed']): void;
  current(key: string): Version | null;
  /** Versions newest last, markers left out. */
  versions(key: string): Version[];
  /** Newest first. */
  list(key: string): HistoryEntry[];
}

export const NO_ATTRIBUTES: ObjectAttributes = {
  cacheControl: null,
  contentDisposition: null,
  contentEncoding: null,
  contentLanguage: null,
  contentType: 'binary/octet-stream',
  expires: null,
  websiteRedirectLocation: null,
  storageClass: null,
  metadata: {},
};

export const NO_LOCK = { retention: null, legalHold: false };

/** What a replica without tags and lock is written with. */
export const REPLICA_ATTRIBUTES: ReplicaAttributes = { ...NO_ATTRIBUTES, tags: {}, lock: NO_LOCK };

export const createMemoryBucket = (
  versioning: Versioning,
  now: () => number,
  { encryption = 'AES256', checksums = false, unitBytes = 1 }: BucketOptions = {},
): MemoryBucket => {
  const history: MemoryBucket['history'] = new Map();
  // No two buckets give out the same ids.
  const name = randomBytes(4).toString('hex');
  let count = 0;
  const entries = (key: string): (Version | Marker)[] => history.get(key) ?? [];
  const wholeSeconds = (): number => Math.floor(now() / 1_000) * 1_000;
  const add = (key: string, entry: Version | Marker): void => {
    const kept = entry.id === 'null' ? entries(key).filter(({ id }) => id !== 'null') : entries(key);
    history.set(key, [...kept, entry]);
  };
  const newId = (kind: string): string =>
    bucket.versioning === 'enabled' ? `${kind}-${++count}-${name}` : 'null';
  const version = (key: string, age: number): Version | null => {
    const entry = entries(key).at(-1 - age);
    return entry?.kind === 'version' ? entry : null;
  };
  const bucket: MemoryBucket = {
    options: { encryption, checksums, unitBytes },
    now,
    versioning,
    history,
    uploads: new Map(),
    put(key, content, { attributes = NO_ATTRIBUTES, tags = {} } = {}) {
      const parts = Buffer.isBuffer(content) ? [content] : content;
      const bytes = Buffer.concat(parts);
      const id = newId('version');
      const opaque = md5(Buffer.from(`${++count} ${name}`)).toString('hex');
      const state: ObjectState = {
        versionId: bucket.versioning === 'unversioned' ? null : id,
        etag: encryption === 'AES256' ? etagOf(content) : etagOf(content).replace(/[0-9a-f]{32}/, opaque),
        sizeBytes: bytes.length * unitBytes,
        lastModifiedMs: wholeSeconds(),
        encryption,
        checksum: checksums ? checksumOf(bytes) : null,
        attributes,
        tagCount: Object.keys(tags).length,
        lock: NO_LOCK,
      };
      add(key, { kind: 'version', id, state, bytes, parts, tags, acl: [], sealed: null });
      return state;
    },
    remove(key) {
      if (bucket.versioning === 'unversioned') {
        history.delete(key);
        return null;
      }
      const id = newId('marker');
      add(key, { kind: 'marker', id, lastModifiedMs: wholeSeconds() });
      return id;
    },
    forget(key, age) {
      const forgotten = entries(key).at(-1 - age);
      const kept = entries(key).filter((entry) => entry !== forgotten);
      history.set(key, kept);
      return forgotten?.id ?? null;
    },
    setTags(key, age, tags) {
      const entry = version(key, age);
      if (entry === null) return null;
      entry.tags = tags;
      entry.state = { ...entry.state, tagCount: Object.keys(tags).length };
      return entry.id;
    },
    setAcl(key, age, acl) {
      const entry = version(key, age);
      if (entry === null) return null;
      entry.acl = acl;
      return entry.id;
    },
    setLock(key, age, lock) {
      const entry = version(key, age);
      if (entry === null) return null;
      entry.state = { ...entry.state, lock: { ...entry.state.lock, ...lock } };
      return entry.id;
    },
    seal(key, age, sealed) {
      const entry = version(key, age);
      if (entry !== null) entry.sealed = sealed;
    },
    current: (key) => version(key, 0),
    versions: (key) => entries(key).filter((entry) => entry.kind === 'version'),
    list: (key) => entries(key).toReversed().map(listed),
  };
  return bucket;
};

const listed = (entry: Version | Marker): HistoryEntry => {
  if (entry.kind === 'marker')
    return { kind: 'marker', versionId: entry.id, lastModifiedMs: entry.lastModifiedMs };
  const { etag, sizeBytes, lastModifiedMs } = entry.state;
  return { kind: 'version', versionId: entry.id, etag, sizeBytes, lastModifiedMs };
};

export const md5 = (bytes: Buffer): Buffer => createHash('md5').update(bytes).digest();

/** Of an object written whole its MD5, of several parts the MD5 of their MD5s and their number. */
const etagOf = (content: Buffer | Buffer[]): string =>
  Buffer.isBuffer(content)
    ? `"${md5(content).toString('hex')}"`
    : `"${md5(Buffer.concat(content.map(md5))).toString('hex')}-${content.length}"`;

/** Called a CRC here as S3 calls it; which function it is does not matter to the model. */
export const checksumOf = (bytes: Buffer): Checksum => ({
  algorithm: 'CRC64NVME',
  type: 'FULL_OBJECT',
  value: createHash('sha256').update(bytes).digest('base64'),
});
