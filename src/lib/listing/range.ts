/** A slice of the key space of one run: plain JSON, to be kept in a table or sent in a message. */
import { isRecord } from '../model/json.ts';
import { BEGINNING, type Marker } from './page.ts';

export interface Range {
  /**
   * Where it began: all its keys are behind this one; '' for the beginning. Never changes, and no other range of the run ever
   * begins there: it is the range's id.
   */
  from: string;
  /** The last version that was listed and consumed. */
  after: Marker;
  /** The last key that belongs to it, which need not exist; null: to the end. */
  upTo: string | null;
  /** How often it was committed: fences off who works on an old copy. */
  step: number;
  /** Characters seen so far (see `digits.ts`), so that whoever takes it over need not begin knowing nothing. */
  digits: string;
  /** Pages that were expected in it where it began; null: nobody knows. */
  expectedPages: number | null;
  /** What the consumer wants to find again if somebody else goes on: plain JSON, opaque here. Null where it begins. */
  carry: Json;
}

export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

/** The one range every run begins with. */
export const wholeRange = (): Range => ({
  from: '',
  after: BEGINNING,
  upTo: null,
  step: 0,
  digits: '',
  expectedPages: null,
  carry: null,
});

/** The ranges behind each of the ascending points, the last one up to where `range` went. */
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

/** Reads what was kept or sent as JSON. Throws where it is no range: this was written by another version of the program. */
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
