/**
 * A model of an S3 bucket. It is short enough to be read, and as strict as S3. `memory-source.ts` and
 * `memory-destination.ts` make the model available through the ports that the production code uses.
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
  UploadChecksum,
} from '../../src/lib/model/ports.ts';

export interface Version {
  kind: 'version';
  /** The version id in S3's listings. It is the text `null` for the null version. */
  id: string;
  state: ObjectState;
  bytes: Buffer;
  /** The parts of the multipart upload. An object that was written whole has one part. */
  parts: Buffer[];
  tags: Tags;
  acl: Acl;
  /** The reason why nobody can read the version. Null if the version is readable. */
  sealed: 'archived' | 'sse-c' | 'access-denied' | 'kms' | null;
}

export interface Marker {
  kind: 'marker';
  id: string;
  lastModifiedMs: number;
}

export type Versioning = 'unversioned' | 'enabled' | 'suspended';

interface BucketOptions {
  /** How the bucket encrypts. With KMS, the ETag does not depend on the content. */
  encryption?: 'AES256' | 'aws:kms';
  /** Whether S3 stores a checksum of the whole object. */
  checksums?: boolean;
  /** How many bytes each byte of the model represents. With this, the largest objects fit into memory. */
  unitBytes?: number;
}

/** A multipart upload that is neither completed nor aborted. */
export interface OpenUpload {
  key: string;
  attributes: ReplicaAttributes;
  initiatedMs: number;
  initiator: string;
  checksum: UploadChecksum | null;
  parts: Map<number, { bytes: Buffer; etag: string; lastModifiedMs: number }>;
}

export interface MemoryBucket {
  readonly options: Required<BucketOptions>;
  now(): number;
  versioning: Versioning;
  /** The versions and delete markers of each key, newest last. */
  history: Map<string, (Version | Marker)[]>;
  /** The open uploads, by upload id. */
  uploads: Map<string, OpenUpload>;
  /** Writes an object. If `content` is an array of buffers, the object is a multipart object. */
  put(
    key: string,
    content: Buffer | Buffer[],
    more?: { attributes?: ObjectAttributes; tags?: Tags },
  ): ObjectState;
  /**
   * Does what DELETE does without a version id. Returns the id of the delete marker, or null if none was
   * written.
   */
  remove(key: string): string | null;
  /** Deletes one version or delete marker. The newest has age 0. Returns the id of what was deleted. */
  forget(key: string, age: number): string | null;
  setTags(key: string, age: number, tags: Tags): string | null;
  setAcl(key: string, age: number, acl: Acl): string | null;
  setLock(key: string, age: number, lock: Partial<ObjectLock>): string | null;
  seal(key: string, age: number, sealed: Version['sealed']): void;
  current(key: string): Version | null;
  /** Returns the versions of a key without delete markers, newest last. */
  versions(key: string): Version[];
  /** Returns the history of a key, newest first. */
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

/** The attributes of a replica that has no tags and no lock. */
export const REPLICA_ATTRIBUTES: ReplicaAttributes = { ...NO_ATTRIBUTES, tags: {}, lock: NO_LOCK };

export const createMemoryBucket = (
  versioning: Versioning,
  now: () => number,
  { encryption = 'AES256', checksums = false, unitBytes = 1 }: BucketOptions = {},
): MemoryBucket => {
  const history: MemoryBucket['history'] = new Map();
  // The random name ensures that no two buckets share a version id.
  const name = randomBytes(4).toString('hex');
  let count = 0;
  const entries = (key: string): Entry[] => history.get(key) ?? [];
  const wholeSeconds = (): number => Math.floor(now() / 1_000) * 1_000;
  const add = (key: string, entry: Entry): void => {
    const kept = entry.id === 'null' ? entries(key).filter(({ id }) => id !== 'null') : entries(key);
    history.set(key, [...kept, entry]);
  };
  const newId = (kind: string): string =>
    bucket.versioning === 'enabled' ? `${kind}-${++count}-${name}` : 'null';
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
    ...changesOf(history),
  };
  return bucket;
};

type Entry = Version | Marker;

type Changes = Omit<
  MemoryBucket,
  'options' | 'now' | 'versioning' | 'history' | 'uploads' | 'put' | 'remove'
>;

/** Returns the calls that read or change existing versions. */
const changesOf = (history: MemoryBucket['history']): Changes => {
  const entries = (key: string): Entry[] => history.get(key) ?? [];
  const version = (key: string, age: number): Version | null => {
    const entry = entries(key).at(-1 - age);
    return entry?.kind === 'version' ? entry : null;
  };
  const changed = (key: string, age: number, change: (found: Version) => void): string | null => {
    const found = version(key, age);
    if (found === null) return null;
    change(found);
    return found.id;
  };
  return {
    forget(key, age) {
      const forgotten = entries(key).at(-1 - age);
      const kept = entries(key).filter((entry) => entry !== forgotten);
      history.set(key, kept);
      return forgotten?.id ?? null;
    },
    setTags: (key, age, tags) =>
      changed(key, age, (found) => {
        found.tags = tags;
        found.state = { ...found.state, tagCount: Object.keys(tags).length };
      }),
    setAcl: (key, age, acl) =>
      changed(key, age, (found) => {
        found.acl = acl;
      }),
    setLock: (key, age, lock) =>
      changed(key, age, (found) => {
        found.state = { ...found.state, lock: { ...found.state.lock, ...lock } };
      }),
    seal(key, age, sealed) {
      changed(key, age, (found) => {
        found.sealed = sealed;
      });
    },
    current: (key) => version(key, 0),
    versions: (key) => entries(key).filter((entry) => entry.kind === 'version'),
    list: (key) => entries(key).toReversed().map(listed),
  };
};

const listed = (entry: Entry): HistoryEntry => {
  if (entry.kind === 'marker')
    return { kind: 'marker', versionId: entry.id, lastModifiedMs: entry.lastModifiedMs };
  const { etag, sizeBytes, lastModifiedMs } = entry.state;
  return { kind: 'version', versionId: entry.id, etag, sizeBytes, lastModifiedMs };
};

export const md5 = (bytes: Buffer): Buffer => createHash('md5').update(bytes).digest();

/**
 * Returns the ETag of an object. If the object was written whole, the ETag is the MD5 of its content. For a
 * multipart object, it is the MD5 of the parts' MD5s, followed by the number of parts.
 */
const etagOf = (content: Buffer | Buffer[]): string =>
  Buffer.isBuffer(content)
    ? `"${md5(content).toString('hex')}"`
    : `"${md5(Buffer.concat(content.map(md5))).toString('hex')}-${content.length}"`;

/**
 * Returns a checksum that is labelled as a CRC, as in S3. Its value is a SHA-256, because the model does not
 * depend on the algorithm.
 */
export const checksumOf = (bytes: Buffer): Checksum => ({
  algorithm: 'CRC64NVME',
  type: 'FULL_OBJECT',
  value: createHash('sha256').update(bytes).digest('base64'),
});
