/**
 * Decides which entries of a listing count. Whether an entry counts may depend on the next entry, so a filter may hold an entry
 * back.
 */
import type { ListedVersion } from './page.ts';

export interface EntryFilter {
  /**
   * Receives the entries of a listing in S3's order. Returns the entries that are now known to count: the given entry, the
   * pending entry before it, both, or none. After a call that returns an entry, no entry is pending.
   */
  pass(entry: ListedVersion): readonly ListedVersion[];
  /**
   * The entry that is held back, because the next entry decides whether it counts; null: none. A new filter that continues the
   * listing must start with this entry.
   */
  readonly pending: ListedVersion | null;
}

export type CreateEntryFilter = (pending: ListedVersion | null) => EntryFilter;

/** Passes every entry for which `counts` returns true. The entries that follow do not matter, so no entry is ever pending. */
export const passIf = (counts: (entry: ListedVersion) => boolean): EntryFilter => ({
  pass: (entry) => (counts(entry) ? [entry] : NO_ENTRIES),
  pending: null,
});

const NO_ENTRIES: readonly ListedVersion[] = [];

/**
 * Passes all versions, and those delete markers that are replicated. Several delete markers in a row count as one. A delete
 * marker does not count if the key has no older version, because there is nothing to delete. Until the row of delete markers
 * ends, its newest marker is pending.
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
