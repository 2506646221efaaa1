/**
 * Sets of keys described by a prefix and a suffix, as S3 event notifications describe them. The empty string means
 * "no condition".
 */
export interface KeyFilter {
  prefix: string;
  suffix: string;
}

/**
 * Could one key match both? This is also S3's own notion of overlapping notification filters.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-filtering.html
 */
export const filtersOverlap = (a: KeyFilter, b: KeyFilter): boolean =>
  (a.prefix.startsWith(b.prefix) || b.prefix.startsWith(a.prefix)) &&
  (a.suffix.endsWith(b.suffix) || b.suffix.endsWith(a.suffix));

/**
 * The narrowest filters that together match every key of the given filters and do not overlap each other, because S3 accepts no
 * overlap in the notification configuration of a bucket. Overlapping filters are merged into one that covers both, which may match
 * more keys than requested. Sorted, so that equal input gives equal output.
 */
export function coverWithoutOverlap(filters: KeyFilter[]): KeyFilter[] {
  const cover: KeyFilter[] = [];
  for (const filter of filters) addToCover(cover, filter);
  return cover.toSorted((a, b) => compare(a.prefix, b.prefix) || compare(a.suffix, b.suffix));
}

function addToCover(cover: KeyFilter[], filter: KeyFilter): void {
  let joined = filter;
  let index = cover.findIndex((other) => filtersOverlap(other, joined));
  while (index !== -1) {
    const [other] = cover.splice(index, 1);
    if (other) joined = join(other, joined);
    // The merged filter may now overlap filters that did not overlap before.
    index = cover.findIndex((candidate) => filtersOverlap(candidate, joined));
  }
  cover.push(joined);
}

/** If two filters overlap, one prefix begins the other and one suffix ends the other: the shorter ones match both. */
const join = (a: KeyFilter, b: KeyFilter): KeyFilter => ({
  prefix: a.prefix.length <= b.prefix.length ? a.prefix : b.prefix,
  suffix: a.suffix.length <= b.suffix.length ? a.suffix : b.suffix,
});

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
