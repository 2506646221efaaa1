/** Buckets of which only the listing exists. */
import { compareKeys } from '../../src/lib/listing/key-order.ts';
import type { ListedVersion, ListPage, Page } from '../../src/lib/listing/page.ts';

export const object = (key: string, given: Partial<ListedVersion> = {}): ListedVersion => ({
  key,
  kind: 'object',
  versionId: null,
  isLatest: true,
  etag: `"${key.length.toString(16).padStart(32, '0')}"`,
  sizeBytes: 1_000,
  lastModifiedMs: Date.parse('2026-01-01T00:00:00Z'),
  storageClass: 'STANDARD',
  ...given,
});

/** A fake ListObjectsV2 over `objects`, which may come in any order. It counts the requests. */
export const listingOf = (objects: readonly ListedVersion[]) => {
  const sorted = objects.toSorted((one, other) => compareKeys(one.key, other.key));
  const listing = {
    requests: 0,
    listPage: (async ({ prefix, after, maxKeys }) => {
      listing.requests += 1;
      const first = Math.max(rankOf(sorted, prefix, false), rankOf(sorted, after.key, true));
      const entries = sorted.slice(first, first + maxKeys).filter(({ key }) => key.startsWith(prefix));
      const follower = sorted[first + entries.length];
      const hasMore = entries.length > 0 && follower?.key.startsWith(prefix) === true;
      const next = hasMore ? { key: entries.at(-1)?.key ?? '', versionId: null } : null;
      return { entries, next } satisfies Page<ListedVersion>;
    }) satisfies ListPage<ListedVersion>,
  };
  return listing;
};

/** Returns how many entries come before the key. If `behind` is true, an entry with this key counts, too. */
const rankOf = (sorted: readonly ListedVersion[], key: string, behind: boolean): number => {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const order = compareKeys(sorted[middle]?.key ?? '', key);
    if (order < 0 || (behind && order === 0)) low = middle + 1;
    else high = middle;
  }
  return low;
};
