/** Hints about an attribute of the version that both sides show. */
import { describe, expect, test } from 'vitest';
import type { Gate } from '../model/memory-source.ts';
import { oneKey, once } from '../model/one-key.ts';

const taggedKey = async (versions: 'latest' | 'all') => {
  const world = oneKey({ rule: { versions } });
  world.source.put('k', Buffer.from('one'), { tags: { a: '1' } });
  await world.look();
  return world;
};
const counted = (): { calls: string[]; gate: Gate } => {
  const calls: string[] = [];
  const gate: Gate = async (point, call) => {
    if (point === 'before') calls.push(call);
  };
  return { calls, gate };
};

describe.each(['latest', 'all'] as const)('versions: %s', (versions) => {
  test('a change of tags takes six calls', async () => {
    const { source, replica, look } = await taggedKey(versions);
    source.setTags('k', 0, { a: '2' });
    const { calls, gate } = counted();
    expect(await look(gate, { concern: 'tags', versionId: source.current('k')?.id ?? null })).toMatchObject({
      outcome: 'updated',
    });
    expect(calls).toEqual([
      'destination.look',
      'source.look',
      'destination.tags',
      'source.tags',
      'destination.putTags',
      'source.tags',
    ]);
    expect(replica.current('k')?.tags).toEqual({ a: '2' });
  });

  test('tags that were removed from both sides are compared, because HEAD counts no tags without a permission', async () => {
    const { look } = await taggedKey(versions);
    const { calls, gate } = counted();
    expect(await look(gate, { concern: 'tags' })).toMatchObject({ outcome: 'unchanged' });
    expect(calls.filter((call) => call.endsWith('.tags'))).toHaveLength(2);
  });

  test('a hint about the tags of a version that is missing at the destination brings the content too', async () => {
    const { source, replica, look } = await taggedKey(versions);
    source.put('k', Buffer.from('two'), { tags: { a: '2' } });
    await look(undefined, { concern: 'tags' });
    expect(replica.current('k')?.bytes.toString()).toBe('two');
    expect(replica.current('k')?.tags).toEqual({ a: '2' });
  });

  test('a newer version that is written between the two looks is replicated', async () => {
    const { source, replica, look } = await taggedKey(versions);
    const gate = once('source.look', 'before', async () => {
      source.put('k', Buffer.from('two'), { tags: { a: '2' } });
    });
    await look(gate, { concern: 'tags' });
    expect(replica.current('k')?.bytes.toString()).toBe('two');
    expect(replica.current('k')?.tags).toEqual({ a: '2' });
  });

  test('a newer replica that another worker writes meanwhile keeps its own tags', async () => {
    const { source, replica, look } = await taggedKey(versions);
    source.setTags('k', 0, { a: 'late' });
    const gate = once('destination.putTags', 'before', async () => {
      source.put('k', Buffer.from('two'), { tags: { a: '2' } });
      await look();
    });
    await look(gate, { concern: 'tags' });
    expect(replica.versions('k').map(({ tags }) => tags['a'])).toEqual(['late', '2']);
  });
});

test('with `versions: all`, a hint about the tags of an older version changes the replica of that version', async () => {
  const { source, replica, look } = oneKey({ rule: { versions: 'all' } });
  source.put('k', Buffer.from('one'), { tags: { a: '1' } });
  source.put('k', Buffer.from('two'), { tags: { a: '2' } });
  await look();
  source.setTags('k', 1, { a: 'changed' });
  await look(undefined, { concern: 'tags', versionId: source.versions('k')[0]?.id ?? null });
  expect(replica.versions('k').map(({ tags }) => tags['a'])).toEqual(['changed', '2']);
});

test('an object without a stamp that has the same bytes is not taken for the replica of this version', async () => {
  const { source, replica, look } = oneKey({ rule: { versions: 'all', stamp: true } });
  source.put('k', Buffer.from('one'), { tags: { a: '1' } });
  replica.put('k', Buffer.from('one'));
  source.put('k', Buffer.from('one'), { tags: { a: '2' } });
  await look(undefined, { concern: 'tags' });
  expect(replica.versions('k').map(({ tags }) => tags)).toEqual([{ a: '1' }, { a: '2' }]);
});
