/** A set of keys described by a prefix and a suffix, as in S3 event notifications. An empty string means "no condition". */
export interface KeyFilter {
  prefix: string;
  suffix: string;
}

/**
 * Returns whether one key could match both filters. S3 defines overlapping notification filters in the same way.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-filtering.html
 */
export const filtersOverlap = (a: KeyFilter, b: KeyFilter): boolean =>
  (a.prefix.startsWith(b.prefix) || b.prefix.startsWith(a.prefix)) &&
  (a.suffix.endsWith(b.suffix) || b.suffix.endsWith(a.suffix));

/**
 * Returns the narrowest filters that together match every key of the given filters and do not overlap each other. S3 accepts no
 * overlap in the notification configuration of a bucket. Overlapping filters are merged into one that covers both, so the result
 * may match more keys than requested. The result is sorted, so that equal input gives equal output.
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
    // The merged filter may overlap filters that did not overlap before.
    index = cover.findIndex((candidate) => filtersOverlap(candidate, joined));
  }
  cover.push(joined);
}

/**
 * Merges two filters that overlap. One prefix begins with the other and one suffix ends with the other, so the shorter prefix and
 * the shorter suffix together match the keys of both filters.
 */
const join = (a: KeyFilter, b: KeyFilter): KeyFilter => ({
  prefix: a.prefix.length <= b.prefix.length ? a.prefix : b.prefix,
  suffix: a.suffix.length <= b.suffix.length ? a.suffix : b.suffix,
});

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
