/**
 * Bytes that are damaged on their way. No damaged replica is reported as good, and no upload is left
 * unfinished.
 *
 * To check the tests, these safeguards were removed from the code one at a time, and the tests in parentheses
 * failed:
 * - the pin ("a source that is replaced between two parts …")
 * - the comparison of the parts' ETag ("swapped parts …")
 * - the proof after the write, and the proof at the next hint ("a destination that stores other bytes …")
 * - the abort ("a part with …")
 * - the second read of damaged bytes ("a byte that is flipped once …")
 */
import { describe, expect, test } from 'vitest';
import type { Slice } from '../../src/lib/model/ports.ts';
import { receiptOf } from '../../src/lib/delivery/outcome.ts';
import type { MemoryBucket } from '../model/memory-buckets.ts';
import { type Damage, type Gate, memorySource, openGate } from '../model/memory-source.ts';
import { once, oneKey } from '../model/one-key.ts';

const BOTH = ['all', 'latest'] as const;
const PARTS = [Buffer.from('aaaaa'), Buffer.from('bbbbb'), Buffer.from('c')];

/** Damages the bodies of the first `times` calls with this name. */
const damaging = (call: string, damage: Damage, times = Infinity): Gate => {
  let done = 0;
  return async (point, name) => (point === 'before' && name === call && ++done <= times ? damage : undefined);
};

const expectNothing = (replica: MemoryBucket): void => {
  expect(replica.versions('k')).toEqual([]);
  expect(replica.uploads.size).toBe(0);
};

describe.each(BOTH)('damaged bytes in mode %s', (versions) => {
  const rule = { versions };

  test.each([
    ['a flipped byte', 'flip', 'bad-checksum'],
    ['missing bytes', 'truncate', 'connection-lost'],
    ['a lost connection', 'break', 'connection-lost'],
  ] as const)('an object whose read has %s is never stored', async (_, damage, reason) => {
    const { source, replica, look } = oneKey({ rule });
    source.put('k', Buffer.from('one'));
    const damagingAll: Gate = async (point, call) =>
      point === 'before' && /source.(open|read)/.test(call) ? damage : undefined;
    await expect(look(damagingAll)).rejects.toMatchObject({ reason });
    expectNothing(replica);
  });

  test('a byte that is flipped once is read a second time', async () => {
    const { source, look, content } = oneKey({ rule });
    source.put('k', Buffer.from('one'));
    expect(await look(damaging('source.open', 'flip', 1))).toMatchObject({ copied: { proof: 'etag' } });
    expect(content()).toBe('one');
  });

  test.each([
    ['a flipped byte', 'flip', 'bad-checksum'],
    ['missing bytes', 'truncate', 'connection-lost'],
    ['a lost connection', 'break', 'connection-lost'],
  ] as const)(
    'a part whose read has %s is never stored, and its upload is aborted',
    async (_, damage, reason) => {
      const { source, replica, look } = oneKey({ rule });
      source.put('k', PARTS);
      await expect(look(damaging('source.read', damage))).rejects.toMatchObject({ reason });
      expectNothing(replica);
    },
  );

  test.each([false, true])(
    'swapped parts are detected (checksum of the whole object: %s)',
    async (checksum) => {
      const { source, replica, look } = oneKey({ rule, checksums: [checksum, checksum] });
      source.put('k', PARTS);
      const inner = memorySource(source, openGate);
      const swapped = (slice: Slice): Slice =>
        slice.kind === 'part' && slice.partNumber < 3
          ? { ...slice, partNumber: 3 - slice.partNumber }
          : slice;
      const read = {
        source: {
          read: (...[key, pin, slice]: Parameters<typeof inner.read>) => inner.read(key, pin, swapped(slice)),
        },
      };
      await expect(look(openGate, {}, read)).rejects.toMatchObject({ reason: 'bad-checksum' });
      expectNothing(replica);
    },
  );
});

describe.each(BOTH)('both sides in mode %s', (versions) => {
  const rule = { versions };

  test('a source that is replaced between two parts is never mixed with its successor', async () => {
    const { source, replica, look, told } = oneKey({ rule, versionings: ['unversioned', 'enabled'] });
    source.put('k', PARTS);
    await look(
      once('source.read', 'after', async () => {
        source.put('k', [Buffer.from('AAAAA'), Buffer.from('BBBBB'), Buffer.from('C')]);
      }),
    );
    expect(told()).toEqual(['AAAAABBBBBC']);
    expect(replica.uploads.size).toBe(0);
  });

  test('a destination that stores other bytes is not believed, neither at once nor by the next hint', async () => {
    const { source, replica, look, content } = oneKey({ rule });
    source.put('k', Buffer.from('one'));
    const { put } = replica;
    replica.put = (key, bytes, more) => put(key, Buffer.from(bytes.toString().toUpperCase()), more);
    await expect(look()).rejects.toMatchObject({ reason: 'bad-checksum' });
    await expect(look()).rejects.toMatchObject({ reason: 'bad-checksum' });
    replica.put = put;
    expect((await look()).outcome).toBe('replicated');
    expect(content()).toBe('one');
  });

  test.each([
    ['etag', false, ['AES256', 'AES256'], [false, false]],
    ['checksum', false, ['AES256', 'AES256'], [true, true]],
    ['checksum', false, ['aws:kms', 'aws:kms'], [true, true]],
    ['md5', false, ['AES256', 'aws:kms'], [false, false]],
    ['computed', false, ['aws:kms', 'aws:kms'], [false, false]],
    ['etag', true, ['AES256', 'AES256'], [false, false]],
    ['checksum', true, ['aws:kms', 'AES256'], [true, true]],
    ['computed', true, ['aws:kms', 'aws:kms'], [false, false]],
  ] as const)(
    'the receipt names the proof %s (multipart: %s, encryption: %s, checksums: %s)',
    async (proof, inParts, encryptions, checksums) => {
      const { source, look } = oneKey({ rule, encryptions: [...encryptions], checksums: [...checksums] });
      source.put('k', inParts ? PARTS : PARTS[0]!);
      expect(receiptOf(await look(), 0, 1)).toMatchObject({ outcome: 'replicated', proof });
    },
  );

  test('a replica has the same parts as its source', async () => {
    const { source, replica, look } = oneKey({ rule });
    const { etag } = source.put('k', PARTS);
    await look();
    expect(replica.current('k')?.state.etag).toBe(etag);
    expect(replica.current('k')?.parts).toEqual(PARTS);
  });
});
