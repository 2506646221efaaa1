/** Fresh looks at many keys with one listing. What a listing does not certainly show counts as not shown. */
import { expect, test } from 'vitest';
import { createFreshLooks } from '../../src/cli/copy/fresh-looks.ts';
import type { ListedVersion, PageRequest } from '../../src/lib/listing/page.ts';
import { NO_ATTRIBUTES } from '../model/memory-buckets.ts';
import { objectState } from '../model/object-state.ts';

const NOW_MS = 100 * 60_000;
const OLD_MS = NOW_MS - 30 * 60_000;

const listed = (key: string, fields: Partial<ListedVersion> = {}): ListedVersion => ({
  key,
  kind: 'object',
  versionId: null,
  isLatest: true,
  etag: objectState().etag,
  sizeBytes: 1,
  lastModifiedMs: OLD_MS,
  storageClass: 'STANDARD',
  ...fields,
});

/** `source` is what the bucket shows, in order. Pages have as many entries as were requested. */
const looksAt = (source: ListedVersion[], fail = false) => {
  const requests: PageRequest[] = [];
  const looks = createFreshLooks({
    async listPage(request) {
      requests.push(request);
      if (fail) throw new Error('SlowDown');
      const after = source.filter(({ key }) => key > request.after.key);
      const entries = after.slice(0, request.maxKeys);
      const last = entries.at(-1);
      const isLast = entries.length === after.length || last === undefined;
      return { entries, next: isLast ? null : { key: last.key, versionId: null } };
    },
    prefix: 'in/',
    serverNow: () => NOW_MS,
    sleep: async () => undefined,
  });
  const at = (key: string, version = objectState({ lastModifiedMs: OLD_MS })) =>
    looks.stillShows(key, version);
  return { at, requests };
};

const KEYS = Array.from({ length: 40 }, (_, index) => `in/${100 + index}`);

test('many keys are looked at with one listing', async () => {
  const { at, requests } = looksAt(KEYS.map((key) => listed(key)));
  expect(await Promise.all(KEYS.toReversed().map((key) => at(key)))).toEqual(KEYS.map(() => true));
  expect(requests).toMatchObject([{ prefix: 'in/', after: { key: 'in/10/~' } }]);
});

test.each<[string, Partial<ListedVersion> | null]>([
  ['is gone', null],
  ['has other bytes', { etag: '"0"' }],
  ['has the same bytes, written again later', { lastModifiedMs: OLD_MS + 1_000 }],
  ['has another storage class', { storageClass: 'GLACIER_IR' }],
])('a key that %s is not shown', async (_what, change) => {
  const source = KEYS.flatMap((key) =>
    key === 'in/105' ? (change === null ? [] : [listed(key, change)]) : [listed(key)],
  );
  const { at } = looksAt(source);
  const shown = await Promise.all(KEYS.map((key) => at(key)));
  expect(KEYS.filter((_, index) => shown[index] === false)).toEqual(['in/105']);
});

test('a version that is not old enough is looked at alone, since two of them may have been written in one second', async () => {
  const { at, requests } = looksAt([listed('in/100', { lastModifiedMs: NOW_MS })]);
  expect(await at('in/100', objectState({ lastModifiedMs: NOW_MS - 60_000 }))).toBe(false);
  expect(requests).toEqual([]);
});

test('keys that lie far apart are looked at alone, and so are all if the listing fails', async () => {
  const many = Array.from({ length: 900 }, (_, index) => listed(`in/${100 + index}`));
  const apart = looksAt(many);
  expect(await Promise.all(['in/100', 'in/500', 'in/999'].map((key) => apart.at(key)))).toContain(false);
  expect(apart.requests).toHaveLength(1);
  const failing = looksAt(many, true);
  expect(await Promise.all(KEYS.map((key) => failing.at(key)))).toEqual(KEYS.map(() => false));
});

test('a version in another storage class is compared with its class', async () => {
  const { at } = looksAt(KEYS.map((key) => listed(key, { storageClass: 'STANDARD_IA' })));
  const version = objectState({
    lastModifiedMs: OLD_MS,
    attributes: { ...NO_ATTRIBUTES, storageClass: 'STANDARD_IA' },
  });
  expect(await Promise.all(KEYS.map((key) => at(key, version)))).toEqual(KEYS.map(() => true));
});
