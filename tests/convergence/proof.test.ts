/** What counts as a proof that a replica is right, and what does not. */
import { describe, expect, test } from 'vitest';
import { ReplicationError } from '../../src/lib/model/errors.ts';
import { holds } from '../../src/lib/replica/same-state.ts';
import { copyMultipart } from '../../src/lib/copy/multipart.ts';
import { byteRanges, uniformLayout } from '../../src/lib/copy/part-plan.ts';
import type {
  Checksum,
  DestinationBucket,
  ObjectState,
  SourceBucket,
  Written,
} from '../../src/lib/model/ports.ts';
import { guardFor, proofOf } from '../../src/lib/replica/proof.ts';
import { identityOf, stampedMetadata, stampOn } from '../../src/lib/replica/stamp.ts';
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { createMemoryBucket, NO_ATTRIBUTES, NO_LOCK, REPLICA_ATTRIBUTES } from '../model/memory-buckets.ts';
import { memoryDestination } from '../model/memory-destination.ts';
import { memorySource } from '../model/memory-source.ts';
import { noTransfers } from '../model/memory-transfers.ts';
import { testCopyWork } from '../model/settings.ts';

const md5 = (bytes: Buffer): string => createHash('md5').update(bytes).digest('hex');
const CRC: Checksum = { algorithm: 'CRC64NVME', type: 'FULL_OBJECT', value: 'one=' };

const state = (fields: Partial<ObjectState> = {}): ObjectState => ({
  versionId: 'v1',
  etag: `"${md5(Buffer.from('a'))}"`,
  sizeBytes: 1,
  lastModifiedMs: 0,
  encryption: 'AES256',
  checksum: null,
  attributes: NO_ATTRIBUTES,
  tagCount: 0,
  lock: NO_LOCK,
  ...fields,
});
const PLACE = { bucket: 'replica', key: 'k' };
const isHeld = (replica: ObjectState, source: ObjectState): boolean => holds(replica, source, PLACE);

const written = (fields: Partial<Written> = {}): Written => ({ ...state(), ...fields });
const OPAQUE = { etag: '"0123"', encryption: 'aws:kms' };

describe('after a write', () => {
  test('S3 storing the same checksum is a proof, and a different one is none', () => {
    const source = state({ checksum: CRC });
    expect(proofOf(source, written({ checksum: CRC }), guardFor(source))).toBe('checksum');
    const other = written({ checksum: { ...CRC, value: 'two=' } });
    expect(() => proofOf(source, other, guardFor(source))).toThrow(ReplicationError);
  });

  test('equal ETags are a proof where both are digests', () => {
    expect(proofOf(state(), written(), guardFor(state()))).toBe('etag');
  });

  test('with KMS, the MD5 that S3 checked on the way in is the proof', () => {
    expect(guardFor(state())).toEqual({ kind: 'md5', md5: 'DMF1ucDxtqgxw5niaXcmYQ==' });
    expect(proofOf(state(), written(OPAQUE), guardFor(state()))).toBe('md5');
  });

  test('with KMS on both sides and nothing stored, a checksum is computed on the way', () => {
    const source = state(OPAQUE);
    expect(guardFor(source)).toEqual({ kind: 'compute' });
    expect(proofOf(source, written(OPAQUE), { kind: 'compute' })).toBe('computed');
  });

  test('a server that ignores the checksum and hides the ETag proves nothing', () => {
    const source = state({ checksum: CRC });
    expect(() => proofOf(source, written(OPAQUE), guardFor(source))).toThrow('proves');
  });
});

describe('at the next look', () => {
  const stamped = (fields: Partial<ObjectState>): ObjectState =>
    state({
      attributes: { ...NO_ATTRIBUTES, metadata: stampedMetadata(state(), PLACE) },
      versionId: 'r1',
      ...fields,
    });

  test('a replica with the stamp and the content is held', () => {
    expect(isHeld(stamped({}), state())).toBe(true);
  });

  test('a stamp alone, on a replica nobody has checked, is not enough', () => {
    expect(isHeld(stamped(OPAQUE), state())).toBe(false);
    expect(isHeld(stamped({ ...OPAQUE, checksum: CRC }), state())).toBe(true);
  });

  test('the stamp of another version is not held, whatever the content', () => {
    expect(isHeld(stamped({}), state({ versionId: 'v2' }))).toBe(false);
  });

  test('content that differs is not held, whatever the stamp', () => {
    expect(isHeld(stamped({ etag: `"${md5(Buffer.from('b'))}"` }), state())).toBe(false);
  });

  test('a foreign object with the same content and attributes is held, with other metadata it is not', () => {
    expect(isHeld(state({ versionId: 'r1' }), state())).toBe(true);
    const other = state({ attributes: { ...NO_ATTRIBUTES, metadata: { owner: 'someone' } } });
    expect(isHeld(other, state())).toBe(false);
  });
});

describe('the stamp', () => {
  test('names the version, or the ETag where the version id does not name one state', () => {
    expect(identityOf(state())).toBe('v/v1');
    expect(identityOf(state({ versionId: null }))).toBe(`e/${md5(Buffer.from('a'))}`);
    expect(identityOf(state({ versionId: 'null' }))).toBe(`e/${md5(Buffer.from('a'))}`);
  });

  test('that was copied along to another key says nothing there', () => {
    const attributes = { ...NO_ATTRIBUTES, metadata: stampedMetadata(state(), PLACE) };
    expect(stampOn(state({ attributes }), PLACE)).toEqual({ identity: 'v/v1', modifiedMs: 0 });
    expect(stampOn(state({ attributes }), { ...PLACE, key: 'other' })).toBeNull();
  });

  test('is left out where the metadata would exceed 2 KB', () => {
    const full = state({ attributes: { ...NO_ATTRIBUTES, metadata: { note: 'x'.repeat(2_030) } } });
    expect(stampedMetadata(full, PLACE)).toEqual(full.attributes.metadata);
  });
});

