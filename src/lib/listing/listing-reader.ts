/** A listing as one stream of versions, of which one page is held. */
import type { Keyed, ListPage, Marker, Page } from './page.ts';

/** What the reader needs to know where it is. */
interface Versioned extends Keyed {
  versionId: string | null;
}

export interface ListingReader<E extends Versioned> {
  /** Behind what was taken last. */
  readonly position: Marker;
  /** The next version without taking it; null at the end. Asks for a page only where none is at hand, so mostly it need not be awaited. */
  peek(): E | null | Promise<E | null>;
  take(): void;
}

export const createListingReader = <E extends Versioned>(
  listPage: ListPage<E>,
  { prefix, after, pageSize }: { prefix: string; after: Marker; pageSize: number },
): ListingReader<E> => {
  let page: Page<E> = { entries: [], next: after };
  let index = 0;
  let position = after;
  const turn = async (): Promise<E | null> => {
    while (index >= page.entries.length && page.next !== null) {
      page = await listPage({ prefix, after: page.next, maxKeys: pageSize });
      index = 0;
    }
    return page.entries.at(index) ?? null;
  };
  return {
    peek: () => (index < page.entries.length ? (page.entries.at(index) ?? null) : turn()),
    get position() {
      return position;
    },
    take: () => {
      const taken = page.entries.at(index);
      if (taken !== undefined) position = { key: taken.key, versionId: taken.versionId };
      index += 1;
    },
  };
};
