/**
 * Chooses the keys at which the rest of a range is cut, so that the parts take about equally long.
 *
 * No assumption about keys is built in. The keys seen last show at which depth keys differ, by which characters, and how densely
 * keys lie. The rest of the range is assumed to be similar. If this assumption is wrong, the next page of a part shows the error,
 * and the part is cut again. So a wrong assumption costs one request.
 */
import { MAX_KEY_BYTES } from '../model/rule.ts';
import type { Digits } from './key-arithmetic.ts';
import { boundaryAt, byteLength, commonPrefixLength, compareKeys, LAST_CODE_POINT } from './key-order.ts';

/** The facts about the range that is being worked on. */
export interface Sight {
  /** The prefix of the listing. */
  prefix: string;
  /**
   * Some of the keys seen, the newest at the end: the first key of the first page, then the last key of each page. Only the
   * newest ones may be kept. Empty before the first page.
   */
  trail: readonly string[];
  /** Whether the last page holds only versions of one key, so that more versions of this key may follow. */
  isInsideKey: boolean;
  /** Whether the next page is being listed, so that its keys can no longer be cut off. */
  isReading: boolean;
  /** The start of the range: all keys of the range are behind this key. */
  from: string;
  upTo: string | null;
  digits: Digits;
  /** The number of pages read so far. */
  pages: number;
  /** The number of pages that the whole range was expected to have when it was cut off; null: unknown. */
  expectedPages: number | null;
}

/** Minimum size of a part. The first request of a part is extra work, so a part must be worth it. */
const MIN_PART_PAGES = 1;
/**
 * How many pages a counter must be able to count. The counter is the part of a key behind `View.depth`. Keys that already differ
 * before the counter are searched separately.
 */
const COUNTER_PAGES = 1e6;
/** The factor by which the density of a page must differ from the mean to show that another kind of keys has begun. */
const CHANGE = 4;
/**
 * How many pages are assumed to hold the keys beyond the counter. Nothing is known about these keys. The number is large enough
 * to make a search for them worthwhile.
 */
const BEYOND_PAGES = 4;

/** Returns the estimated number of pages behind the page that is being listed. Never Infinity; 0 before the first page. */
export const remainingPages = (sight: Sight): number => {
  const view = viewOf(sight);
  if (view === null) return 0;
  if (sight.isInsideKey)
    return sight.upTo === null || compareKeys(view.cursor, sight.upTo) < 0
      ? Math.max(view.insidePages, BEYOND_PAGES)
      : 0;
  return view.insidePages + (view.hasBeyond ? BEYOND_PAGES : 0);
};

/**
 * Returns at most `parts - 1` ascending keys between the last key seen and the end of the range. Returns fewer keys if not enough
 * pages are left. The keys are valid text of at most 1,024 bytes; objects with these keys need not exist.
 */
export const splitPoints = (sight: Sight, parts: number): string[] => {
  const view = viewOf(sight);
  if (view === null || parts < 2) return [];
  const wanted = sight.isInsideKey
    ? [view.cursor]
    : [...insidePoints(sight, view, parts), ...beyondPoints(view, parts)];
  const points = ascendingWithin(sight, view, wanted).slice(0, parts - 1);
  if (points.length > 0 || view.insidePages < MIN_PART_PAGES) return points;
  const middle = middleOf(view.cursor, sight.upTo);
  return middle === null ? [] : ascendingWithin(sight, view, [middle]);
};

interface View {
  cursor: string;
  /** The depth from which keys are compared as numbers. The part of a key behind this depth is called the counter. */
  depth: number;
  /** Whether some of the following keys may share fewer than `depth` code units with the cursor. */
  hasBeyond: boolean;
  /** The number of code units that all remaining keys share. */
  shared: number;
  /**
   * `start` and `end` are the numbers between which the rest of the range lies. `pageWidth` is how much of this interval one page
   * covers.
   */
  start: number;
  end: number;
  pageWidth: number;
  insidePages: number;
}

const viewOf = (sight: Sight): View | null => {
  const { trail, upTo, prefix, digits } = sight;
  const cursor = trail.at(-1);
  const first = trail.at(-2);
  if (cursor === undefined || first === undefined) return null;
  const shared = upTo === null ? prefix.length : Math.max(prefix.length, commonPrefixLength(cursor, upTo));
  const depth = Math.max(shared, counterStart(cursor, commonPrefixLength(first, cursor), digits));
  const hasBeyond = depth > shared;
  const position = digits.position(cursor, cursor, depth);
  const end = hasBeyond || upTo === null ? 1 : digits.position(upTo, cursor, depth);
  const pageWidth = pageWidthOf(sight, cursor, depth, position);
  const start = position + (sight.isReading ? pageWidth : 0);
  const likePages = pageWidth > 0 ? Math.max(0, (end - start) / pageWidth) : 0;
  const insidePages = Math.min(likePages, plausiblePages(sight, cursor, depth, end - start));
  return { cursor, depth, hasBeyond, shared, start, end, pageWidth, insidePages };
};