describe('multipart', () => {
  const parts = [Buffer.alloc(5, 'a'), Buffer.alloc(3, 'b')];
  const digest = createHash('md5')
    .update(Buffer.from(parts.map(md5).join(''), 'hex'))
    .digest('hex');
  const version = state({ etag: `"${digest}-2"`, sizeBytes: 8 });

  const world = (read: (partNumber: number) => Buffer, encryption = 'AES256') => {
    const calls: string[] = [];
    const unused = createMemoryBucket('enabled', () => 0);
    const source: SourceBucket = {
      ...memorySource(unused, async () => undefined),
      look: async () => ({ kind: 'object', state: version }),
      part: async () => ({ parts: 2, sizeBytes: 5 }),
      read: async (_key, _pin, slice) => {
        const bytes = read(slice.kind === 'part' ? slice.partNumber : 0);
        return { body: Readable.from([bytes]), sizeBytes: bytes.length, checksum: null };
      },
    };
    const destination: DestinationBucket = {
      ...memoryDestination(unused, async () => undefined),
      put: async () => written(),
      createUpload: async ({ checksum }) => {
        calls.push(`create ${checksum?.algorithm ?? 'default'}`);
        return { uploadId: 'u', encryption };
      },
      uploadPart: async ({ partNumber, body, guard }) => {
        calls.push(`part ${partNumber} ${guard.kind}`);
        return { partNumber, etag: `"${md5(await buffer(body))}"`, checksum: null };
      },
      completeUpload: async () => {
        calls.push('complete');
        return written(encryption === 'AES256' ? { etag: version.etag } : OPAQUE);
      },
      abortUpload: async () => void calls.push('abort'),
    };
    const copy = () =>
      copyMultipart(
        {
          work: testCopyWork(),
          ...noTransfers(),
          source,
          destination,
          sourceKey: 'k',
          replicaKey: 'k',
          version,
          opened: null,
          attributes: REPLICA_ATTRIBUTES,
          precondition: { kind: 'absent' },
          invocation: { requestId: 'r', deadlineMs: 900_000, fullTimeMs: 900_000, bytesUnderWay: 0 },
          clock: { now: () => 0, sleep: async () => undefined },
        },
        'stream',
      );
    return { copy, calls };
  };

  test('the parts as they were uploaded give the ETag of the source', async () => {
    const { copy, calls } = world((partNumber) => parts[partNumber - 1]!);
    expect((await copy()).proof).toBe('etag');
    expect(calls).toEqual(['create default', 'part 1 none', 'part 2 none', 'complete']);
  });

  test('a part that changed on the way is found before anything is completed', async () => {
    const { copy, calls } = world((partNumber) => (partNumber === 1 ? parts[0]! : Buffer.alloc(3, 'c')));
    // The last way of proving it, a checksum computed here, would only prove that the wrong bytes arrived well.
    await expect(copy()).rejects.toMatchObject({ reason: 'bad-checksum' });
    expect(calls).not.toContain('complete');
  });

  test('a server that sends the whole object for every part is found out by the sum', async () => {
    const { copy, calls } = world(() => Buffer.concat(parts));
    await expect(copy()).rejects.toMatchObject({ reason: 'service-error' });
    expect(calls).not.toContain('complete');
  });

  test('where KMS hides the ETags the parts are sent with computed checksums, and not sent twice', async () => {
    const { copy, calls } = world((partNumber) => parts[partNumber - 1]!, 'aws:kms');
    expect((await copy()).proof).toBe('computed');
    expect(calls).toEqual([
      'create default',
      'abort',
      'create CRC32',
      'part 1 compute',
      'part 2 compute',
      'complete',
    ]);
  });

  test('a part number the server does not have is done without', async () => {
    const { copy, calls } = world(() => {
      throw new ReplicationError('invalid-request', 'InvalidPartNumber');
    });
    await expect(copy()).rejects.toMatchObject({ reason: 'invalid-request' });
    // By parts: ETag, computed; then by ranges: computed, which in this world fails too.
    expect(calls.filter((call) => call.startsWith('create'))).toHaveLength(3);
    expect(calls).not.toContain('complete');
  });

  test('where parts cannot be read by number, part sizes are guessed that uploaders commonly choose', () => {
    const MIB = 1024 ** 2;
    expect(uniformLayout(20 * MIB, 3)).toEqual({ kind: 'uniform', partBytes: 8 * MIB });
    expect(uniformLayout(20 * MIB, 4)).toEqual({ kind: 'uniform', partBytes: 5 * MIB });
  });

  test('ranges cover every byte once, in as many parts as asked where S3 allows it', () => {
    for (const [sizeBytes, count] of [
      [0, 1],
      [1, 1],
      [20 * 1024 ** 2 + 1, 3],
      [6 * 1024 ** 3, null],
      [50 * 1024 ** 4, null],
    ] as const) {
      const ranges = byteRanges(uniformLayout(sizeBytes, count), sizeBytes);
      let next = 0;
      for (const range of ranges) {
        if (range === null) continue;
        expect(range.first).toBe(next);
        next = range.last + 1;
      }
      expect(next).toBe(sizeBytes);
      expect(ranges.length).toBeLessThanOrEqual(10_000);
      if (count !== null) expect(ranges).toHaveLength(count);
    }
  });
});
