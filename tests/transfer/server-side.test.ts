/** Transfers whose parts S3 itself copies. */
import { expect, test } from 'vitest';
import { s3Event } from '../model/settings.ts';
import { createTransferWorld } from '../model/transfer-world.ts';
import { LARGE, expectReplicated, failing, put, sizeOf, worldWith } from './one-object.ts';

const rule = { copy: 'auto' } as const;

test.each([
  ['etag', ['AES256', 'AES256'], false],
  ['checksum', ['aws:kms', 'AES256'], true],
  ['copied-by-s3', ['aws:kms', 'AES256'], false],
  ['copied-by-s3', ['AES256', 'aws:kms'], false],
] as const)(
  'no byte of a server-side transfer passes through the function (proof %s, encryption %s, checksums: %s)',
  async (proof, encryptions, checksums) => {
    const sizes = [3, 10, 1, 7, 7, 7, 2, 9, 1];
    const world = await worldWith({ rule, readable: true, encryptions: [...encryptions], checksums }, sizes);
    await world.drain();
    expect(world.replica.current('k')?.parts.map(({ length }) => length)).toEqual(sizes);
    expect(world.calls).not.toContain('source.read');
    expect(world.calls).not.toContain('source.open');
    expect(world.moved.bytes).toBe(sizeOf(world));
    expect(world.records.at(-1)).toMatchObject({ outcome: 'replicated', proof });
  },
);

test('the parts are streamed if the role may not read the source, and S3 is rarely asked to copy', async () => {
  const world = await worldWith({ rule, readable: false });
  await world.drain();
  expectReplicated(world);
  expect(world.calls.filter((call) => call === 'destination.copyPart').length).toBeLessThan(20);
});

test('a denial during a server-side transfer makes the other parts be streamed into the same upload', async () => {
  const world = await worldWith({ rule, readable: true });
  await world.replicate();
  await world.work();
  world.gate = failing('destination.copyPart', 'access-denied');
  await world.drain();
  expectReplicated(world);
  expect(world.calls).toContain('source.read');
});

test('a denied server-side transfer needs a person with copy: server-side', async () => {
  const world = await worldWith({ rule: { copy: 'server-side' }, readable: false });
  await world.drain();
  expect(world.dead).toMatchObject([{ reason: 'access-denied' }]);
  expect(world.calls).not.toContain('source.read');
});

test('a version that is gone, for which S3 denies access, does not count as a denial', async () => {
  const world = await worldWith({ rule: { ...rule, versions: 'all' }, readable: true });
  await world.replicate();
  world.source.forget('k', 0);
  await world.drain();
  expect(world.dead).toEqual([]);
  expect(world.replica.uploads.size).toBe(0);
  put(world, LARGE, 1);
  await world.drain();
  expectReplicated(world);
  expect(world.calls).not.toContain('source.read');
});

test('a small object is copied inside S3 by one call', async () => {
  const world = createTransferWorld({ rule, readable: true, unitBytes: 1 });
  world.source.put('k', Buffer.from('one'));
  world.deliver(s3Event({ key: 'k', sequencer: '1' }));
  await world.drain();
  expectReplicated(world);
  expect(world.calls).toContain('destination.copyObject');
});
