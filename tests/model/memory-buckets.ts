/**
 * A written model of two S3 buckets behind the domain's ports: small enough to be read, strict about conditions. Every call
 * passes a gate before its effect and another before its answer, where a test may wait, fail or crash it.
 */
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { ReplicationError } from '../../src/lib/errors.ts';
import type {
  Acl,
  Current,
  DestinationBucket,
  HistoryEntry,
  ObjectAttributes,
  ObjectState,
  Precondition,
  ReplicaAttributes,
  SourceBucket,
  Tags,
  Written,
} from '../../src/lib/ports.ts';

/** Called at each point where the outside may interfere. */
export type Gate = (point: 'before' | 'after', call: string) => Promise<void>;

export interface Version {
  kind: 'version';
  /** As S3 lists it: `null` for the null version. */
  id: string;
  state: ObjectState;
  bytes: Buffer;
  tags: Tags;
  acl: Acl;
}

interface Marker {
  kind: 'marker';
  id: string;
  lastModifiedMs: number;
}

export type Versioning = 'unversioned' | 'enabled' | 'suspended';

export interface MemoryBucket {
  versioning: Versioning;
  /** Newest last. */
  history: Map<string, (Version | Marker)[]>;
  put(key: string, bytes: Buffer, more?: { attributes?: ObjectAttributes; tags?: Tags }): ObjectState;
  /** DELETE without a version id. Answers the marker's id. */
  remove(key: string): string | null;
  /** DELETE of one version or marker; the newest is 0. Answers its id. */
  forget(key: string, age: number): string | null;
  setTags(key: string, age: number, tags: Tags): string | null;
  current(key: string): Version | null;
  /** Versions newest last, markers left out. */
  versions(key: string): Version[];
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

export const createMemoryBucket = (versioning: Versioning, now: () => number): MemoryBucket => {
  const history: MemoryBucket['history'] = new Map();
  let count = 0;
  const entries = (key: string): (Version | Marker)[] => history.get(key) ?? [];
  const bucket: MemoryBucket = {
    versioning,
    history,
    put(key, bytes, { attributes = NO_ATTRIBUTES, tags = {} } = {}) {
      const md5 = createHash('md5').update(bytes).digest('hex');
      const id = bucket.versioning === 'enabled' ? `version-${++count}` : 'null';
      const state: ObjectState = {
        versionId: bucket.versioning === 'unversioned' ? null : id,
        etag: `"${md5}"`,
        sizeBytes: bytes.length,
        lastModifiedMs: Math.floor(now() / 1_000) * 1_000,
        encryption: 'AES256',
        checksum: null,
        attributes,
        tagCount: Object.keys(tags).length,
        lock: NO_LOCK,
      };
      const kept = id === 'null' ? entries(key).filter((entry) => entry.id !== 'null') : entries(key);
      history.set(key, [...kept, { kind: 'version', id, state, bytes, tags, acl: [] }]);
      return state;
    },
    remove(key) {
      if (bucket.versioning === 'unversioned') {
        history.delete(key);
        return null;
      }
      const id = bucket.versioning === 'enabled' ? `marker-${++count}` : 'null';
      const kept = id === 'null' ? entries(key).filter((entry) => entry.id !== 'null') : entries(key);
      const lastModifiedMs = Math.floor(now() / 1_000) * 1_000;
      history.set(key, [...kept, { kind: 'marker', id, lastModifiedMs }]);
      return id;
    },
    forget(key, age) {
      const forgotten = entries(key).at(-1 - age);
      history.set(
        key,
        entries(key).filter((entry) => entry !== forgotten),
      );
      return forgotten?.id ?? null;
    },
    setTags(key, age, tags) {
      const entry = entries(key).at(-1 - age);
      if (entry?.kind !== 'version') return null;
      entry.tags = tags;
      entry.state = { ...entry.state, tagCount: Object.keys(tags).length };
      return entry.id;
    },
    current(key) {
      const newest = entries(key).at(-1);
      return newest?.kind === 'version' ? newest : null;
    },
    versions: (key) => entries(key).filter((entry) => entry.kind === 'version'),
  };
  return bucket;
};

/** What both sides are asked alike. */
const reads = (bucket: MemoryBucket, gate: Gate, side: string) => {
  const gated = async <T>(call: string, effect: () => T): Promise<T> => {
    await gate('before', `${side}.${call}`);
    const answer = effect();
    await gate('after', `${side}.${call}`);
    return answer;
  };
  const find = (key: string, versionId: string | null): Version | null =>
    versionId === null
      ? bucket.current(key)
      : (bucket.versions(key).find((version) => version.id === versionId) ?? null);
  return {
    gated,
    find,
    look: (key: string) =>
      gated('look', (): Current => {
        const newest = bucket.history.get(key)?.at(-1);
        if (newest === undefined) return { kind: 'absent' };
        return newest.kind === 'marker'
          ? { kind: 'marker', versionId: newest.id }
          : { kind: 'object', state: newest.state };
      }),
    head: (key: string, versionId: string) => gated('head', () => find(key, versionId)?.state ?? null),
    tags: (key: string, versionId: string | null) => gated('tags', () => find(key, versionId)?.tags ?? null),
    acl: (key: string, versionId: string | null) => gated('acl', () => find(key, versionId)?.acl ?? null),
    list: (key: string) => gated('history', () => (bucket.history.get(key) ?? []).toReversed().map(listed)),
  };
};

const listed = (entry: Version | Marker): HistoryEntry => {
  if (entry.kind === 'marker')
    return { kind: 'marker', versionId: entry.id, lastModifiedMs: entry.lastModifiedMs };
  const { etag, sizeBytes, lastModifiedMs } = entry.state;
  return { kind: 'version', versionId: entry.id, etag, sizeBytes, lastModifiedMs };
};

export const memorySource = (bucket: MemoryBucket, gate: Gate): SourceBucket => {
  const { gated, find, list, ...both } = reads(bucket, gate, 'source');
  return {
    ...both,
    history: list,
    open: (key, versionId) =>
      gated('open', () => {
        const found = find(key, versionId);
        return found === null ? null : { state: found.state, body: Readable.from([found.bytes]) };
      }),
    read: (key, pin) =>
      gated('read', () => {
        const found = find(key, pin.versionId);
        if (found?.state.etag !== pin.etag) {
          throw new ReplicationError('lost-race', 'the pinned version is gone');
        }
        return { body: Readable.from([found.bytes]), sizeBytes: found.bytes.length, checksum: null };
      }),
    partsCount: async () => null,
    restore: unused,
  };
};

export const memoryDestination = (bucket: MemoryBucket, gate: Gate): DestinationBucket => {
  const { gated, find, list, ...both } = reads(bucket, gate, 'destination');
  return {
    ...both,
    async *history(key) {
      yield* await list(key);
    },
    async put({ key, body, attributes, precondition, guard }): Promise<Written> {
      const bytes = Buffer.isBuffer(body) ? body : await buffer(body);
      return await gated('put', () => {
        assertCondition(bucket.current(key)?.state ?? null, precondition);
        const md5 = createHash('md5').update(bytes).digest('base64');
        if (guard.kind === 'md5' && guard.md5 !== md5)
          throw new ReplicationError('bad-checksum', 'BadDigest');
        const { tags, lock: _lock, ...others } = attributes;
        return bucket.put(key, bytes, { attributes: others, tags });
      });
    },
    remove: ({ key, etag }) =>
      gated('remove', () => {
        assertCondition(bucket.current(key)?.state ?? null, { kind: 'unchanged', etag });
        return { versionId: bucket.remove(key) };
      }),
    putTags: (key, versionId, tags) =>
      gated('putTags', () => {
        const found = find(key, versionId);
        if (found === null) throw new ReplicationError('lost-race', 'the version is gone');
        found.tags = tags;
      }),
    putAcl: (key, versionId, acl) =>
      gated('putAcl', () => {
        const found = find(key, versionId);
        if (found === null) throw new ReplicationError('lost-race', 'the version is gone');
        found.acl = acl;
      }),
    createUpload: unused,
    uploadPart: unused,
    completeUpload: unused,
    abortUpload: unused,
  };
};

const assertCondition = (current: ObjectState | null, precondition: Precondition): void => {
  const met = precondition.kind === 'absent' ? current === null : current?.etag === precondition.etag;
  if (!met) throw new ReplicationError('lost-race', 'PreconditionFailed');
};

const unused = (): never => {
  throw new Error('this model holds small objects only, none of them archived');
};
