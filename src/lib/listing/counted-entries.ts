/** Which entries of a listing count. Some entries are decided only by the entry that follows, so a filter may hold one back. */
import type { ListedVersion } from './page.ts';

export interface EntryFilter {
  /**
   * Takes the entries of a listing in S3's order and returns those that are now known to count: the given entry, the pending one
   * before it, or nothing. After a call that returns something, nothing is pending.
   */
  pass(entry: ListedVersion): readonly ListedVersion[];
  /** An earlier entry that is not decided yet. A filter that continues elsewhere in the listing starts with it. */
  readonly pending: ListedVersion | null;
}

export type CreateEntryFilter = (pending: ListedVersion | null) => EntryFilter;

/** Passes the entries that count by themselves, whatever follows them. */
export const passIf = (counts: (entry: ListedVersion) => boolean): EntryFilter => ({
  pass: (entry) => (counts(entry) ? [entry] : NO_ENTRIES),
  pending: null,
});

const NO_ENTRIES: readonly ListedVersion[] = [];

/**
 * Passes all versions, and the delete markers as they are replicated: consecutive markers count as one, and a marker with no version
 * under it does not count, because there is nothing to delete. The newest marker of the current row is pending.
 */
export const passMergedMarkers: CreateEntryFilter = (from) => {
  let pending: ListedVersion | null = from;
  return {
    get pending() {
      return pending;
    },
    pass(entry) {
      const above = pending?.key === entry.key ? pending : null;
      if (entry.kind === 'delete-marker') {
        pending = above ?? entry;
        return NO_ENTRIES;
      }
      pending = null;
      return above === null ? [entry] : [above, entry];
    },
  };
};
