/**
 * What nobody tells of: locks that became stronger at the source, headers that were changed at the destination. Only a hint of who compared
 * both sides has them mended.
 */
import { describe, expect, test } from 'vitest';
import type { Concern } from '../../src/lib/model/work.ts';
import { strengthened } from '../../src/lib/replica/object-lock.ts';
import type { ObjectAttributes, ObjectLock, Retention } from '../../src/lib/model/ports.ts';
import type { Destination, ReplicationRule } from '../../src/lib/model/rule.ts';
import { stampedMetadata } from '../../src/lib/replica/stamp.ts';
import { type MemoryBucket, NO_ATTRIBUTES, NO_LOCK } from '../model/memory-buckets.ts';
import type { Gate } from '../model/memory-source.ts';
import { once, oneKey } from '../model/one-key.ts';
import { testDestination, testRule } from '../model/settings.ts';

const DAY_MS = 86_400_000;
const BOTH = ['all', 'latest'] as const;

interface Setting {
  rule?: Partial<ReplicationRule>;
  destination?: Partial<Destination>;
}

/** A source version that is replicated already. `repair` and `content` look at it, and answer which calls have changed the destination. */
const replicated = async ({ rule = {}, destination }: Setting) => {
  const world = oneKey({ rule });
  const hint = { rule: testRule(rule), destination: testDestination(destination) };
  const { versionId } = world.source.put('k', Buffer.from('one'));
  await world.look(undefined, hint);
  const looks = async (concern: Concern, gate: Gate = async () => undefined) => {
    const writes: string[] = [];
    const watching: Gate = async (point, call) => {
      if (point === 'after' && /^destination\.(put|remove)/.test(call)) writes.push(call.split('.')[1] ?? '');
      return await gate(point, call);
    };
    const { outcome } = await world.look(watching, { ...hint, concern, versionId });
    return { outcome, writes };
  };
  return {
    ...world,
    versionId,
    repair: (gate?: Gate) => looks('attributes', gate),
    looks,
    content: () => looks('content'),
    days: (count: number) => world.clock.nowMs + count * DAY_MS,
  };
};

const lockIn = (bucket: MemoryBucket, age = 0): ObjectLock | undefined =>
  bucket.versions('k').at(-1 - age)?.state.lock;

const setAttributes = (bucket: MemoryBucket, attributes: Partial<ObjectAttributes>): void => {
  const version = bucket.current('k');
  if (version === null) throw new Error('nothing is shown');
  version.state = { ...version.state, attributes: { ...version.state.attributes, ...attributes } };
};
const attributesIn = (bucket: MemoryBucket) => bucket.current('k')?.state.attributes;

