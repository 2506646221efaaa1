/**
 * Headers and metadata that somebody changed at the destination. No event reports such a change. The change
 * is repaired only after a run has compared both sides and sent a hint.
 */
import { expect, test } from 'vitest';
import type { ObjectAttributes } from '../../src/lib/model/ports.ts';
import { stampedMetadata } from '../../src/lib/replica/stamp.ts';
import { type MemoryBucket, NO_ATTRIBUTES } from '../model/memory-buckets.ts';
import { once, oneKey } from '../model/one-key.ts';
import { testRule } from '../model/settings.ts';
import { signerOf } from '../model/test-signers.ts';
import { type ReplicatedSetting, replicatedVersion } from './replicated-version.ts';

const setAttributes = (bucket: MemoryBucket, attributes: Partial<ObjectAttributes>): void => {
  const version = bucket.current('k');
  if (version === null) throw new Error('there is no current version');
  version.state = { ...version.state, attributes: { ...version.state.attributes, ...attributes } };
};
const attributesIn = (bucket: MemoryBucket) => bucket.current('k')?.state.attributes;

const changed = async (setting: ReplicatedSetting) => {
  const world = await replicatedVersion(setting);
  const { metadata = {} } = attributesIn(world.replica) ?? {};
  setAttributes(world.replica, {
    contentType: 'text/x-changed',
    metadata: { ...metadata, by: 'somebody' },
  });
  return world;
};

test('changed headers and metadata are overwritten with versions: latest', async () => {
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

test('changed headers and metadata are repaired by no other hint', async () => {
  const { content } = await changed({ rule: { versions: 'latest' } });
  expect(await content()).toEqual({ outcome: 'unchanged', writes: [] });
});

test('changed headers and metadata stay with versions: all, where a repair would add a version to the history', async () => {
  const { repair } = await changed({ rule: { versions: 'all' } });
  expect(await repair()).toEqual({ outcome: 'unchanged', writes: [] });
});

test('a replica whose storage class alone differs is not rewritten', async () => {
  const { replica, repair } = await replicatedVersion({ rule: { versions: 'latest' } });
  setAttributes(replica, { storageClass: 'GLACIER' });
  expect(await repair()).toEqual({ outcome: 'unchanged', writes: [] });
});

test('a repair of headers does not overwrite a newer version that is written meanwhile', async () => {
  const { source, replica, repair, content } = await changed({ rule: { versions: 'latest' } });
  const newer = once('destination.put', 'before', async () => {
    source.put('k', Buffer.from('two'));
    await content();
  });
  await repair(newer);
  expect(replica.current('k')?.bytes.toString()).toBe('two');
});

test('a replica of a replica is not repaired if the rule no longer replicates replicas', async () => {
  const signer = signerOf('other');
  const world = oneKey({ rule: { versions: 'latest' } });
  const original = { ...world.source.put('k', Buffer.from('one')), versionId: 'elsewhere' };
  const route = { at: { bucket: 'source', key: 'k' }, from: { bucket: 'elsewhere', key: 'k' } };
  const metadata = stampedMetadata(original, route, { signer, hidesEtag: false });
  const attributes = { ...NO_ATTRIBUTES, metadata };
  const { versionId } = world.source.put('k', Buffer.from('one'), { attributes });
  const source = { ...testRule().source, replicators: [signer.publicKey] };
  const rule = (replicas: 'ignore' | 'replicate') => testRule({ versions: 'latest', replicas, source });
  await world.look(undefined, { rule: rule('replicate'), versionId });
  setAttributes(world.replica, { contentType: 'text/x-changed' });
  const hint = { rule: rule('ignore'), versionId, concern: 'attributes' } as const;
  expect((await world.look(undefined, hint)).outcome).toBe('replica');
  expect(attributesIn(world.replica)?.contentType).toBe('text/x-changed');
});
