/**
 * Locks that became stronger at the source. An event reports a new retention, but no event reports a legal hold.
 * The replica gets the legal hold only after a run has compared both sides and sent a hint.
 */
import { describe, expect, test } from 'vitest';
import { strengthened } from '../../src/lib/replica/object-lock.ts';
import type { ObjectLock, Retention } from '../../src/lib/model/ports.ts';
import { stampedMetadata } from '../../src/lib/replica/stamp.ts';
import { type MemoryBucket, NO_ATTRIBUTES, NO_LOCK } from '../model/memory-buckets.ts';
import { once, oneKey } from '../model/one-key.ts';
import { testRule } from '../model/settings.ts';
import { DAY_MS, replicatedVersion } from './replicated-version.ts';

const BOTH = ['all', 'latest'] as const;

const lockIn = (bucket: MemoryBucket, age = 0): ObjectLock | undefined =>
  bucket.versions('k').at(-1 - age)?.state.lock;

const governance = (untilMs: number): Retention => ({ mode: 'GOVERNANCE', untilMs });

describe.each(BOTH)('the lock of a replica with versions: %s', (versions) => {
  const rule = { versions };

  test('a lock that became longer and stricter at the source is written once to the replica', async () => {
    const { source, replica, repair, days } = await replicatedVersion({ rule });
    const lock = { retention: { mode: 'COMPLIANCE', untilMs: days(10) }, legalHold: true } as const;
    source.setLock('k', 0, lock);
    expect(await repair()).toEqual({ outcome: 'updated', writes: ['putLegalHold', 'putRetention'] });
    expect(lockIn(replica)).toEqual(lock);
    expect(await repair()).toEqual({ outcome: 'unchanged', writes: [] });
  });

  test.each(['content', 'tags', 'acl'] as const)(
    'a hint about %s does not change the lock',
    async (concern) => {
      const { source, looks, days } = await replicatedVersion({ rule });
      source.setLock('k', 0, { retention: { mode: 'GOVERNANCE', untilMs: days(10) }, legalHold: true });
      expect(await looks(concern)).toEqual({ outcome: 'unchanged', writes: [] });
    },
  );

  test('a retention that an event reports is written to the replica, unless the destination wants no locks', async () => {
    const { source, replica, looks, days } = await replicatedVersion({ rule });
    const retention = { mode: 'COMPLIANCE', untilMs: days(10) } as const;
    source.setLock('k', 0, { retention });
    expect(await looks('lock')).toEqual({ outcome: 'updated', writes: ['putRetention'] });
    expect(lockIn(replica)).toEqual({ ...NO_LOCK, retention });
    const without = await replicatedVersion({ rule, destination: { objectLock: 'ignore' } });
    without.source.setLock('k', 0, { retention });
    expect(await without.looks('lock')).toEqual({ outcome: 'unchanged', writes: [] });
  });

  test('a lock that is longer, stricter or held at the destination stays', async () => {
    const { source, replica, repair, days } = await replicatedVersion({ rule });
    const lock = { retention: { mode: 'COMPLIANCE', untilMs: days(20) }, legalHold: true } as const;
    replica.setLock('k', 0, lock);
    source.setLock('k', 0, { retention: { mode: 'GOVERNANCE', untilMs: days(10) } });
    expect(await repair()).toEqual({ outcome: 'unchanged', writes: [] });
    expect(lockIn(replica)).toEqual(lock);
  });

  test('only the weaker half of a lock is written', async () => {
    const { source, replica, repair, days } = await replicatedVersion({ rule });
    replica.setLock('k', 0, { retention: governance(days(5)) });
    source.setLock('k', 0, { retention: governance(days(5)), legalHold: true });
    expect((await repair()).writes).toEqual(['putLegalHold']);
    source.setLock('k', 0, { retention: governance(days(10)) });
    expect((await repair()).writes).toEqual(['putRetention']);
    expect(lockIn(replica)).toEqual({ retention: governance(days(10)), legalHold: true });
  });
});

describe.each(BOTH)('a lock that changes during its repair with versions: %s', (versions) => {
  const rule = { versions };

  test('a lock that is extended while it is written is written a second time', async () => {
    const { source, replica, repair, days } = await replicatedVersion({ rule });
    source.setLock('k', 0, { retention: governance(days(10)) });
    await repair(
      once('destination.putRetention', 'before', async () =>
        source.setLock('k', 0, { retention: governance(days(20)) }),
      ),
    );
    expect(lockIn(replica)?.retention).toEqual(governance(days(20)));
  });

  test('a lock that somebody else extends during the write is a lost race and needs no person', async () => {
    const { source, replica, repair, days } = await replicatedVersion({ rule });
    source.setLock('k', 0, { retention: governance(days(10)) });
    const longer = once('destination.putRetention', 'before', async () => {
      replica.setLock('k', 0, { retention: governance(days(20)) });
    });
    await expect(repair(longer)).rejects.toMatchObject({ reason: 'lost-race' });
    expect(await repair()).toEqual({ outcome: 'unchanged', writes: [] });
    expect(lockIn(replica)?.retention).toEqual(governance(days(20)));
  });
});

