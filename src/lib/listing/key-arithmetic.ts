/**
 * Turns keys into numbers, as arithmetic coding does. Equal intervals of numbers then contain about equally many keys, whatever
 * characters the keys consist of. The pages seen so far show which characters appear at the positions where keys differ. These
 * characters are called digits.
 */
import type { Entries, Keyed } from './page.ts';
import { boundaryAt, commonPrefixLength } from './key-order.ts';

export interface Digits {
  /** Counts the characters in which the keys of the page differ. */
  learn(entries: Entries<Keyed>): void;
  /** The number of different characters seen. */
  readonly size: number;
  has(character: string): boolean;
  /**
   * The position of the key, from 0 to 1, among all keys that share the template's first `depth` code units. If a character of
   * the template is not a digit, like the slashes in `2026/01/31`, all keys are assumed to have the same character there.
   */
  position(key: string, template: string, depth: number): number;
  /**
   * Returns the text that follows the template's first `depth` code units in a key at `position`. The position of the resulting
   * key is at most `tolerance` below `position`.
   */
  textAt(position: number, tolerance: number, template: string, depth: number): string;
  /**
   * Returns a sample of the digits for another worker: at most {@link SAMPLE_SIZE} characters. How often a digit is repeated in
   * the sample is proportional to its share.
   */
  sample(): string;
}

const SAMPLE_SIZE = 96;
const KEYS_PER_PAGE = 24;
const MAX_COLUMNS = 12;
/** Minimum width of an interval. Below this width a double cannot distinguish two keys. */
const MIN_WIDTH = 1e-14;

export const createDigits = (sample: string): Digits => {
  const counts = new Map<number, number>();
  for (const character of sample) add(counts, character, 1);
  let table: Table | null = null;
  const current = (): Table => (table ??= tableOf(counts));
  return {
    learn(entries) {
      table = null;
      for (const column of columnsOf(entries)) for (const character of column) add(counts, character, 1);
    },
    get size() {
      return counts.size;
    },
    has: (character) => counts.has(character.codePointAt(0) ?? 0),
    position: (key, template, depth) => positionIn(current(), key, template, depth),
    textAt: (position, tolerance, template, depth) =>
      textIn(current(), position, tolerance, template.slice(depth)),
    sample: () => sampleOf(current()),
  };
};

/**
 * Returns the characters of some keys of the page, one array for each character position behind the prefix that all keys of the
 * page share. Positions at which all of these keys have the same character are left out.
 */
const columnsOf = (entries: Entries<Keyed>): string[][] => {
  const first = entries.at(0)?.key ?? '';
  const depth = commonPrefixLength(first, entries.at(-1)?.key ?? '');
  const step = Math.max(1, entries.length / KEYS_PER_PAGE);
  const columns: string[][] = [];
  for (let index = 0; index < entries.length; index += step) {
    const key = entries.at(Math.floor(index))?.key ?? '';
    // `depth` counts code units, so the cut could fall within a surrogate pair. In that case the half pair is dropped.
    const tail = key.slice(depth, boundaryAt(key, depth + 2 * MAX_COLUMNS));
    let column = 0;
    for (const character of tail) {
      if (column === MAX_COLUMNS) break;
      (columns[column] ??= []).push(character);
      column += 1;
    }
  }
  // At the first position, the digits depend on where this page begins and ends. So each digit counts only once there.
  return columns
    .map((column, index) => (index === 0 ? [...new Set(column)] : column))
    .filter((column) => column.some((character) => character !== column[0]));
};

const add = (counts: Map<number, number>, character: string, weight: number): void => {
  const codePoint = character.codePointAt(0) ?? 0;
  counts.set(codePoint, (counts.get(codePoint) ?? 0) + weight);
};

/**
 * The code points in order, and for each code point the total share of the code points before it. `shares` has one element more
 * than `codePoints`. This last element is 1.
 */
interface Table {
  codePoints: number[];
  shares: number[];
}

const tableOf = (counts: ReadonlyMap<number, number>): Table => {
  const sorted = [...counts].sort(([one], [other]) => one - other);
  const total = sorted.reduce((sum, [, count]) => sum + count, 0);
  const shares = [0];
  let before = 0;
  for (const [, count] of sorted) shares.push((before += count) / total);
  return { codePoints: sorted.map(([codePoint]) => codePoint), shares };
};

const positionIn = ({ codePoints, shares }: Table, key: string, template: string, depth: number): number => {
  let low = 0;
  let width = 1;
  for (let index = depth; index < key.length && width > MIN_WIDTH; index += 1) {
    const codePoint = key.codePointAt(index) ?? 0;
    const fixed = fixedAt(codePoints, template, index);
    if (fixed === null) {
      const rank = lowerBound(codePoints, codePoint);
      const share = shares[rank] ?? 1;
      low += width * share;
      // A character that was never seen has no interval, so all keys that continue with it have the same position.
      if (codePoints[rank] !== codePoint) return low;
      width *= (shares[rank + 1] ?? 1) - share;
    } else if (fixed !== codePoint) return codePoint < fixed ? low : low + width;
    if (codePoint > 0xffff) index += 1;
  }
  return low;
};

/** Returns the template's character at this index if it is not a digit; otherwise null. */
const fixedAt = (codePoints: number[], template: string, index: number): number | null => {
  const codePoint = template.codePointAt(index);
  // The index may point to the second half of a surrogate pair, because the characters before it may have other lengths than
  // those of the template.
  if (codePoint === undefined || (codePoint >= 0xdc00 && codePoint < 0xe000)) return null;
  return codePoints[lowerBound(codePoints, codePoint)] === codePoint ? null : codePoint;
};

const textIn = (
  { codePoints, shares }: Table,
  position: number,
  tolerance: number,
  template: string,
): string => {
  let text = '';
  let low = 0;
  let width = 1;
  while (width > Math.max(tolerance, MIN_WIDTH)) {
    const fixed = fixedAt(codePoints, template, text.length);
    if (fixed !== null) {
      text += String.fromCodePoint(fixed);
      continue;
    }
    // The rank of the last character whose interval begins at or before the position.
    const rank = Math.max(0, Math.min(upperBound(shares, (position - low) / width), codePoints.length) - 1);
    const codePoint = codePoints[rank];
    if (codePoint === undefined || codePoints.length === 1) return text;
    const share = shares[rank] ?? 0;
    text += String.fromCodePoint(codePoint);
    low += width * share;
    width *= (shares[rank + 1] ?? 1) - share;
  }
  return text;
};

const sampleOf = ({ codePoints, shares }: Table): string => {
  const taken = codePoints.map((_, rank) =>
    Math.max(
      0,
      Math.round((shares[rank + 1] ?? 1) * SAMPLE_SIZE) - Math.round((shares[rank] ?? 0) * SAMPLE_SIZE),
    ),
  );
  return codePoints
    .map((codePoint, rank) => String.fromCodePoint(codePoint).repeat(taken[rank] ?? 0))
    .join('');
};

/** Returns how many of the sorted numbers are below `value`. */
const lowerBound = (sorted: number[], value: number): number => {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] ?? 0) < value) low = middle + 1;
    else high = middle;
  }
  return low;
};

/** Returns how many of the sorted numbers are at or below `value`. */
const upperBound = (sorted: number[], value: number): number => {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] ?? 0) <= value) low = middle + 1;
    else high = middle;
  }
  return low;
};
