/** Tests which facts prove that a replica equals its source, and which facts do not. */
import { describe, expect, test } from 'vitest';
import { ReplicationError } from '../../src/lib/model/errors.ts';
import { holds } from '../../src/lib/replica/same-state.ts';
import type { Checksum, ObjectState } from '../../src/lib/model/ports.ts';
import { guardFor, proofOf } from '../../src/lib/replica/proof.ts';
import { identityOf, stampedMetadata, stampOn } from '../../src/lib/replica/stamp.ts';
import { NO_ATTRIBUTES } from '../model/memory-buckets.ts';
import { md5Hex, objectState, OPAQUE } from '../model/object-state.ts';

const CRC: Checksum = { algorithm: 'CRC64NVME', type: 'FULL_OBJECT', value: 'one=' };
const PLACE = { bucket: 'replica', key: 'k' };
const ROUTE = { at: PLACE, from: { bucket: 'source', key: 'k' } };
const isHeld = (replica: ObjectState, source: ObjectState): boolean => holds(replica, source, PLACE);

describe('after a write', () => {
  test('the same checksum stored by S3 proves a replica, and a different one disproves it', () => {
    const source = objectState({ checksum: CRC });
    expect(proofOf(source, objectState({ checksum: CRC }), guardFor(source))).toBe('checksum');
    const other = objectState({ checksum: { ...CRC, value: 'two=' } });
    expect(() => proofOf(source, other, guardFor(source))).toThrow(ReplicationError);
  });

  test('an equal CRC proves nothing if the MD5 digests in the ETags differ', () => {
    const source = objectState({ checksum: CRC });
    const other = objectState({ checksum: CRC, etag: `"${md5Hex(Buffer.from('b'))}"` });
    expect(() => proofOf(source, other, guardFor(source))).toThrow(ReplicationError);
    expect(isHeld(other, source)).toBe(false);
  });

  test('equal ETags prove a replica if both are digests', () => {
    expect(proofOf(objectState(), objectState(), guardFor(objectState()))).toBe('etag');
  });

  test('with KMS the MD5 that S3 checked at the write proves a replica', () => {
    expect(guardFor(objectState())).toEqual({ kind: 'md5', md5: 'DMF1ucDxtqgxw5niaXcmYQ==' });
    expect(proofOf(objectState(), objectState(OPAQUE), guardFor(objectState()))).toBe('md5');
  });

  test('with KMS on both sides and no stored checksum, a checksum computed during the copy proves a replica', () => {
    const source = objectState(OPAQUE);
    expect(guardFor(source)).toEqual({ kind: 'compute' });
    expect(proofOf(source, objectState(OPAQUE), { kind: 'compute' })).toBe('computed');
  });

  test('a server that ignores the checksum and hides the ETag proves no replica', () => {
    const source = objectState({ checksum: CRC });
    expect(() => proofOf(source, objectState(OPAQUE), guardFor(source))).toThrow('proves');
  });
});

describe('a replica that the next hint finds', () => {
  const stamped = (fields: Partial<ObjectState>): ObjectState =>
    objectState({
      attributes: { ...NO_ATTRIBUTES, metadata: stampedMetadata(objectState(), ROUTE) },
      versionId: 'r1',
      ...fields,
    });

  test('a replica with the stamp and the content holds the source version', () => {
    expect(isHeld(stamped({}), objectState())).toBe(true);
  });

  test('a stamp on a replica without any proof of its content does not make it hold the source version', () => {
    expect(isHeld(stamped(OPAQUE), objectState())).toBe(false);
    expect(isHeld(stamped({ ...OPAQUE, checksum: CRC }), objectState())).toBe(true);
  });

  test('a replica with the stamp of another version does not hold the source version, whatever its content', () => {
    expect(isHeld(stamped({}), objectState({ versionId: 'v2' }))).toBe(false);
  });

  test('a replica with different content does not hold the source version, whatever its stamp', () => {
    expect(isHeld(stamped({ etag: `"${md5Hex(Buffer.from('b'))}"` }), objectState())).toBe(false);
  });

  test('a foreign object holds the source version if content and metadata are the same, and not if they differ', () => {
    expect(isHeld(objectState({ versionId: 'r1' }), objectState())).toBe(true);
    const other = objectState({ attributes: { ...NO_ATTRIBUTES, metadata: { owner: 'someone' } } });
    expect(isHeld(other, objectState())).toBe(false);
  });
});

describe('the stamp', () => {
  test('the stamp names the version id, or the ETag where the id does not identify one state', () => {
    expect(identityOf(objectState())).toBe('v/v1');
    expect(identityOf(objectState({ versionId: null }))).toBe(`e/${md5Hex(Buffer.from('a'))}`);
    expect(identityOf(objectState({ versionId: 'null' }))).toBe(`e/${md5Hex(Buffer.from('a'))}`);
  });

  test('a stamp that was copied to another key is invalid there', () => {
    const attributes = { ...NO_ATTRIBUTES, metadata: stampedMetadata(objectState(), ROUTE) };
    expect(stampOn(objectState({ attributes }), PLACE)).toMatchObject({ identity: 'v/v1', modifiedMs: 0 });
    expect(stampOn(objectState({ attributes }), { ...PLACE, key: 'other' })).toBeNull();
  });

  test('the stamp is left out if the metadata would exceed 2 KB', () => {
    const full = objectState({ attributes: { ...NO_ATTRIBUTES, metadata: { note: 'x'.repeat(2_030) } } });
    expect(stampedMetadata(full, ROUTE)).toEqual(full.attributes.metadata);
  });
});
