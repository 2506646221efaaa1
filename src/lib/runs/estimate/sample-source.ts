/**
 * Estimates the contents of a bucket without listing all of it. A small bucket is listed completely. A part of a larger bucket is
 * listed, and the rest is sampled by random walks ("Estimating the Efficiency of Backtrack Programs", Knuth 1975). A walk cuts a
 * range as a backfill does and draws one of its n parts. If all parts have the same chance, the contents of the drawn part count
 * n times. The result is right on average, however badly the range was cut. The differences between the walks show how large the
 * error may be.
 */
import { createDigits } from '../../listing/key-arithmetic.ts';
import { compareKeys, LAST_CODE_POINT } from '../../listing/key-order.ts';
import { createMemoryLedger } from '../../listing/ledger.ts';
import type { ListedVersion, ListPage, Marker } from '../../listing/page.ts';
import { type Range, wholeRange } from '../../listing/range.ts';
import { runLocally } from '../../listing/run-locally.ts';
import { remainingPages, splitPoints } from '../../listing/split.ts';
import { addWork, NO_WORK, type Workload } from './workload.ts';

export interface SurveyOptions {
  listPage: ListPage<ListedVersion>;
  /** S3's Prefix. */
  prefix: string;
  /** Creates a counter for the pages of one range. The counter receives the pages in order. */
  createCounter(): (entries: Iterable<ListedVersion>) => Workload;
  /** Maximum number of concurrent listing requests. */
  workers: number;
  /** Approximate maximum number of pages to list; Infinity: all. */
  mostPages: number;
  /** Returns numbers in [0, 1). */
  random(): number;
  now(): number;
  /** Aborting this signal ends the sampling of the source soon afterwards. */
  signal: AbortSignal;
  onPages?(pages: number): void;
}

export interface Survey {
  work: Workload;
  basis: 'listing' | 'sample';
  /** The share by which the true numbers may differ, as in `RunEstimate`. */
  errorShare: number | null;
}

/** How many walks are made first, to measure how long walks are. */
const PILOT_WALKS = 16;
/**
 * Maximum number of listed pages, as a multiple of `mostPages`. When this number is reached, all walks that have not ended are
 * given up.
 */
const PAGES_UNTIL_HOPELESS = 4;
/** Maximum number of parts into which a walk cuts a range at once. */
const PARTS = 16;
/** Minimum size of a part, in pages. Smaller parts would save a few requests, but they would increase the error too much. */
const PART_PAGES = 3;

/** Estimates the contents of the source from a sample. Resolves to null if aborted. Throws the errors of `listPage`. */
export const surveySource = async (options: SurveyOptions): Promise<Survey | null> => {
  const { mostPages, signal, onPages } = options;
  let pages = 0;
  const listPage: ListPage<ListedVersion> = async (request) => {
    pages += 1;
    onPages?.(pages);
    return await options.listPage(request);
  };
  const counting = { ...options, listPage };
  const listed = await listSome(counting, () => signal.aborted || pages >= mostPages / 2);
  if (signal.aborted) return null;
  if (listed.open.length === 0) return { work: listed.work, basis: 'listing', errorShare: 0 };

  const expected = listed.open.map(({ expectedPages }) => Math.max(1, expectedPages ?? 1));
  const walkOnce = (): Promise<Workload | null> => {
    const { index, chance } = drawOf(expected, options.random);
    return walk(listed.open[index] ?? wholeRange(), 1 / chance, counting, isHopeless);
  };
  const isHopeless = (): boolean => signal.aborted || pages >= mostPages * PAGES_UNTIL_HOPELESS;
  const walks: (Workload | null)[] = [];
  const walkOn = async (count: number): Promise<void> => {
    for (let begun = 0; begun < count; begun += options.workers) {
      const atOnce = Math.min(options.workers, count - begun);
      const ended = Array.from({ length: atOnce }, walkOnce);
      walks.push(...(await Promise.all(ended)));
    }
  };
  const before = pages;
  await walkOn(PILOT_WALKS);
  // The number of walks is fixed in advance. Stopping as soon as enough pages were listed would favour short walks.
  const perWalk = Math.max(1, (pages - before) / PILOT_WALKS);
  await walkOn(Math.max(0, Math.floor((mostPages - pages) / perWalk)));
  return signal.aborted ? null : scaleUp(listed.work, walks);
};

/** Lists from the beginning with all workers until `isEnough` returns true. */
const listSome = async (
  { listPage, prefix, createCounter, workers, now }: SurveyOptions,
  isEnough: () => boolean,
): Promise<{ work: Workload; open: Range[] }> => {
  const ledger = createMemoryLedger([wholeRange()]);
  let work = NO_WORK;
  const run = runLocally<ListedVersion>({
    ranges: ledger.open(),
    workers,
    limits: { prefix },
    ports: {
      listPage,
      ledger,
      now,
      consumerOf: () => {
        const count = createCounter();
        return async ({ entries }) => {
          work = addWork(work, count(entries));
          if (isEnough()) run.stop();
          return null;
        };
      },
    },
  });
  const hasEnded = await run.finished;
  return { work, open: hasEnded ? [] : ledger.open() };
};