describe.each(BOTH)('a lock, with versions: %s', (versions) => {
  const rule = { versions };

  test('that became longer and stricter at the source reaches the replica, and then nothing is written', async () => {
    const { source, replica, repair, days } = await replicated({ rule });
    const lock = { retention: { mode: 'COMPLIANCE', untilMs: days(10) }, legalHold: true } as const;
    source.setLock('k', 0, lock);
    expect(await repair()).toEqual({ outcome: 'updated', writes: ['putLegalHold', 'putRetention'] });
    expect(lockIn(replica)).toEqual(lock);
    expect(await repair()).toEqual({ outcome: 'unchanged', writes: [] });
  });

  test.each(['content', 'tags', 'acl'] as const)(
    'is none of the business of a hint about %s',
    async (concern) => {
      const { source, looks, days } = await replicated({ rule });
      source.setLock('k', 0, { retention: { mode: 'GOVERNANCE', untilMs: days(10) }, legalHold: true });
      expect(await looks(concern)).toEqual({ outcome: 'unchanged', writes: [] });
    },
  );

  test('that is longer, stricter or held at the destination stays', async () => {
    const { source, replica, repair, days } = await replicated({ rule });
    const lock = { retention: { mode: 'COMPLIANCE', untilMs: days(20) }, legalHold: true } as const;
    replica.setLock('k', 0, lock);
    source.setLock('k', 0, { retention: { mode: 'GOVERNANCE', untilMs: days(10) } });
    expect(await repair()).toEqual({ outcome: 'unchanged', writes: [] });
    expect(lockIn(replica)).toEqual(lock);
  });

  test('is written only as far as the replica has less', async () => {
    const { source, replica, repair, days } = await replicated({ rule });
    const retention = (count: number): Retention => ({ mode: 'GOVERNANCE', untilMs: days(count) });
    replica.setLock('k', 0, { retention: retention(5) });
    source.setLock('k', 0, { retention: retention(5), legalHold: true });
    expect((await repair()).writes).toEqual(['putLegalHold']);
    source.setLock('k', 0, { retention: retention(10) });
    expect((await repair()).writes).toEqual(['putRetention']);
    expect(lockIn(replica)).toEqual({ retention: retention(10), legalHold: true });
  });

  test('that is extended while it is written is written once more', async () => {
    const { source, replica, repair, days } = await replicated({ rule });
    const retention = (count: number): Retention => ({ mode: 'GOVERNANCE', untilMs: days(count) });
    source.setLock('k', 0, { retention: retention(10) });
    await repair(
      once('destination.putRetention', 'before', async () =>
        source.setLock('k', 0, { retention: retention(20) }),
      ),
    );
    expect(lockIn(replica)?.retention).toEqual(retention(20));
  });

  test('that somebody else makes longer while it is written is looked at again, and no matter for a person', async () => {
    const { source, replica, repair, days } = await replicated({ rule });
    const retention = (count: number): Retention => ({ mode: 'GOVERNANCE', untilMs: days(count) });
    source.setLock('k', 0, { retention: retention(10) });
    const longer = once('destination.putRetention', 'before', async () => {
      replica.setLock('k', 0, { retention: retention(20) });
    });
    await expect(repair(longer)).rejects.toMatchObject({ reason: 'lost-race' });
    expect(await repair()).toEqual({ outcome: 'unchanged', writes: [] });
    expect(lockIn(replica)?.retention).toEqual(retention(20));
  });

  test.each([
    ['governance', 'COMPLIANCE', { mode: 'GOVERNANCE', untilMs: 10 }],
    ['ignore', 'COMPLIANCE', null],
    ['replicate', 'COMPLIANCE', { mode: 'COMPLIANCE', untilMs: 10 }],
  ] as const)('with objectLock: %s, of mode %s', async (objectLock, mode, expected) => {
    const { source, replica, repair, days } = await replicated({ rule, destination: { objectLock } });
    source.setLock('k', 0, { retention: { mode, untilMs: days(10) }, legalHold: true });
    await repair();
    expect(lockIn(replica)).toEqual({
      retention: expected && { ...expected, untilMs: days(expected.untilMs) },
      legalHold: objectLock !== 'ignore',
    });
  });

  test.each<[string, number, Retention, Retention]>([
    // Days from now.
    [
      'the stricter mode of the replica stays with a longer time',
      10,
      { mode: 'COMPLIANCE', untilMs: 5 },
      { mode: 'COMPLIANCE', untilMs: 10 },
    ],
    [
      'one of the replica that is over counts for nothing',
      10,
      { mode: 'COMPLIANCE', untilMs: -1 },
      { mode: 'GOVERNANCE', untilMs: 10 },
    ],
    [
      'one of the source that is over is not written',
      -1,
      { mode: 'GOVERNANCE', untilMs: 5 },
      { mode: 'GOVERNANCE', untilMs: 5 },
    ],
  ])('%s', async (_, wantedDays, before, after) => {
    const { source, replica, repair, days } = await replicated({ rule });
    const inDays = ({ mode, untilMs }: Retention): Retention => ({ mode, untilMs: days(untilMs) });
    source.setLock('k', 0, { retention: { mode: 'GOVERNANCE', untilMs: days(wantedDays) } });
    replica.setLock('k', 0, { retention: inDays(before) });
    await repair();
    expect(lockIn(replica)).toEqual({ retention: inDays(after), legalHold: false });
  });

  test('in governance mode that is to be in compliance mode: a person is told, and it is as long and as held as it may be', async () => {
    const { source, replica, repair, days } = await replicated({ rule });
    replica.setLock('k', 0, { retention: { mode: 'GOVERNANCE', untilMs: days(5) } });
    source.setLock('k', 0, { retention: { mode: 'COMPLIANCE', untilMs: days(10) }, legalHold: true });
    await expect(repair()).rejects.toMatchObject({
      reason: 'access-denied',
      message: expect.stringMatching(/AccessDenied\. .* --bypass-governance-retention/),
    });
    expect(lockIn(replica)).toEqual({
      retention: { mode: 'GOVERNANCE', untilMs: days(10) },
      legalHold: true,
    });
  });

  test('of a version whose tags the rule is not for is left alone', async () => {
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

  test('of a replica does not travel back to where it came from', async () => {
    const world = oneKey({ rule });
    const original = world.replica.put('k', Buffer.from('one'));
    const metadata = stampedMetadata(original, { bucket: 'source', key: 'k' });
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

  test('comes with tags that differ, too', async () => {
    const { source, replica, repair } = await replicated({ rule });
    source.setTags('k', 0, { colour: 'red' });
    source.setLock('k', 0, { legalHold: true });
    await repair();
    expect(replica.current('k')?.tags).toEqual({ colour: 'red' });
    expect(lockIn(replica)?.legalHold).toBe(true);
  });

  test('comes to nothing where the content is missing: that is replicated, with its lock', async () => {
    const { source, replica, clock, look } = oneKey({ rule });
    const { versionId } = source.put('k', Buffer.from('one'));
    const lock = {
      retention: { mode: 'GOVERNANCE', untilMs: clock.nowMs + DAY_MS },
      legalHold: true,
    } as const;
    source.setLock('k', 0, lock);
    expect((await look(undefined, { concern: 'attributes', versionId })).outcome).toBe('replicated');
    expect(lockIn(replica)).toEqual(lock);
  });
});

test('of two locks, each in its way stronger, comes one that is weaker than neither', () => {
  const held: ObjectLock = { retention: { mode: 'GOVERNANCE', untilMs: 20 }, legalHold: true };
  const wanted: ObjectLock = { retention: { mode: 'COMPLIANCE', untilMs: 10 }, legalHold: false };
  const both: ObjectLock = { retention: { mode: 'COMPLIANCE', untilMs: 20 }, legalHold: true };
  expect(strengthened(held, wanted, 0)).toEqual(both);
  expect(strengthened({ ...wanted, legalHold: true }, { ...held, retention: null }, 0)).toBeNull();
});

test('the lock of a version that is not current any more reaches its replica, with versions: all', async () => {
  const { source, replica, repair, content } = await replicated({ rule: { versions: 'all' } });
  source.put('k', Buffer.from('two'));
  await content();
  source.setLock('k', 1, { legalHold: true });
  await repair();
  expect([lockIn(replica, 1), lockIn(replica)]).toEqual([{ ...NO_LOCK, legalHold: true }, NO_LOCK]);
});

describe('headers and metadata that were changed under the stamp', () => {
  const changed = async (setting: Setting) => {
    const world = await replicated(setting);
    const { metadata = {} } = attributesIn(world.replica) ?? {};
    setAttributes(world.replica, {
      contentType: 'text/x-changed',
      metadata: { ...metadata, by: 'somebody' },
    });
    return world;
  };

  test('are written again with versions: latest, on condition that they are as they were', async () => {
    const { source, replica, repair, told } = await changed({ rule: { versions: 'latest' } });
    expect(await repair()).toEqual({ outcome: 'replicated', writes: ['put'] });
    const { metadata, contentType } = attributesIn(replica) ?? {};
    expect({ contentType, names: Object.keys(metadata ?? {}) }).toEqual({
      contentType: attributesIn(source)?.contentType,
      names: ['s3r'],
    });
    expect(await repair()).toEqual({ outcome: 'unchanged', writes: [] });
    expect(told()).toEqual(['one', 'one']);
  });

  test('are none of the business of other hints', async () => {
    const { content } = await changed({ rule: { versions: 'latest' } });
    expect(await content()).toEqual({ outcome: 'unchanged', writes: [] });
  });

  test('stay with versions: all, whose history would become longer by a version', async () => {
    const { repair } = await changed({ rule: { versions: 'all' } });
    expect(await repair()).toEqual({ outcome: 'unchanged', writes: [] });
  });

  test('a storage class alone is not written again', async () => {
    const { replica, repair } = await replicated({ rule: { versions: 'latest' } });
    setAttributes(replica, { storageClass: 'GLACIER' });
    expect(await repair()).toEqual({ outcome: 'unchanged', writes: [] });
  });

  test('nothing is put over what somebody writes meanwhile', async () => {
    const { source, replica, repair, content } = await changed({ rule: { versions: 'latest' } });
    const newer = once('destination.put', 'before', async () => {
      source.put('k', Buffer.from('two'));
      await content();
    });
    await repair(newer);
    expect(replica.current('k')?.bytes.toString()).toBe('two');
  });

  test('a replica of a replica is left as it is where the rule is not for such any more', async () => {
    const world = oneKey({ rule: { versions: 'latest' } });
    const original = { ...world.source.put('k', Buffer.from('elsewhere')), versionId: 'elsewhere' };
    const metadata = stampedMetadata(original, { bucket: 'source', key: 'k' });
    const attributes = { ...NO_ATTRIBUTES, metadata };
    const { versionId } = world.source.put('k', Buffer.from('one'), { attributes });
    const rule = (replicas: 'ignore' | 'replicate') => testRule({ versions: 'latest', replicas });
    await world.look(undefined, { rule: rule('replicate'), versionId });
    setAttributes(world.replica, { contentType: 'text/x-changed' });
    const hint = { rule: rule('ignore'), versionId, concern: 'attributes' } as const;
    expect((await world.look(undefined, hint)).outcome).toBe('replica');
    expect(attributesIn(world.replica)?.contentType).toBe('text/x-changed');
  });
});
