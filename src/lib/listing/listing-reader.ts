/** A listing as one stream of what counts in it, of which one page is held. */
import type { ListedVersion, ListPage, Marker, Page } from './page.ts';
import type { EntryFilter } from './counted-entries.ts';

/** Where another reader of the same listing goes on. */
export interface Position {
  marker: Marker;
  /** What the sieve there begins with. */
  pending: ListedVersion | null;
}

export interface ListingReader {
  /** Behind what was taken last, or behind the page where nothing of it is left. */
  position(): Position;
  /** The next one of the page at hand, without taking it; null: nothing of the page is left. */
  peek(): ListedVersion | null;
  take(): void;
  /** Is there nothing behind the page at hand? */
  isLastPage(): boolean;
  /** Gets the page behind the one at hand, which may be empty; what is left of that is lost. */
  turn(): Promise<void>;
}

export const createListingReader = (
  listPage: ListPage<ListedVersion>,
  sieve: EntryFilter,
  { prefix, after, pageSize }: { prefix: string; after: Marker; pageSize: number },
): ListingReader => {
  let page: Page<ListedVersion> = { entries: [], next: after };
  let index = 0;
  /** Passed last, and before that one. */
  let passed: Marker = after;
  let beforePassed: Marker = after;
  let ready: readonly ListedVersion[] = [];
  let readyIndex = 0;
  let taken: Position = { marker: after, pending: sieve.pending };

  const peek = (): ListedVersion | null => {
    for (;;) {
      const head = ready[readyIndex];
      if (head !== undefined) return head;
      const entry = page.entries.at(index);
      if (entry === undefined) return null;
      index += 1;
      ready = sieve.pass(entry);
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
        ? { marker: page.next ?? passed, pending: sieve.pending }
        : taken;
      return { marker: { key: marker.key, versionId: marker.versionId }, pending };
    },
    take: () => {
      const head = ready[readyIndex];
      readyIndex += 1;
      // One that was pending came through with the entry passed last, which is still to come.
      taken = { marker: head === passed ? passed : beforePassed, pending: null };
    },
    isLastPage: () => page.next === null,
    turn: async () => {
      if (page.next === null) return;
      taken = { marker: page.next, pending: sieve.pending };
      page = await listPage({ prefix, after: page.next, maxKeys: pageSize });
      index = 0;
      ready = [];
      readyIndex = 0;
    },
  };
};
