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
 * The narrowest filters that together match every key the given ones match and of which no two overlap: what S3
 * accepts as the notification configuration of one bucket. Overlapping filters melt into one that covers both, which
 * may match more keys than were asked for. Sorted, so that equal input gives equal output.
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
    // What grew may now touch filters that stood apart before.
    index = cover.findIndex((candidate) => filtersOverlap(candidate, joined));
  }
  cover.push(joined);
}

/** Of two overlapping filters one prefix begins the other, and one suffix ends the other: the shorter ones match both. */
const join = (a: KeyFilter, b: KeyFilter): KeyFilter => ({
  prefix: a.prefix.length <= b.prefix.length ? a.prefix : b.prefix,
  suffix: a.suffix.length <= b.suffix.length ? a.suffix : b.suffix,
});

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
