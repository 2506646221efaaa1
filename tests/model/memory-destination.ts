/** The model of a bucket as a destination. It implements S3's conditions, checksums and multipart uploads. */
import { ReplicationError } from '../../src/lib/model/errors.ts';
import type { Current, DestinationBucket } from '../../src/lib/model/ports.ts';
import { sealedState } from '../../src/lib/replica/sealed-state.ts';
import type { MemoryBucket, Version } from './memory-buckets.ts';
import { type Gate, reads } from './memory-source.ts';
import { uploadCalls } from './memory-uploads.ts';
import {
  assertCondition,
  assertGuard,
  type BucketEvent,
  bytesInS3,
  type Inside,
  received,
  type Target,
  write,
} from './memory-writes.ts';

export const memoryDestination = (
  bucket: MemoryBucket,
  gate: Gate,
  tell: (event: BucketEvent) => void = () => undefined,
  inside: Inside = { sources: {}, initiator: 'arn:aws:sts::222222222222:assumed-role/replication/s3r@test' },
): DestinationBucket => {
  const { gated: _gated, answered, find, ...both } = reads(bucket, gate, 'destination');
  const target: Target = { bucket, answered, find, tell, inside };
  return {
    ...both,
    ...sealedReads(both, bucket),
    async *history(key) {
      yield* await answered('history', () => bucket.list(key));
    },
    keepsVersions: () => answered('keepsVersions', () => bucket.versioning === 'enabled'),
    ...objectCalls(target),
    ...attributeCalls(target),
    ...lockCalls(target),
    ...uploadCalls(target),
    locksByDefault: async () => false,
    defaultRetention: async () => null,
    foundLocked: () => undefined,
  };
};

/**
 * The reads of an object that is encrypted with a customer's key (SSE-C). As in S3, the model lists such an object but shows nothing else
 * about it.
 */
const sealedReads = (
  both: Pick<DestinationBucket, 'look' | 'head'>,
  bucket: MemoryBucket,
): Pick<DestinationBucket, 'look' | 'head'> => {
  const head: DestinationBucket['head'] = (key, versionId) =>
    both.head(key, versionId).catch(ifSealed(() => null));
  return {
    head,
    look: (key) =>
      both.look(key).catch(
        ifSealed((): Current => {
          const [newest] = bucket.list(key);
          if (newest === undefined) return { kind: 'absent' };
          return newest.kind === 'marker' ? newest : { kind: 'object', state: sealedState(newest) };
        }),
      ),
  };
};

const ifSealed =
  <T>(instead: () => T) =>
  (error: unknown): T => {
    if (error instanceof ReplicationError && error.reason === 'sse-c') return instead();
    throw error;
  };

const objectCalls = (target: Target): Pick<DestinationBucket, 'put' | 'remove' | 'copyObject'> => {
  const { bucket, answered, tell } = target;
  return {
    async put({ key, body, sizeBytes, attributes, precondition, guard }) {
      const content = await received(body, sizeBytes / bucket.options.unitBytes);
      return await answered('put', () => {
        assertCondition(target, key, precondition);
        assertGuard(content, guard);
        return write(target, 'Put', { key, content, attributes });
      });
    },
    remove: ({ key, etag }) =>
      answered('remove', () => {
        assertCondition(target, key, { kind: 'unchanged', etag });
        const versionId = bucket.remove(key);
        const name = `ObjectRemoved:${versionId === null ? 'Delete' : 'DeleteMarkerCreated'}`;
        tell({ name, key, versionId });
        return { versionId };
      }),
    copyObject: ({ from, key, attributes, precondition }) =>
      answered('copyObject', () => {
        const content = bytesInS3(target, from);
        assertCondition(target, key, precondition);
        return write(target, 'Copy', { key, content, attributes });
      }),
  };
};

const attributeCalls = (target: Target): Pick<DestinationBucket, 'putTags' | 'putAcl'> => ({
  putTags: (key, versionId, tags) =>
    target.answered('putTags', () => {
      const version = existing(target, key, versionId);
      version.tags = tags;
      version.state = { ...version.state, tagCount: Object.keys(tags).length };
      target.tell({ name: 'ObjectTagging:Put', key, versionId: version.state.versionId });
    }),
  putAcl: (key, versionId, acl) =>
    target.answered('putAcl', () => {
      const version = existing(target, key, versionId);
      version.acl = acl;
      target.tell({ name: 'ObjectAcl:Put', key, versionId: version.state.versionId });
    }),
});

/** The calls that change locks. S3 sends an event about a retention, but not about a legal hold. */
const lockCalls = (target: Target): Pick<DestinationBucket, 'putRetention' | 'putLegalHold'> => ({
  putRetention: (key, versionId, retention) =>
    target.answered('putRetention', () => {
      const { state } = lockable(target, key, versionId);
      const nowMs = target.bucket.now();
      const before = state.lock.retention;
      const isOver = before === null || before.untilMs <= nowMs;
      if (!isOver && (before.mode !== retention.mode || before.untilMs > retention.untilMs))
        throw new ReplicationError('access-denied', 'PutObjectRetention: AccessDenied');
      if (retention.untilMs <= nowMs)
        throw new ReplicationError('invalid-request', 'PutObjectRetention: InvalidArgument');
      state.lock = { ...state.lock, retention };
      target.tell({ name: 'ObjectRetention:Put', key, versionId: state.versionId });
    }),
  putLegalHold: (key, versionId) =>
    target.answered('putLegalHold', () => {
      const { state } = lockable(target, key, versionId);
      state.lock = { ...state.lock, legalHold: true };
    }),
});

const existing = ({ find }: Target, key: string, versionId: string | null): Version => {
  const version = find(key, versionId);
  if (version === null) throw new ReplicationError('lost-race', 'the version is gone');
  return version;
};

const lockable = (target: Target, key: string, versionId: string | null): Version => {
  const version = existing(target, key, versionId);
  if (version.state.versionId === null)
    throw new ReplicationError('object-lock', 'Bucket is missing Object Lock Configuration');
  version.state = { ...version.state };
  return version;
};
