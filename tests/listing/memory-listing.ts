/** A bucket in memory that can only be listed. Its pages are those of ListObjectsV2 or ListObjectVersions. */
import { compareKeys } from '../../src/lib/listing/key-order.ts';
import type { ListedVersion, ListPage, Marker, Page } from '../../src/lib/listing/page.ts';

export interface MemoryListing {
  /** All entries in S3's order. */
  readonly versions: readonly ListedVersion[];
  listPage: ListPage<ListedVersion>;
  requests: number;
}

export interface MemoryListingOptions {
  /** The versions. Those of the same key are in the order from the newest to the oldest. */
  versions: readonly ListedVersion[];
  mode: 'objects' | 'versions';
  /**
   * Returns the length of a page, which may be less than the requested length, and even zero. By default a
   * page has the requested length.
   */
  pageLength?: (asked: number) => number;
}

export const createMemoryListing = ({
  versions: given,
  mode,
  pageLength = (asked) => asked,
}: MemoryListingOptions): MemoryListing => {
  // Sorting is stable, so the versions of a key keep their order.
  const versions = given
    .filter(({ kind, isLatest }) => mode === 'versions' || (isLatest && kind === 'object'))
    .map((version) => (mode === 'versions' ? version : { ...version, versionId: null }))
    .toSorted((one, other) => Buffer.compare(Buffer.from(one.key), Buffer.from(other.key)));
  const listing: MemoryListing = {
    versions,
    requests: 0,
    listPage: async ({ prefix, after, maxKeys }): Promise<Page<ListedVersion>> => {
      listing.requests += 1;
      checkMarker(after.key);
      if (mode === 'objects' && after.versionId !== null) throw new Error('StartAfter has no version');
      const start = startOf(versions, after);
      const asked = Math.min(maxKeys, pageLength(maxKeys));
      // All keys with the same prefix lie next to each other, so the search ends at the first one.
      let first = start;
      while (first < versions.length && compareKeys(versions[first]?.key ?? '', prefix) < 0) first += 1;
      const inside = versions
        .slice(first, first + Math.max(asked, 1) + 1)
        .filter(({ key }) => key.startsWith(prefix));
      const entries = inside.slice(0, asked);
      if (entries.length === inside.length) return { entries, next: null };
      const last = entries.at(-1);
      // In S3, even an empty page has a marker that lies further on. This model has no such marker, so it
      // returns one entry instead of an empty page.
      if (last === undefined) return { entries: inside.slice(0, 1), next: markerOf(inside[0], mode) };
      return { entries, next: markerOf(last, mode) };
    },
  };
  return listing;
};

const markerOf = (version: ListedVersion | undefined, mode: 'objects' | 'versions') => ({
  key: version?.key ?? '',
  versionId: mode === 'versions' ? (version?.versionId ?? null) : null,
});

const startOf = (versions: readonly ListedVersion[], marker: Marker): number => {
  let low = 0;
  let high = versions.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const order = compareKeys(versions[middle]?.key ?? '', marker.key);
    if (order < 0 || (order === 0 && marker.versionId === null)) low = middle + 1;
    else high = middle;
  }
  if (marker.versionId === null) return low;
  while (versions[low]?.key === marker.key) {
    low += 1;
    if (versions[low - 1]?.versionId === marker.versionId) return low;
  }
  throw new Error('a version id marker of no version of its key');
};

/** Throws if S3 would not accept the key as a marker. */
const checkMarker = (key: string): void => {
  if (!key.isWellFormed()) throw new Error(`no valid text: ${JSON.stringify(key)}`);
  if (Buffer.byteLength(key) > 1_024) throw new Error('KeyTooLongError');
};
