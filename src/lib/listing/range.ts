/** A range: a slice of the key space of one run. Ranges are plain JSON, because they are kept in a table and sent in messages. */
import { isRecord } from '../model/json.ts';
import { BEGINNING, type Marker } from './page.ts';

export interface Range {
  /**
   * The start of the range: all keys of the range are behind this key; '' for the beginning. It never changes, and no other range
   * of the run ever has the same start, so it is the range's id.
   */
  from: string;
  /** The position behind everything that was listed and consumed. */
  after: Marker;
  /** The last key of the range, even if no object has this key; null: the range extends to the end of the listing. */
  upTo: string | null;
  /**
   * The number of commits so far. If a worker has an old copy of the range, its commit is refused, because the number in the copy
   * is too low.
   */
  step: number;
  /** A sample of the characters seen so far (see `key-arithmetic.ts`), for the next worker of the range. */
  digits: string;
  /** The number of pages that were expected when the range was cut off; null: unknown. */
  expectedPages: number | null;
  /**
   * State of the consumer, for the worker that continues the range. Only the consumer interprets this JSON. It is null at the
   * start.
   */
  carry: Json;
}

export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

/** Returns the only range at the start of a run. */
export const wholeRange = (): Range => ({
  from: '',
  after: BEGINNING,
  upTo: null,
  step: 0,
  digits: '',
  expectedPages: null,
  carry: null,
});

/** Returns one new range behind each of the ascending points. The last new range ends at the end of `range`. */
export const rangesBehind = (range: Range, points: readonly string[], expectedPages: number): Range[] =>
  points.map((point, index) => ({
    from: point,
    after: { key: point, versionId: null },
    upTo: points[index + 1] ?? range.upTo,
    step: 0,
    digits: range.digits,
    expectedPages,
    carry: null,
  }));

/** Parses a range from JSON. Throws if the text is not a range. In that case another version of the program wrote it. */
export const parseRange = (text: string): Range => {
  const value: unknown = JSON.parse(text);
  if (isRange(value)) return value;
  throw new Error(`not a range: ${text}`);
};

const isRange = (value: unknown): value is Range =>
  isRecord(value) &&
  typeof value['from'] === 'string' &&
  isRecord(value['after']) &&
  typeof value['after']['key'] === 'string' &&
  isTextOrNull(value['after']['versionId']) &&
  isTextOrNull(value['upTo']) &&
  typeof value['step'] === 'number' &&
  typeof value['digits'] === 'string' &&
  (typeof value['expectedPages'] === 'number' || value['expectedPages'] === null) &&
  value['carry'] !== undefined;

const isTextOrNull = (value: unknown): boolean => typeof value === 'string' || value === null;
