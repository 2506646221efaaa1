/**
 * The model of a bucket as a source. Every call passes a gate before its effect, and passes it again before
 * its response. At a gate, a test may wait, fail, crash, or damage the body.
 */
import { Readable } from 'node:stream';
import { compareKeys } from '../../src/lib/listing/key-order.ts';
import { ReplicationError } from '../../src/lib/model/errors.ts';
import type {
  Current,
  HistoryEntry,
  ObjectState,
  Pin,
  Slice,
  SlicedBody,
  SourceBucket,
} from '../../src/lib/model/ports.ts';
import type { MemoryBucket, Version } from './memory-buckets.ts';

/**
 * Damage to a body on its way: the connection breaks, the body ends early without an error, or one byte is
 * flipped.
 */
export type Damage = 'break' | 'truncate' | 'flip';

/** Called before the effect of each call and again after it. */
export type Gate = (point: 'before' | 'after', call: string) => Promise<Damage | void>;

export const openGate: Gate = async () => undefined;

/** Creates the calls that a source and a destination have in common. */
export const reads = (bucket: MemoryBucket, gate: Gate, side: string) => {
  const gated = async <T>(call: string, effect: () => T): Promise<{ answer: T; damage: Damage | void }> => {
    const before = await gate('before', `${side}.${call}`);
    const answer = effect();
    const after = await gate('after', `${side}.${call}`);
    return { answer, damage: before ?? after };
  };
  const answered = async <T>(call: string, effect: () => T): Promise<T> => (await gated(call, effect)).answer;
  const find = (key: string, versionId: string | null): Version | null =>
    versionId === null
      ? bucket.current(key)
      : (bucket.versions(key).find((version) => version.id === versionId) ?? null);
  return {
    gated,
    answered,
    find,
    look: (key: string) =>
      answered('look', (): Current => {
        const newest = bucket.history.get(key)?.at(-1);
        if (newest === undefined) return { kind: 'absent' };
        return newest.kind === 'marker'
          ? { kind: 'marker', versionId: newest.id }
          : { kind: 'object', state: stateOf(newest) };
      }),
    head: (key: string, versionId: string) =>
      answered('head', () => {
        const found = find(key, versionId);
        return found === null ? null : stateOf(found);
      }),
    async read(key: string, pin: Pin, slice: Slice): Promise<SlicedBody> {
      const { answer, damage } = await gated('read', () => {
        const found = find(key, pin.versionId);
        if (found?.state.etag !== pin.etag)
          throw new ReplicationError('lost-race', 'the pinned version is gone');
        assertReadable(found);
        return sliceOf(found, slice, bucket.options.unitBytes);
      });
      return {
        body: sent(answer, damage),
        sizeBytes: answer.length * bucket.options.unitBytes,
        checksum: null,
      };
    },
    tags: (key: string, versionId: string | null) =>
      answered('tags', () => find(key, versionId)?.tags ?? null),
    acl: (key: string, versionId: string | null) => answered('acl', () => find(key, versionId)?.acl ?? null),
  };
};

/**
 * Returns the state of a version. S3 returns the headers of an archived object, but not those of an object
 * that may not be read.
 */
const stateOf = ({ state, sealed }: Version): ObjectState => {
  if (sealed !== null && sealed !== 'archived') throw new ReplicationError(sealed, 'S3 does not show it');
  return state;
};

const assertReadable = ({ sealed }: Version): void => {
  if (sealed !== null) throw new ReplicationError(sealed, 'S3 does not show it');
};

export const memorySource = (bucket: MemoryBucket, gate: Gate): SourceBucket => {
  const { gated, answered, find, ...both } = reads(bucket, gate, 'source');
  const { unitBytes } = bucket.options;
  return {
    ...both,
    history: (key, until = () => false) =>
      answered('history', () => {
        const entries = bucket.list(key);
        const last = entries.findIndex(until);
        return last === -1 ? entries : entries.slice(0, last + 1);
      }),
    neighbours: ({ prefix, first, maxEntries }) =>
      answered('neighbours', () => {
        const keys = [...bucket.history.keys()]
          .filter((key) => key.startsWith(prefix) && compareKeys(key, first) >= 0)
          .toSorted(compareKeys);
        const histories = new Map<string, HistoryEntry[]>();
        let left = maxEntries;
        for (const key of keys) {
          const entries = bucket.list(key);
          if ((left -= entries.length) < 0) return { histories, isWhole: false };
          if (entries.length > 0) histories.set(key, entries);
        }
        return { histories, isWhole: true };
      }),
    async open(key, versionId) {
      const { answer, damage } = await gated('open', () => {
        const found = find(key, versionId);
        if (found !== null) assertReadable(found);
        return found === null ? null : { state: found.state, bytes: found.bytes };
      });
      return answer === null ? null : { state: answer.state, body: sent(answer.bytes, damage) };
    },
    part: (key, pin, partNumber) =>
      answered('part', () => {
        const found = find(key, pin.versionId);
        if (found === null) throw new ReplicationError('lost-race', 'the version is gone');
        if (found.state.etag !== pin.etag || !found.state.etag.includes('-')) return null;
        const part = found.parts[partNumber - 1];
        if (part === undefined) throw new ReplicationError('invalid-request', 'InvalidPartNumber');
        return { parts: found.parts.length, sizeBytes: part.length * unitBytes };
      }),
    restore: (key, versionId) =>
      answered('restore', () => {
        if (find(key, versionId)?.sealed !== 'archived')
          throw new ReplicationError('lost-race', 'not archived');
      }),
  };
};

const sliceOf = ({ bytes, parts }: Version, slice: Slice, unitBytes: number): Buffer => {
  if (slice.kind === 'whole') return bytes;
  if (slice.kind === 'range')
    return bytes.subarray(slice.firstByte / unitBytes, (slice.lastByte + 1) / unitBytes);
  const part = parts[slice.partNumber - 1];
  if (part === undefined) throw new ReplicationError('invalid-request', 'InvalidPartNumber');
  return part;
};

const sent = (bytes: Buffer, damage: Damage | void): Readable => {
  if (damage === 'truncate') return Readable.from([bytes.subarray(0, -1)]);
  if (damage === 'flip')
    return Readable.from([Buffer.from(bytes.map((byte, at) => (at === 0 ? byte ^ 1 : byte)))]);
  if (damage !== 'break') return Readable.from([bytes]);
  return Readable.from(
    (async function* () {
      yield bytes.subarray(0, -1);
      throw new Error('ECONNRESET');
    })(),
  );
};