/**
 * Returns the maximum number of pages that is plausible for the rest of the range: the rest's share of the expected pages. A
 * range that turns out to be longer than expected may continue for about as many pages as it already had.
 */
const plausiblePages = (
  { from, upTo, digits, pages, expectedPages }: Sight,
  cursor: string,
  depth: number,
  width: number,
): number => {
  if (expectedPages === null) return Infinity;
  const whole =
    (upTo === null ? 1 : digits.position(upTo, cursor, depth)) - digits.position(from, cursor, depth);
  return Math.max(pages, whole > 0 ? (expectedPages * width) / whole : 0);
};

/**
 * Returns the index in the cursor from which the digits can count a million pages. Characters that are not digits are skipped.
 */
const counterStart = (cursor: string, varies: number, digits: Digits): number => {
  let pages = 1;
  let start = varies;
  for (let at = varies; at > 0 && pages < COUNTER_PAGES;) {
    at = boundaryAt(cursor, at - 1);
    if (!digits.has(cursor.slice(at, at + 2))) continue;
    pages *= Math.max(2, digits.size);
    start = at;
  }
  return start;
};

/**
 * Returns the mean width of the last pages that lie in the same counter. If the last page alone is much denser or sparser than
 * the mean, another kind of keys has begun, so only the last page counts.
 */
const pageWidthOf = ({ trail, digits }: Sight, cursor: string, depth: number, position: number): number => {
  let oldest = trail.length - 2;
  while (oldest > 0 && commonPrefixLength(trail[oldest - 1] ?? '', cursor) >= depth) oldest -= 1;
  const widthFrom = (index: number): number =>
    (position - digits.position(trail[index] ?? '', cursor, depth)) / (trail.length - 1 - index);
  const last = widthFrom(trail.length - 2);
  const mean = widthFrom(oldest);
  return last > 0 && (last < mean / CHANGE || last > mean * CHANGE) ? last : mean;
};

const insidePoints = ({ digits }: Sight, view: View, parts: number): string[] => {
  const { cursor, depth, start, end, insidePages } = view;
  const beyond = view.hasBeyond ? beyondCount(parts) : 0;
  const count = Math.min(parts - beyond, Math.floor(insidePages / MIN_PART_PAGES));
  const width = (end - start) / count;
  const head = cursor.slice(0, depth);
  return Array.from(
    { length: Math.max(0, count - 1) },
    (_, index) => head + digits.textAt(start + (index + 1) * width, width / 64, cursor, depth),
  );
};

/** Returns the number of parts that search for keys beyond the counter. */
const beyondCount = (parts: number): number => Math.ceil((parts - 1) / 4);

/**
 * Returns the ends of regions. All keys of a region share a prefix with the cursor, and this prefix is shorter for each further
 * region: by one code unit, then by two, then by four and so on.
 */
const beyondPoints = ({ cursor, depth, shared, hasBeyond }: View, parts: number): string[] => {
  if (!hasBeyond) return [];
  const points: string[] = [];
  let step = 1;
  for (let at = depth; at > shared && points.length < beyondCount(parts); at -= step, step *= 2)
    points.push(cursor.slice(0, boundaryAt(cursor, at)) + LAST_CODE_POINT);
  return points;
};

/** Returns the points that lie within the rest of the range, sorted and without duplicates. */
const ascendingWithin = ({ upTo }: Sight, { cursor }: View, points: string[]): string[] =>
  points
    .filter(
      (point) =>
        compareKeys(point, cursor) >= 0 &&
        (upTo === null || compareKeys(point, upTo) < 0) &&
        byteLength(point) <= MAX_KEY_BYTES,
    )
    .sort(compareKeys)
    .filter((point, index, sorted) => point !== sorted[index - 1]);

/** Returns the text in the middle between both keys, by code points. It is used if the digits give no points. */
const middleOf = (cursor: string, upTo: string | null): string | null => {
  if (upTo === null) return null;
  const shared = commonPrefixLength(cursor, upTo);
  const low = cursor.codePointAt(shared) ?? FIRST;
  const high = upTo.codePointAt(shared) ?? FIRST;
  const middle = Math.floor((low + high) / 2);
  if (middle <= low || !isPlain(middle)) return null;
  return cursor.slice(0, shared) + String.fromCodePoint(middle);
};

/**
 * The first code point that split points use. All code points below it are control characters, and XML cannot represent most of
 * these.
 */
const FIRST = 0x20;

const isPlain = (codePoint: number): boolean =>
  codePoint >= FIRST &&
  !(codePoint >= 0xd800 && codePoint < 0xe000) &&
  codePoint !== 0xfffe &&
  codePoint !== 0xffff;
