/**
 * Attacks by whoever writes to the destination: other bytes under the stamp of a replica, which verify and repair would take for the
 * replica, and stamps that keep a key from being replicated.
 */
import { describe, expect, test } from 'vitest';
import { stampedMetadata } from '../../src/lib/replica/stamp.ts';
import { NO_ATTRIBUTES } from '../model/memory-buckets.ts';
import { objectState } from '../model/object-state.ts';
import { openGate } from '../model/memory-source.ts';
import { oneKey } from '../model/one-key.ts';
import { aWorld, type Setting } from '../runs/attributes-world.ts';

const GOOD = Buffer.from('good');
const EVIL = Buffer.from('evil');

const MODES: Setting[] = [
  { versions: 'latest', attributes: 'listed' },
  { versions: 'latest', attributes: 'all' },
  { versions: 'all', attributes: 'listed' },
  { versions: 'all', attributes: 'all' },
];
/** The ETags of both sides are random, and the source stores no checksum. */
const HIDDEN = { encryptions: ['aws:kms', 'aws:kms'], checksums: [false, true] } as const;

/** Creates a world in which the key was replicated and the destination's owner then changed the replica. */
const attacked = async (setting: Setting, attack: 'none' | 'over' | 'in-place') => {
  const world = aWorld({
    ...setting,
    ...HIDDEN,
    encryptions: ['aws:kms', 'aws:kms'],
    checksums: [false, true],
  });
  world.source.put('k', GOOD);
  world.clock.nowMs += 5_000;
  await world.replicate();
  const replica = world.replica.current('k')!;
  if (attack === 'over') world.replica.put('k', EVIL, { attributes: replica.state.attributes });
  if (attack === 'in-place') replica.bytes = EVIL;
  return world;
};

describe.each(MODES)(
  'bytes that no digest can prove (versions: $versions, attributes: $attributes)',
  (mode) => {
    test('a replica that was never touched is the same by the receipt of its write', async () => {
      const world = await attacked(mode, 'none');
      expect(await world.count()).toEqual({ same: 1, byReceipt: 1 });
    });

    test('other bytes of the same size under the same stamp are not called the same', async () => {
      const world = await attacked(mode, 'over');
      expect(await world.count()).toEqual({ presumed: 1 });
      await world.repair();
      expect(await world.count()).toEqual({ presumed: 1 });
    });

    test('a replica in a bucket without version ids is presumed, because it may be written over in place', async () => {
      const world = await attacked({ ...mode, versions: 'latest', versioning: 'unversioned' }, 'in-place');
      expect(await world.count()).toEqual({ presumed: 1 });
    });

    test('the receipt of another source version proves nothing', async () => {
      const world = await attacked(mode, 'none');
      for (const [id, receipt] of world.receipts.kept)
        world.receipts.kept.set(id, { ...receipt, from: 'another' });
      expect(await world.count()).toEqual({ presumed: 1 });
    });
  },
);

