/** Buckets whose content is given as histories, and the listings of these buckets. */
import { createHash } from 'node:crypto';
import { compareKeys } from '../../src/lib/listing/key-order.ts';
import type { ListedVersion, ListPage } from '../../src/lib/listing/page.ts';
import type { ReplicationError } from '../../src/lib/model/errors.ts';

export const NOW = Date.parse('2026-11-22T12:00:00Z');

/**
 * The versions of each key, newest first. Each version is given as its text, and its size is the length of
 * the text. `-` is a delete marker.
 */
export type Histories = Record<string, string[]>;

/** How many listing requests were made, and a function to call at each of them. */
export interface PageRequests {
  pages: number;
  onPage: ((pages: number) => Promise<void>) | null;
}

export const listingOf =
  (
    bucket: () => Histories,
    pageSize: number,
    requests: PageRequests,
    failure: () => ReplicationError | null,
  ): ListPage<ListedVersion> =>
  async ({ prefix, after }) => {
    const error = failure();
    if (error !== null) throw error;
    requests.pages += 1;
    await requests.onPage?.(requests.pages);
    const all = entriesOf(bucket()).filter(({ key }) => key.startsWith(prefix));
    const start = all.findIndex(({ key, versionId }) => {
      const order = compareKeys(key, after.key);
      if (order !== 0) return order > 0;
      return after.versionId !== null && Number(versionId) < Number(after.versionId);
    });
    const entries = start === -1 ? [] : all.slice(start, start + pageSize);
    const last = entries.at(-1);
    const isEnd = start === -1 || start + pageSize >= all.length;
    return {
      entries,
      next: isEnd || last === undefined ? null : { key: last.key, versionId: last.versionId },
    };
  };

/** Lists a bucket. The version ids of a key are numbers, and the oldest version has the id 1. */
export const entriesOf = (bucket: Histories): ListedVersion[] =>
  Object.keys(bucket)
    .toSorted(compareKeys)
    .flatMap((key) => {
      const versions = bucket[key] ?? [];
      return versions.map((text, index): ListedVersion => ({
        key,
        kind: text === '-' ? 'delete-marker' : 'object',
        versionId: String(versions.length - index),
        isLatest: index === 0,
        etag: text === '-' ? '' : `"${createHash('md5').update(text).digest('hex')}"`,
        sizeBytes: text === '-' ? 0 : text.length,
        lastModifiedMs: NOW - 86_400_000,
        storageClass: text === '-' ? '' : 'STANDARD',
      }));
    });

/**
 * Returns two sides. The destination lacks forty keys of the source, and has one key that the source lacks.
 */
export const fortyKeys = (): { source: Histories; replica: Histories } => ({
  source: Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`k${index}`, ['a']])),
  replica: { extra: ['x'] },
});
