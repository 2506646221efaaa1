/**
 * Regression tests for tags and grants that were lost once, or almost lost. Random histories produce these
 * cases rarely or never.
 *
 * To check the tests, these parts were removed from the code one at a time, and a test failed each time:
 * - writing grants to the version that the destination shows
 * - writing tags whatever the outcome for the newest version is, and even if the content proves nothing
 * - the second read of tags
 */
import { describe, expect, test } from 'vitest';
import { openGate } from '../model/memory-source.ts';
import { failingOnce, once, oneKey } from '../model/one-key.ts';
import { testRule } from '../model/settings.ts';

const ALL = { versions: 'all' } as const;
const DELETES = { versions: 'all', deletes: 'replicate' } as const;
const RED = { colour: 'red' };
const BLUE = { colour: 'blue' };

describe('grants', () => {
  test.each(['all', 'latest'] as const)(
    'in mode %s a replica that was written without its grants gets them from the next hint',
    async (versions) => {
      const { source, replica, look } = oneKey({ rule: { versions, acl: 'replicate' } });
      source.put('k', Buffer.from('one'));
      source.setAcl('k', 0, [{ grantee: { kind: 'user', id: 'alice' }, permission: 'READ' }]);
      await expect(look(failingOnce('destination.putAcl'))).rejects.toMatchObject({ reason: 'throttled' });
      await look();
      expect(replica.current('k')?.acl).toEqual(source.current('k')?.acl);
    },
  );

  test('a replica gets its missing grants even when a newer version is written over it', async () => {
    const { source, replica, look } = oneKey({ rule: { ...ALL, acl: 'replicate' } });
    source.put('k', Buffer.from('one'));
    source.setAcl('k', 0, [{ grantee: { kind: 'user', id: 'alice' }, permission: 'READ' }]);
    await expect(look(failingOnce('destination.putAcl'))).rejects.toMatchObject({ reason: 'throttled' });
    source.put('k', Buffer.from('two'));
    await look();
    expect(replica.versions('k').map(({ acl }) => acl.length)).toEqual([1, 0]);
  });
});

describe('tags', () => {
  test.each(['all', 'latest'] as const)(
    'in mode %s tags that are written after the content are added by the next hint when the writer fails in between',
    async (versions) => {
      const { source, replica, look } = oneKey({ rule: { versions } });
      const tags = Object.fromEntries(
        Array.from({ length: 10 }, (_, index) => [`${'ä'.repeat(100)}${index}`, 'ö'.repeat(200)]),
      );
      source.put('k', Buffer.from('one'), { tags });
      await expect(look(failingOnce('destination.putTags'))).rejects.toMatchObject({ reason: 'throttled' });
      expect((await look()).outcome).toBe('unchanged');
      expect(replica.current('k')?.tags).toEqual(tags);
    },
  );

  test('the tags of a version reach its replica although the same hint deletes the key', async () => {
    const { source, replica, look } = oneKey({ rule: DELETES });
    const { versionId } = source.put('k', Buffer.from('one'));
    await look();
    source.setTags('k', 0, RED);
    source.remove('k');
    expect((await look(openGate, { concern: 'tags', versionId })).outcome).toBe('deleted');
    expect(replica.versions('k')[0]?.tags).toEqual(RED);
  });

  test('the tags of a version reach its replica although the filter leaves out the newest version', async () => {
    const filter = { ...testRule().filter, maximumBytes: 3 };
    const { source, replica, look } = oneKey({ rule: { ...ALL, filter } });
    const { versionId } = source.put('k', Buffer.from('one'));
    await look();
    source.setTags('k', 0, RED);
    source.put('k', Buffer.from('three'));
    expect((await look(openGate, { concern: 'tags', versionId })).outcome).toBe('filtered');
    expect(replica.versions('k')[0]?.tags).toEqual(RED);
  });

  test.each([
    ['without a stamp', 'latest', false, 'enabled'],
    ['within one second of an unversioned bucket', 'latest', true, 'unversioned'],
    ['within one second of an unversioned bucket in mode all', 'all', true, 'unversioned'],
  ] as const)(
    '%s, tags alone distinguish two writes of the same bytes',
    async (_, versions, stamp, source) => {
      const world = oneKey({ rule: { versions, stamp }, versionings: [source, 'enabled'] });
      world.source.put('k', Buffer.from('one'), { tags: RED });
      await world.look();
      world.source.put('k', Buffer.from('one'), { tags: BLUE });
      await world.look();
      expect(world.replica.current('k')?.tags).toEqual(BLUE);
    },
  );
});

test('tags that change while they are written are written a second time', async () => {
  const { source, replica, look } = oneKey({ rule: ALL });
  const { versionId } = source.put('k', Buffer.from('one'));
  await look();
  source.setTags('k', 0, RED);
  await look(
    once('destination.putTags', 'before', async () => {
      source.setTags('k', 0, BLUE);
    }),
    { concern: 'tags', versionId },
  );
  expect(replica.current('k')?.tags).toEqual(BLUE);
});

test.each(['all', 'latest'] as const)(
  'in mode %s tags that changed while the content was written arrive, though the worker crashed right after its write',
  async (versions) => {
    const { source, replica, look } = oneKey({ rule: { versions } });
    const { versionId } = source.put('k', Buffer.from('one'), { tags: { colour: 'red' } });
    await look();
    // The state that the crash left: the replica has as many tags as the source version, but older ones.
    source.setTags('k', 0, { colour: 'blue' });
    expect((await look(openGate, { versionId })).outcome).toBe('unchanged');
    expect(replica.current('k')?.tags).toEqual({ colour: 'blue' });
  },
);
