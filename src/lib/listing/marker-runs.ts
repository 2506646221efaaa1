/**
 * Which delete markers of a history count. As they are replicated: those in a row are one, and one with no version under it is
 * none, since there is nothing to delete.
 */
import type { ListedVersion } from './page.ts';
import type { CreateSieve } from './counted-entries.ts';

/** Pending is the last marker, of which it is not known yet whether it counts. */
export const createMarkerRuns: CreateSieve = (from) => {
  let pending: ListedVersion | null = from;
  return {
    get pending() {
      return pending;
    },
    pass(entry) {
      const above = pending?.key === entry.key ? pending : null;
      if (entry.kind === 'delete-marker') {
        pending = above ?? entry;
        return [];
      }
      pending = null;
      return above === null ? [entry] : [above, entry];
    },
  };
};
