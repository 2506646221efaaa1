/** What an uploader chooses for an object, and what the rule leaves of it. */
import { expect, test } from 'vitest';
import { isStorageClassRight } from '../../src/lib/replica/storage-class.ts';
import { readSources } from '../../src/stack/read-sources.ts';
import { NO_ATTRIBUTES } from '../model/memory-buckets.ts';
import { oneKey } from '../model/one-key.ts';
import { testDestination, testRule } from '../model/settings.ts';

test.each([
  ['REDUCED_REDUNDANCY', 'STANDARD', 'STANDARD'],
  ['ONEZONE_IA', 'STANDARD_IA', 'STANDARD_IA'],
  ['REDUCED_REDUNDANCY', 'ONEZONE_IA', 'ONEZONE_IA'],
  ['GLACIER_IR', 'STANDARD', 'GLACIER_IR'],
  [null, 'STANDARD_IA', null],
])(
  'an uploader who chooses the class %s does not choose the durability of the replica where the minimum is %s',
  async (given, minimumStorageClass, written) => {
    const destination = testDestination({ minimumStorageClass });
    const { source, replica, look } = oneKey({ rule: { destinations: [destination] } });
    source.put('k', Buffer.from('x'), { attributes: { ...NO_ATTRIBUTES, storageClass: given } });
    await look(undefined, { destination });
    expect(replica.current('k')?.state.attributes.storageClass).toBe(written);
    expect(isStorageClassRight(destination, given)).toBe(given === written);
  },
);

const EXPIRES_SOON = { lifecycle: 'expire-tomorrow' };

test('with `tags: ignore` an uploader cannot choose the tags by which the lifecycle rules of the destination delete', async () => {
  const { source, replica, look } = oneKey({ rule: { tags: 'ignore' } });
  source.put('k', Buffer.from('x'), { tags: EXPIRES_SOON });
  await look();
  expect(replica.current('k')?.tags).toEqual({});

  // A later change of the tags and a comparison of all attributes do not change the replica's tags either.
  replica.setTags('k', 0, { kept: 'by the destination' });
  for (const concern of ['tags', 'attributes', 'content'] as const) await look(undefined, { concern });
  expect(replica.current('k')?.tags).toEqual({ kept: 'by the destination' });
});

test('with `tags: ignore` a filter by tags still decides what is replicated', async () => {
  const filter = { tags: { class: 'public' }, minimumBytes: null, maximumBytes: null };
  const { source, replica, look } = oneKey({ rule: { tags: 'ignore', filter } });
  source.put('k', Buffer.from('x'), { tags: EXPIRES_SOON });
  await look();
  expect(replica.current('k')).toBeNull();
  source.setTags('k', 0, { ...EXPIRES_SOON, class: 'public' });
  await look(undefined, { concern: 'tags' });
  expect(replica.current('k')?.tags).toEqual({});
});

test('a role that ignores tags may not read them', () => {
  const actions = (more: object): string[] =>
    readSources([testRule({ tags: 'ignore', ...more })]).flatMap(({ Action }) => Action);
  expect(actions({}).filter((action) => action.includes('Tagging'))).toEqual([]);
  const filter = { tags: { class: 'public' }, minimumBytes: null, maximumBytes: null };
  expect(actions({ filter })).toContain('s3:GetObjectTagging');
});