describe.each(BOTH)('modes of retention with versions: %s', (versions) => {
  const rule = { versions };

  test.each([
    ['governance', 'COMPLIANCE', { mode: 'GOVERNANCE', untilMs: 10 }],
    ['ignore', 'COMPLIANCE', null],
    ['replicate', 'COMPLIANCE', { mode: 'COMPLIANCE', untilMs: 10 }],
  ] as const)('objectLock: %s writes a source lock of mode %s as %o', async (objectLock, mode, expected) => {
    const { source, replica, repair, days } = await replicatedVersion({ rule, destination: { objectLock } });
    source.setLock('k', 0, { retention: { mode, untilMs: days(10) }, legalHold: true });
    await repair();
    expect(lockIn(replica)).toEqual({
      retention: expected && { ...expected, untilMs: days(expected.untilMs) },
      legalHold: objectLock !== 'ignore',
    });
  });

  test.each<[string, number, Retention, Retention]>([
    // All times are in days from now.
    [
      'a stricter mode of the replica stays and gets the longer time',
      10,
      { mode: 'COMPLIANCE', untilMs: 5 },
      { mode: 'COMPLIANCE', untilMs: 10 },
    ],
    [
      'an expired retention of the replica counts for nothing',
      10,
      { mode: 'COMPLIANCE', untilMs: -1 },
      { mode: 'GOVERNANCE', untilMs: 10 },
    ],
    [
      'an expired retention of the source is not written',
      -1,
      { mode: 'GOVERNANCE', untilMs: 5 },
      { mode: 'GOVERNANCE', untilMs: 5 },
    ],
  ])('%s', async (_, wantedDays, before, after) => {
    const { source, replica, repair, days } = await replicatedVersion({ rule });
    const inDays = ({ mode, untilMs }: Retention): Retention => ({ mode, untilMs: days(untilMs) });
    source.setLock('k', 0, { retention: governance(days(wantedDays)) });
    replica.setLock('k', 0, { retention: inDays(before) });
    await repair();
    expect(lockIn(replica)).toEqual({ retention: inDays(after), legalHold: false });
  });

  test('a change from governance to compliance mode needs a person, and everything else about the lock is written', async () => {
    const { source, replica, repair, days } = await replicatedVersion({ rule });
    replica.setLock('k', 0, { retention: governance(days(5)) });
    source.setLock('k', 0, { retention: { mode: 'COMPLIANCE', untilMs: days(10) }, legalHold: true });
    await expect(repair()).rejects.toMatchObject({
      reason: 'access-denied',
      message: expect.stringMatching(/AccessDenied\. .* --bypass-governance-retention/),
    });
    expect(lockIn(replica)).toEqual({ retention: governance(days(10)), legalHold: true });
  });
});

describe.each(BOTH)('a hint about attributes with versions: %s', (versions) => {
  const rule = { versions };

  test('a version whose tags no longer match the filter keeps its lock', async () => {
    const filter = { ...testRule().filter, tags: { keep: 'yes' } };
    const world = oneKey({ rule });
    const { versionId } = world.source.put('k', Buffer.from('one'), { tags: { keep: 'yes' } });
    const hint = { rule: testRule({ ...rule, filter }), versionId };
    await world.look(undefined, hint);
    world.source.setTags('k', 0, {});
    world.source.setLock('k', 0, { legalHold: true });
    await world.look(undefined, { ...hint, concern: 'attributes' });
    expect(lockIn(world.replica)).toEqual(NO_LOCK);
  });

  test('the lock of a replica does not travel back to the origin of that replica', async () => {
    const world = oneKey({ rule });
    const original = world.replica.put('k', Buffer.from('one'));
    const metadata = stampedMetadata(original, {
      at: { bucket: 'source', key: 'k' },
      from: { bucket: 'replica', key: 'k' },
    });
    const { versionId } = world.source.put('k', Buffer.from('one'), {
      attributes: { ...NO_ATTRIBUTES, metadata },
    });
    world.source.setLock('k', 0, { legalHold: true });
    for (const replicas of ['ignore', 'replicate'] as const)
      await world.look(undefined, {
        rule: testRule({ versions, replicas }),
        versionId,
        concern: 'attributes',
      });
    expect(lockIn(world.replica)).toEqual(NO_LOCK);
  });

  test('tags that differ are repaired together with the lock', async () => {
    const { source, replica, repair } = await replicatedVersion({ rule });
    source.setTags('k', 0, { colour: 'red' });
    source.setLock('k', 0, { legalHold: true });
    await repair();
    expect(replica.current('k')?.tags).toEqual({ colour: 'red' });
    expect(lockIn(replica)?.legalHold).toBe(true);
  });

  test('a hint about attributes replicates a missing version together with its lock', async () => {
    const { source, replica, clock, look } = oneKey({ rule });
    const { versionId } = source.put('k', Buffer.from('one'));
    const lock = { retention: governance(clock.nowMs + DAY_MS), legalHold: true };
    source.setLock('k', 0, lock);
    expect((await look(undefined, { concern: 'attributes', versionId })).outcome).toBe('replicated');
    expect(lockIn(replica)).toEqual(lock);
  });
});

test('two locks, each stronger in another respect, are combined into one that is weaker than neither', () => {
  const held: ObjectLock = { retention: { mode: 'GOVERNANCE', untilMs: 20 }, legalHold: true };
  const wanted: ObjectLock = { retention: { mode: 'COMPLIANCE', untilMs: 10 }, legalHold: false };
  const both: ObjectLock = { retention: { mode: 'COMPLIANCE', untilMs: 20 }, legalHold: true };
  expect(strengthened(held, wanted, 0)).toEqual(both);
  expect(strengthened({ ...wanted, legalHold: true }, { ...held, retention: null }, 0)).toBeNull();
});

test('the lock of a version that is no longer current reaches its replica with versions: all', async () => {
  const { source, replica, repair, content } = await replicatedVersion({ rule: { versions: 'all' } });
  source.put('k', Buffer.from('two'));
  await content();
  source.setLock('k', 1, { legalHold: true });
  await repair();
  expect([lockIn(replica, 1), lockIn(replica)]).toEqual([{ ...NO_LOCK, legalHold: true }, NO_LOCK]);
});
