/**
 * Destinations that keep no versions: versioning is off or suspended. A write replaces the object in place, and tags and grants cannot be
 * given to one version. Converge looks once more after it has written tags or grants, and it writes only the newest state to such a
 * destination. Without one of these two rules, each test failed.
 */
import { expect, test } from 'vitest';
import type { Acl } from '../../src/lib/model/ports.ts';
import { type Gate, openGate } from '../model/memory-source.ts';
import { once, oneKey } from '../model/one-key.ts';

const CASES = (['all', 'latest'] as const).flatMap((versions) =>
  (['unversioned', 'suspended'] as const).map((versioning) => ({ versions, versioning })),
);

const RED = { colour: 'red' };
const GREEN = { colour: 'green' };

const reader = (id: string): Acl => [{ grantee: { kind: 'user', id }, permission: 'READ' }];

test.each(CASES)(
  'the grants of an older version do not stay on the replica of a newer one ($versions, $versioning)',
  async ({ versions, versioning }) => {
    const { source, replica, look } = oneKey({
      rule: { versions, acl: 'replicate' },
      versionings: ['enabled', versioning],
    });
    const { versionId } = source.put('k', Buffer.from('one'));
    await look();
    source.setAcl('k', 0, reader('alice'));
    const slow = once('destination.putAcl', 'before', async () => {
      source.put('k', Buffer.from('two'));
      source.setAcl('k', 0, reader('bob'));
      await look();
    });
    await look(slow, { concern: 'acl', versionId });
    expect(replica.current('k')?.bytes.toString()).toBe('two');
    expect(replica.current('k')?.acl).toEqual(reader('bob'));
  },
);

test.each(CASES)(
  'the tags of an older version do not stay on a newer replica although the worker crashed in between ($versions, $versioning)',
  async ({ versions, versioning }) => {
    const { source, replica, look } = oneKey({ rule: { versions }, versionings: ['enabled', versioning] });
    const hint = { versionId: source.put('k', Buffer.from('one'), { tags: RED }).versionId };
    await look();
    source.put('k', Buffer.from('two'), { tags: GREEN });
    await look();
    // The state that the crashed worker left: the newer replica has the older tags.
    replica.setTags('k', 0, RED);
    expect((await look(openGate, hint)).outcome).toBe('unchanged');
    expect(replica.current('k')?.tags).toEqual(GREEN);
  },
);

test.each(CASES)(
  'the tags of an older version do not stay on the replica of a newer one ($versions, $versioning)',
  async ({ versions, versioning }) => {
    const { source, replica, look } = oneKey({ rule: { versions }, versionings: ['enabled', versioning] });
    const { versionId } = source.put('k', Buffer.from('one'), { tags: RED });
    await look();
    source.setTags('k', 0, { colour: 'blue' });
    const slow = once('destination.putTags', 'before', async () => {
      source.put('k', Buffer.from('two'), { tags: GREEN });
      await look();
    });
    await look(slow, { concern: 'tags', versionId });
    expect(replica.current('k')?.bytes.toString()).toBe('two');
    expect(replica.current('k')?.tags).toEqual(GREEN);
  },
);

test.each(['unversioned', 'suspended'] as const)(
  'a later hint about a deleted key does not bring its versions back to a destination that keeps none (%s)',
  async (versioning) => {
    const { source, look, content } = oneKey({
      rule: { versions: 'all', deletes: 'replicate' },
      versionings: ['enabled', versioning],
    });
    source.put('k', Buffer.from('one'));
    await look();
    source.put('k', Buffer.from('two'));
    source.remove('k');
    await look();
    expect(content()).toBeUndefined();
    let puts = 0;
    const counting: Gate = async (point, call) => {
      if (point === 'before' && call === 'destination.put') puts += 1;
      return openGate(point, call);
    };
    expect((await look(counting)).outcome).toBe('source-gone');
    expect(puts).toBe(0);
  },
);
