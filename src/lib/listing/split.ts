/**
 * Where to cut what is left of a range, so that the parts take about equally long.
 *
 * Nothing is assumed about keys. Those seen last say how deep keys differ there, by which characters, and how densely they
 * lie; the rest of the range is thought to be like that. Where that is wrong, the next page of a part tells, and it is cut
 * again: a wrong guess costs one request.
 */
import { MAX_KEY_BYTES } from '../model/rule.ts';
import type { Digits } from './key-arithmetic.ts';
import { boundaryAt, byteLength, commonPrefixLength, compareKeys, LAST_CODE_POINT } from './key-order.ts';

/** What is known of a range while it is worked on. */
export interface Sight {
  /** All keys of the listing begin with it. */
  prefix: string;
  /** The first key of the last page, then the last keys of the last pages, the newest at the end; empty before the first page. */
  trail: readonly string[];
  /** Is the last page all versions of one key, of which there may be more? */
  isInsideKey: boolean;
  /** Is the next page under way, so that its keys are no longer to be had? */
  isReading: boolean;
  /** Where the range began. */
  from: string;
  upTo: string | null;
  digits: Digits;
  /** Pages the range had seen so far. */
  pages: number;
  /** As many were expected in all of it when it was cut off; null: nobody knows. */
  expectedPages: number | null;
}

/** A part must be worth the request that is lost where it begins. */
const MIN_PART_PAGES = 1;
/** Digits of so many pages are thought to be one counter; what differs further ahead is looked for apart. */
const COUNTER_PAGES = 1e6;
/** Pages that differ so much in density do not belong together. */
const CHANGE = 4;
/** Nothing is known about what lies beyond the counter: enough to be worth a look. */
const BEYOND_PAGES = 4;

/** About how many pages are left behind the one that is under way. Infinity cannot be: 0 where nothing is known yet. */
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
 * At most `parts - 1` ascending keys between the last key seen and the end of the range, fewer where there is not enough left.
 * They are valid text of at most 1,024 bytes, and need not exist.
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
  /** Keys are compared as numbers from here on. */
  depth: number;
  /** Where keys that share less than `depth` with the cursor may still follow. */
  hasBeyond: boolean;
  /** The depth all that is left shares. */
  shared: number;
  /** Numbers between which the rest lies, and how much of that a page takes. */
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

/** What is left of what was expected; but what is found to go on may go on for about as long again. */
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

/** Where the digits begin that may count the next million pages, what is between them left aside. */
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
 * Over as many of the last pages as lie in the same counter; but where the last one alone is much denser or sparser than those
 * before it, something else has begun, and it alone counts.
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

/** Of so many parts, how many look for keys beyond the counter. */
const beyondCount = (parts: number): number => Math.ceil((parts - 1) / 4);

/** Ends of what shares less and less with the cursor, in steps that double. */
const beyondPoints = ({ cursor, depth, shared, hasBeyond }: View, parts: number): string[] => {
  if (!hasBeyond) return [];
  const points: string[] = [];
  let step = 1;
  for (let at = depth; at > shared && points.length < beyondCount(parts); at -= step, step *= 2)
    points.push(cursor.slice(0, boundaryAt(cursor, at)) + LAST_CODE_POINT);
  return points;
};

/** Those that lie within what is left, each once. */
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

/** Half-way by code points, where the digits say nothing. */
const middleOf = (cursor: string, upTo: string | null): string | null => {
  if (upTo === null) return null;
  const shared = commonPrefixLength(cursor, upTo);
  const low = cursor.codePointAt(shared) ?? FIRST;
  const high = upTo.codePointAt(shared) ?? FIRST;
  const middle = Math.floor((low + high) / 2);
  if (middle <= low || !isPlain(middle)) return null;
  return cursor.slice(0, shared) + String.fromCodePoint(middle);
};

/** Below it are control characters, which XML cannot hold. */
const FIRST = 0x20;

const isPlain = (codePoint: number): boolean =>
  codePoint >= FIRST &&
  !(codePoint >= 0xd800 && codePoint < 0xe000) &&
  codePoint !== 0xfffe &&
  codePoint !== 0xffff;
