/** Reads a listing as one stream of the entries that count. Only one page is in memory. */
import type { ListedVersion, ListPage, Marker, Page } from './page.ts';
import type { EntryFilter } from './counted-entries.ts';

/** The position from which another reader can continue the same listing. */
export interface Position {
  marker: Marker;
  /** The pending entry with which the other reader's filter starts. */
  pending: ListedVersion | null;
}

export interface ListingReader {
  /**
   * Returns the position behind the entry that was taken last. If nothing of the page is left, returns the position behind the
   * page.
   */
  position(): Position;
  /** Returns the next entry of the current page without taking it, or null if nothing of the page is left. */
  peek(): ListedVersion | null;
  take(): void;
  /** Returns whether the current page is the last page of the listing. */
  isLastPage(): boolean;
  /** Moves to the next page, which may be empty. Discards the rest of the current page. */
  turn(): Promise<void>;
}

export const createListingReader = (
  listPage: ListPage<ListedVersion>,
  filter: EntryFilter,
  { prefix, after, pageSize }: { prefix: string; after: Marker; pageSize: number },
): ListingReader => {
  let page: Page<ListedVersion> = { entries: [], next: after };
  let index = 0;
  /** The entry that the filter received last, and the entry that the filter received before that one. */
  let passed: Marker = after;
  let beforePassed: Marker = after;
  let ready: readonly ListedVersion[] = [];
  let readyIndex = 0;
  let taken: Position = { marker: after, pending: filter.pending };

  const peek = (): ListedVersion | null => {
    for (;;) {
      const head = ready[readyIndex];
      if (head !== undefined) return head;
      const entry = page.entries.at(index);
      if (entry === undefined) return null;
      index += 1;
      ready = filter.pass(entry);
      readyIndex = 0;
      beforePassed = passed;
      passed = entry;
    }
  };

  return {
    peek,
    position: () => {
      const isPageDone = peek() === null;
      const { marker, pending } = isPageDone
        ? { marker: page.next ?? passed, pending: filter.pending }
        : taken;
      return { marker: { key: marker.key, versionId: marker.versionId }, pending };
    },
    take: () => {
      const head = ready[readyIndex];
      readyIndex += 1;
      // A pending entry is passed together with the entry that the filter received last. If the pending entry is taken now, the
      // entry that the filter received last is still to be taken.
      taken = { marker: head === passed ? passed : beforePassed, pending: null };
    },
    isLastPage: () => page.next === null,
    turn: async () => {
      if (page.next === null) return;
      taken = { marker: page.next, pending: filter.pending };
      page = await listPage({ prefix, after: page.next, maxKeys: pageSize });
      index = 0;
      ready = [];
      readyIndex = 0;
    },
  };
};