describe.each(MODES)('reading both sides (versions: $versions, attributes: $attributes)', (mode) => {
  test('shows other bytes under the stamp of a replica, and a backfill that reads writes them over', async () => {
    const world = await attacked({ ...mode, reading: 'weak' }, 'over');
    expect(await world.count()).toEqual({ different: 1 });
    expect(await world.repair()).toEqual(['rewrite']);
    expect(world.content()).toBe('good');
    expect(await world.count()).toMatchObject({ same: 1 });
  });

  test('shows other bytes in a bucket without version ids, too', async () => {
    const world = await attacked({ ...mode, versioning: 'unversioned', reading: 'weak' }, 'in-place');
    expect(await world.count()).toEqual({ different: 1 });
    await world.repair();
    expect(world.content()).toBe('good');
    expect(await world.count()).toEqual({ same: 1, byBytes: 1 });
  });

  test('shows other bytes with the same CRC, which a verify without reading calls the same by CRC', async () => {
    const setting: Setting = { ...mode, encryptions: ['AES256', 'aws:kms'], checksums: [true, true] };
    for (const reading of ['none', 'weak'] as const) {
      const world = aWorld({ ...setting, versions: 'latest', reading });
      world.source.put('k', GOOD);
      world.clock.nowMs += 5_000;
      await world.replicate();
      const { state } = world.replica.current('k')!;
      world.replica.put('k', EVIL, { attributes: state.attributes });
      const forged = world.replica.current('k')!;
      forged.state = { ...forged.state, checksum: state.checksum };
      if (reading === 'none') {
        expect(await world.count()).toEqual({ same: 1, byCrc: 1 });
        continue;
      }
      expect(await world.count()).toEqual({ different: 1 });
      await world.repair();
      expect(world.content()).toBe('good');
      expect(await world.count()).toEqual({ same: 1, byBytes: 1 });
    }
  });

  test('reads only what is weak, unless all is to be read', async () => {
    for (const [reading, reads] of [
      ['weak', 0],
      ['all', 2],
    ] as const) {
      const world = await attacked({ ...mode, reading }, 'none');
      expect(await world.count()).toEqual({ same: 1, [reads === 0 ? 'byReceipt' : 'byBytes']: 1 });
      expect(world.calls.filter((call) => call.endsWith('.read'))).toHaveLength(reads);
      const plain = aWorld({ ...mode, reading });
      plain.source.put('k', GOOD);
      plain.clock.nowMs += 5_000;
      await plain.replicate();
      expect(await plain.count()).toEqual({ same: 1, [reads === 0 ? 'byMd5' : 'byBytes']: 1 });
    }
  });
});

describe('what the same rests on is counted apart', () => {
  test.each([
    ['MD5 ETags', { encryptions: ['AES256', 'AES256'], checksums: [false, false] }, { same: 1, byMd5: 1 }],
    [
      'a CRC, where KMS hides the ETag',
      { encryptions: ['AES256', 'aws:kms'], checksums: [true, true] },
      { same: 1, byCrc: 1 },
    ],
  ] as const)('%s', async (_name, { encryptions, checksums }, expected) => {
    for (const mode of MODES) {
      const world = aWorld({ ...mode, encryptions: [...encryptions], checksums: [...checksums] });
      world.source.put('k', GOOD);
      world.clock.nowMs += 5_000;
      await world.replicate();
      expect(await world.count()).toEqual(expected);
      expect(world.receipts.kept.size).toBe(0);
    }
  });
});

describe('stamps that cannot be true', () => {
  /** A planted object whose stamp names a version that the source never had, written at this time. */
  const planted = async (aheadMs: number) => {
    const world = oneKey({ rule: { versions: 'all' } });
    const route = { at: { bucket: 'replica', key: 'k' }, from: { bucket: 'source', key: 'k' } };
    world.source.put('k', GOOD);
    await world.look();
    const claimed = objectState({ versionId: 'never', lastModifiedMs: world.clock.nowMs + aheadMs });
    const metadata = stampedMetadata(claimed, route);
    world.replica.put('k', EVIL, { attributes: { ...NO_ATTRIBUTES, metadata } });
    return world;
  };

  test('a stamp from the future does not block a key: the newest state is written over it', async () => {
    const world = await planted(10 * 365 * 86_400_000);
    expect((await world.look(openGate, { concern: 'attributes' })).outcome).toBe('replicated');
    expect(world.content()).toBe('good');
    world.clock.nowMs += 60_000;
    world.source.put('k', Buffer.from('newer'));
    await world.look();
    expect(world.content()).toBe('newer');
  });

  test('a stamp of the present holds back nothing that is written later', async () => {
    const world = await planted(0);
    world.clock.nowMs += 60_000;
    world.source.put('k', Buffer.from('newer'));
    await world.look();
    expect(world.content()).toBe('newer');
  });
});
