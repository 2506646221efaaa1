/**
 * A delete is passed on only if the destination shows what is provably a replica of the rule, or the very object whose replica was deleted.
 * Each test failed when any object in a versioned bucket could be hidden.
 */
import { expect, test } from 'vitest';
import { stampedMetadata } from '../../src/lib/replica/stamp.ts';
import { NO_ATTRIBUTES } from '../model/memory-buckets.ts';
import { openGate } from '../model/memory-source.ts';
import { once, oneKey } from '../model/one-key.ts';

const BOTH = ['all', 'latest'] as const;
const HINTS = [{}, { concern: 'attributes' }] as const;

test.each(BOTH.flatMap((versions) => HINTS.map((hint) => ({ versions, hint }))))(
  'a delete does not hide what somebody else wrote at the destination ($versions, $hint)',
  async ({ versions, hint }) => {
    const { source, replica, look, told } = oneKey({ rule: { versions, deletes: 'replicate' } });
    source.put('k', Buffer.from('one'));
    await look();
    source.remove('k');
    replica.put('k', Buffer.from('other'));
    expect(await look(openGate, hint)).toEqual({ outcome: 'not-ours' });
    expect(told()).toEqual(['one', 'other']);
  },
);

test.each(BOTH)(
  'in mode %s the marker of an earlier delete does not hide the object that was written anew at the origin',
  async (versions) => {
    const world = oneKey({ rule: { versions, deletes: 'replicate' } });
    const { source, replica, look, told } = world;
    // The source holds the replica and the delete of the first object. The second object has not arrived there yet.
    const original = replica.put('k', Buffer.from('one'));
    const metadata = stampedMetadata(original, {
      at: { bucket: 'source', key: 'k' },
      from: { bucket: 'replica', key: 'k' },
    });
    source.put('k', Buffer.from('one'), { attributes: { ...NO_ATTRIBUTES, metadata } });
    replica.remove('k');
    source.remove('k');
    replica.put('k', Buffer.from('one'));
    expect(await look()).toEqual({ outcome: 'not-ours' });
    expect(told()).toEqual(['one', '†', 'one']);
  },
);

test.each(BOTH)(
  'in mode %s a delete of a replica hides the very object it was made from',
  async (versions) => {
    const { source, replica, look, told } = oneKey({ rule: { versions, deletes: 'replicate' } });
    const original = replica.put('k', Buffer.from('one'));
    const metadata = stampedMetadata(original, {
      at: { bucket: 'source', key: 'k' },
      from: { bucket: 'replica', key: 'k' },
    });
    source.put('k', Buffer.from('one'), { attributes: { ...NO_ATTRIBUTES, metadata } });
    source.remove('k');
    expect(await look()).toMatchObject({ outcome: 'deleted' });
    expect(told()).toEqual(['one', '†']);
  },
);

test.each(BOTH)(
  'in mode %s a replica whose source version has expired is hidden all the same',
  async (versions) => {
    const { source, look, told } = oneKey({ rule: { versions, deletes: 'replicate' } });
    source.put('k', Buffer.from('one'));
    await look();
    source.remove('k');
    source.forget('k', 1);
    expect(await look()).toMatchObject({ outcome: 'deleted' });
    expect(told()).toEqual(['one', '†']);
  },
);

test.each(BOTH.flatMap((versions) => ['one', 'two'].map((shown) => ({ versions, shown }))))(
  'without a stamp a delete hides only an object with the digest of what was deleted ($versions, $shown)',
  async ({ versions, shown }) => {
    const { source, replica, look } = oneKey({ rule: { versions, deletes: 'replicate', stamp: false } });
    source.put('k', Buffer.from('one'));
    source.remove('k');
    replica.put('k', Buffer.from(shown));
    expect((await look()).outcome).toBe(shown === 'one' ? 'deleted' : 'not-ours');
  },
);

test.each(BOTH)(
  'in mode %s an object with the same bytes that somebody writes just before the delete is put back',
  async (versions) => {
    const { source, replica, look, content, told } = oneKey({ rule: { versions, deletes: 'replicate' } });
    source.put('k', Buffer.from('one'));
    await look();
    source.remove('k');
    const rewritten = once('destination.remove', 'before', async () => {
      replica.put('k', Buffer.from('one'), { tags: { by: 'them' } });
    });
    expect(await look(rewritten)).toEqual({ outcome: 'not-ours' });
    expect(content()).toBe('one');
    expect(replica.current('k')?.tags).toEqual({ by: 'them' });
    expect(told()).toEqual(['one', 'one', '†', 'one']);
  },
);

test.each(BOTH)(
  'in mode %s a replica that another worker writes just before the delete stays deleted with it',
  async (versions) => {
    const { source, replica, look, content } = oneKey({
      rule: { versions, deletes: 'replicate', stamp: false },
    });
    const parts = ['x', 'y'].map((each) => Buffer.from(each));
    source.put('k', parts);
    await look();
    source.put('k', parts);
    source.remove('k');
    // If the hidden object were put back by a copy, it would have one part and another ETag.
    await look(once('destination.remove', 'before', async () => replica.put('k', parts)));
    expect(content()).toBeUndefined();
    await look();
    expect(content()).toBeUndefined();
  },
);

test.each(BOTH)(
  'in mode %s a late event from before versioning does not delete a replica whose source version has expired',
  async (versions) => {
    const { source, look, content } = oneKey({ rule: { versions, deletes: 'replicate' } });
    source.put('k', Buffer.from('one'));
    await look();
    source.forget('k', 0);
    expect(await look(openGate, { absenceIsDeletion: true })).toEqual({ outcome: 'not-ours' });
    expect(content()).toBe('one');
  },
);

test.each(BOTH)(
  'in mode %s neither a delete nor a run deletes the replica of a rule with another source bucket',
  async (versions) => {
    const { source, replica, look, told } = oneKey({ rule: { versions, deletes: 'replicate' } });
    const theirs = { at: { bucket: 'replica', key: 'k' }, from: { bucket: 'their source', key: 'k' } };
    const metadata = stampedMetadata(source.put('k', Buffer.from('one')), theirs);
    source.remove('k');
    replica.put('k', Buffer.from('one'), { attributes: { ...NO_ATTRIBUTES, metadata } });
    expect(await look()).toEqual({ outcome: 'not-ours' });
    source.forget('k', 0);
    source.forget('k', 0);
    expect(await look(undefined, { absenceIsDeletion: true, onlyStamped: true })).toEqual({
      outcome: 'not-ours',
    });
    expect(told()).toEqual(['one']);
  },
);
