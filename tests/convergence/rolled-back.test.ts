/**
 * Destinations that show an older state than one of the replicas beneath it, in mode `all`. The stamp of the shown
 * replica names a state that is gone from the source, so the source's listing does not say which of both is newer.
 * Each test failed when the shown replica was always taken for the newer one: every later hint said `unchanged`.
 */
import { describe, expect, test } from 'vitest';
import { type Gate, openGate } from '../model/memory-source.ts';
import { once, oneKey } from '../model/one-key.ts';

const ALL = { versions: 'all' } as const;

test.each(['unversioned', 'suspended'] as const)(
  'a state that returns within one second of a bucket without version ids is replicated (%s)',
  async (versioning) => {
    const { source, look, content } = oneKey({ rule: ALL, versionings: [versioning, 'enabled'] });
    source.put('k', Buffer.from('on'));
    let writes = 0;
    const flicker: Gate = async (point, call) => {
      if (point !== 'after' || call !== 'destination.put') return;
      writes += 1;
      if (writes <= 2) source.put('k', Buffer.from(writes === 1 ? 'off' : 'on'));
    };
    expect((await look(flicker)).outcome).toBe('replicated');
    expect(content()).toBe('on');
  },
);

describe('an old replica that somebody copied over the newest one, when its source version is gone', () => {
  const copiedBack = async (passMs: number) => {
    const world = oneKey({ rule: ALL });
    const { source, replica, clock, look } = world;
    for (const bytes of ['one', 'two']) {
      source.put('k', Buffer.from(bytes));
      await look();
      clock.nowMs += passMs;
    }
    source.forget('k', 1);
    const old = replica.versions('k')[0]!;
    replica.put('k', old.bytes, { attributes: old.state.attributes });
    return world;
  };

  test.each([0, 2_000])('is covered by the newest state again (written %i ms apart)', async (passMs) => {
    const { look, told } = await copiedBack(passMs);
    expect((await look(openGate, { concern: 'attributes' })).outcome).toBe('replicated');
    expect(told()).toEqual(['one', 'two', 'one', 'two']);
    expect((await look()).outcome).toBe('unchanged');
  });

  test('is covered although the first replica has expired at the destination, if it is older by a second', async () => {
    const { replica, look, told } = await copiedBack(2_000);
    replica.forget('k', 2);
    await look();
    expect(told()).toEqual(['two', 'one', 'two']);
  });
});

test('an older state that a race put on top is covered after a crash, even if its source version has expired', async () => {
  const { source, look, content } = oneKey({ rule: ALL });
  source.put('k', Buffer.from('x'));
  await look();
  source.put('k', Buffer.from('y'));
  // The slow worker is about to write y over x. Meanwhile another worker writes y, and x again, so the condition holds.
  const overtaken = once('destination.put', 'before', async () => {
    source.put('k', Buffer.from('x'));
    await look();
  });
  const crashing: Gate = async (point, call) => {
    await overtaken(point, call);
    if (point === 'after' && call === 'destination.put') throw new Error('crash');
  };
  await expect(look(crashing)).rejects.toThrow('crash');
  expect(content()).toBe('y');
  source.forget('k', 1);
  await look();
  expect(content()).toBe('x');
});

test('the replica of a version that was permanently deleted stays shown, also within one second', async () => {
  const { source, look, told } = oneKey({ rule: ALL });
  for (const bytes of ['one', 'two', 'three']) source.put('k', Buffer.from(bytes));
  await look();
  source.forget('k', 0);
  expect((await look()).outcome).toBe('unchanged');
  expect(told()).toEqual(['one', 'two', 'three']);
});
