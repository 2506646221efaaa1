/** The histories of keys that follow each other, from one page of the local S3. */
import { DeleteObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { testRule } from '../model/settings.ts';
import { historyIds as ids } from './history-ids.ts';
import { type LocalBuckets, startLocalBuckets } from './local-buckets.ts';

let local: LocalBuckets;
beforeAll(async () => {
  local = await startLocalBuckets();
  local.createSource('source');
});
afterAll(async () => {
  await local[Symbol.asyncDispose]();
});

const source = () => local.buckets.source(testRule());
const write = async (Key: string, bodies: (string | null)[] = ['one']): Promise<void> => {
  for (const Body of bodies)
    await (Body === null
      ? local.sourceOwner.send(new DeleteObjectCommand({ Bucket: 'source', Key }))
      : local.sourceOwner.send(new PutObjectCommand({ Bucket: 'source', Key, Body })));
};

test('a page has the whole history of each key, as the listing of that key alone has it', async () => {
  for (const key of ['n/1', 'n/2', 'n/3']) await write(key, ['1', null, '2']);
  const { histories, isWhole } = await source().neighbours({ prefix: 'n/', first: 'n/2', maxEntries: 50 });
  expect(isWhole).toBe(true);
  expect([...histories.keys()]).toEqual(['n/2', 'n/3']);
  for (const [key, entries] of histories) expect(ids(entries)).toEqual(ids(await source().history(key)));
});

test('a key whose history may continue on the next page is left out', async () => {
  for (const key of ['cut/1', 'cut/2']) await write(key, ['1', '2', '3']);
  const page = (maxEntries: number) => source().neighbours({ prefix: 'cut/', first: 'cut/1', maxEntries });
  for (const maxEntries of [3, 4, 5]) {
    const { histories, isWhole } = await page(maxEntries);
    // A page of exactly three entries shows that more entries follow, but not whether they have the same key.
    expect([...histories.keys()]).toEqual(maxEntries === 3 ? [] : ['cut/1']);
    expect(isWhole).toBe(false);
  }
  expect([...(await page(6)).histories.keys()]).toEqual(['cut/1', 'cut/2']);
});

test('a page begins at its first key, even if many keys begin with the same characters', async () => {
  const keys = ['k5', ...Array.from({ length: 8 }, (_, at) => `k5${at}`)];
  for (const key of keys) await write(key);
  for (const more of ['k50', 'k51', 'k56']) for (const at of [1, 2, 3]) await write(`${more}${at}`);
  const { histories } = await source().neighbours({ prefix: 'k', first: 'k57', maxEntries: 2 });
  expect([...histories.keys()]).toEqual(['k57']);
});

test.each([
  '!',
  'a/',
  'a b',
  'a+b%20',
  'ü',
  'x🌍',
  'line\n',
  'z'.repeat(1_024),
  `${'é'.repeat(511)}z!`,
  `y${'🌍'.repeat(255)}yyy`,
])('a page that begins at the key %j has that key', async (key) => {
  await write(key, ['1', null]);
  const { histories } = await source().neighbours({
    prefix: key.slice(0, 1).toWellFormed() === key.slice(0, 1) ? key.slice(0, 1) : '',
    first: key,
    maxEntries: 50,
  });
  expect(ids(histories.get(key) ?? [])).toEqual(ids(await source().history(key)));
});