/**
 * Draws an index with a chance proportional to the expected pages. The caller weights the contents of the drawn part with 1 /
 * `chance`.
 */
const drawOf = (expected: readonly number[], random: () => number): { index: number; chance: number } => {
  const total = expected.reduce((sum, pages) => sum + pages, 0);
  let left = random() * total;
  const found = expected.findIndex((pages) => (left -= pages) < 0);
  const index = found === -1 ? expected.length - 1 : found;
  return { index, chance: (expected[index] ?? total) / total };
};

/**
 * Returns the expected number of pages of each part: of the part before the first point, and of the part behind each point. A
 * part about which nothing is known is expected to have few pages.
 */
const expectedIn = (points: readonly string[], pages: number): number[] => {
  const isGuess = points.map((point) => point.endsWith(LAST_CODE_POINT));
  const guesses = isGuess.filter(Boolean).length;
  const known = Math.max(1, pages - guesses * GUESS_PAGES) / (points.length + 1 - guesses);
  return [known, ...isGuess.map((each) => (each ? Math.min(known, GUESS_PAGES) : known))];
};

const GUESS_PAGES = 1;

/**
 * Makes one walk. The result is weighted so that the mean of many walks is the true amount. Resolves to null if the walk was
 * given up.
 */
const walk = async (
  range: Range,
  drawn: number,
  { listPage, prefix, createCounter, random }: SurveyOptions,
  isHopeless: () => boolean,
): Promise<Workload | null> => {
  const digits = createDigits(range.digits);
  let { from, upTo, expectedPages } = range;
  let cursor = range.after;
  let count = createCounter();
  let weight = drawn;
  let found = NO_WORK;
  let trail: string[] = [];
  let pages = 0;
  for (;;) {
    if (isHopeless()) return null;
    const { entries, next } = await listPage({ prefix, after: cursor, maxKeys: 1_000 });
    const inside = [...entries].filter(({ key }) => upTo === null || compareKeys(key, upTo) <= 0);
    found = addWork(found, count(inside), weight);
    if (next === null || inside.length < entries.length || isPastEnd(next, upTo)) return found;
    cursor = next;
    const [first, last] = [inside.at(0)?.key, inside.at(-1)?.key];
    if (first === undefined || last === undefined) continue;
    digits.learn(inside);
    pages += 1;
    trail = trail.length === 0 ? [first, last] : [...trail, last];
    const isInsideKey = cursor.versionId !== null && first === cursor.key;
    const sight = { prefix, trail, isInsideKey, isReading: false, from, upTo, digits, pages, expectedPages };
    const left = remainingPages(sight);
    const points =
      left < 2 * PART_PAGES ? [] : splitPoints(sight, Math.min(PARTS, Math.ceil(left / PART_PAGES)));
    if (points.length === 0) continue;
    const parts = expectedIn(points, left);
    const part = drawOf(parts, random);
    weight /= part.chance;
    const begin = points[part.index - 1];
    upTo = points[part.index] ?? upTo;
    if (begin === undefined) continue;
    from = begin;
    cursor = { key: begin, versionId: null };
    expectedPages = parts[part.index] ?? null;
    count = createCounter();
    trail = [];
    pages = 0;
  }
};

const isPastEnd = ({ key, versionId }: Marker, upTo: string | null): boolean => {
  const order = upTo === null ? -1 : compareKeys(key, upTo);
  return order > 0 || (order === 0 && versionId === null);
};

/**
 * How many standard errors are reported. A few walks find much, but most walks find little. The usual two standard errors suit a
 * normal distribution, so they would be too optimistic here.
 */
const STANDARD_ERRORS = 3;

const scaleUp = (listed: Workload, walks: readonly (Workload | null)[]): Survey => {
  const ended = walks.filter((found) => found !== null);
  const mean = ended.reduce((sum, found) => addWork(sum, found, 1 / ended.length), NO_WORK);
  const work = addWork(listed, mean);
  const errorOf = (name: 'keys' | 'bytes'): number => {
    const variance =
      ended.reduce((sum, found) => sum + (found[name] - mean[name]) ** 2, 0) / (ended.length - 1);
    return work[name] > 0 ? (STANDARD_ERRORS * Math.sqrt(variance / ended.length)) / work[name] : 0;
  };
  const isKnown = ended.length === walks.length && ended.length > 1;
  return { work, basis: 'sample', errorShare: isKnown ? Math.max(errorOf('keys'), errorOf('bytes')) : null };
};
