/**
 * A written model of two S3 buckets behind the domain's ports: small enough to be read, strict about conditions. Every call
 * passes a gate before its effect and another before its answer, where a test may wait, fail or crash it.
 */
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { ReplicationError } from '../../src/lib/errors.ts';
import type {
  DestinationBucket,
  ObjectAttributes,
  ObjectState,
  Precondition,
  SourceBucket,
  Written,
} from '../../src/lib/ports.ts';

/** Called at each point where the outside may interfere. */
export type Gate = (point: 'before' | 'after', call: string) => Promise<void>;

interface Version {
  state: ObjectState;
  bytes: Buffer;
}

export interface MemoryBucket {
  versioned: boolean;
  /** Newest last; null is a delete marker. */
  history: Map<string, (Version | null)[]>;
  put(key: string, bytes: Buffer, attributes?: ObjectAttributes): ObjectState;
  remove(key: string): void;
  current(key: string): Version | null;
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

export const createMemoryBucket = (versioned: boolean, now: () => number): MemoryBucket => {
  const history: MemoryBucket['history'] = new Map();
  let count = 0;
  return {
    versioned,
    history,
    put(key, bytes, attributes = NO_ATTRIBUTES) {
      const md5 = createHash('md5').update(bytes).digest('hex');
      const state: ObjectState = {
        versionId: versioned ? `version-${++count}` : null,
        etag: `"${md5}"`,
        sizeBytes: bytes.length,
        lastModifiedMs: Math.floor(now() / 1_000) * 1_000,
        encryption: 'AES256',
        checksum: null,
        attributes,
      };
      history.set(key, [...(history.get(key) ?? []), { state, bytes }]);
      return state;
    },
    remove(key) {
      history.set(key, [...(history.get(key) ?? []), null]);
    },
    current: (key) => history.get(key)?.at(-1) ?? null,
  };
};

export const memorySource = (bucket: MemoryBucket, gate: Gate): SourceBucket => ({
  async head(key) {
    await gate('before', 'source.head');
    const state = bucket.current(key)?.state ?? null;
    await gate('after', 'source.head');
    return state;
  },
  async open(key) {
    await gate('before', 'source.open');
    const found = bucket.current(key);
    await gate('after', 'source.open');
    return found === null ? null : { state: found.state, body: Readable.from([found.bytes]) };
  },
  async read(key, pin) {
    await gate('before', 'source.read');
    const candidates = bucket.versioned ? (bucket.history.get(key) ?? []) : [bucket.current(key)];
    const found = candidates.find(
      (version) => version?.state.versionId === pin.versionId && version.state.etag === pin.etag,
    );
    if (!found) throw new ReplicationError('lost-race', 'the pinned version is gone');
    await gate('after', 'source.read');
    return { body: Readable.from([found.bytes]), sizeBytes: found.bytes.length, checksum: null };
  },
  partsCount: async () => null,
});

export const memoryDestination = (bucket: MemoryBucket, gate: Gate): DestinationBucket => ({
  async head(key) {
    await gate('before', 'destination.head');
    const state = bucket.current(key)?.state ?? null;
    await gate('after', 'destination.head');
    return state;
  },
  async put({ key, body, attributes, precondition, guard }): Promise<Written> {
    const bytes = Buffer.isBuffer(body) ? body : await buffer(body);
    await gate('before', 'destination.put');
    assertCondition(bucket.current(key)?.state ?? null, precondition);
    const md5 = createHash('md5').update(bytes).digest('base64');
    if (guard.kind === 'md5' && guard.md5 !== md5) throw new ReplicationError('bad-checksum', 'BadDigest');
    const state = bucket.put(key, bytes, attributes);
    await gate('after', 'destination.put');
    return state;
  },
  createUpload: unused,
  uploadPart: unused,
  completeUpload: unused,
  abortUpload: unused,
});

const assertCondition = (current: ObjectState | null, precondition: Precondition): void => {
  const met = precondition.kind === 'absent' ? current === null : current?.etag === precondition.etag;
  if (!met) throw new ReplicationError('lost-race', 'PreconditionFailed');
};

const unused = (): never => {
  throw new Error('this model holds small objects only');
};
