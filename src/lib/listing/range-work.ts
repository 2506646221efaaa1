/**
 * Works on one range page by page: consumes each page and then commits the progress. Meanwhile parts of the rest of the range may
 * be cut off.
 */
import { createDigits, type Digits } from './key-arithmetic.ts';
import type { Committed, Ledger } from './ledger.ts';
import type { Entries, Keyed, ListPage, Marker, Page } from './page.ts';
import { commitNext, commitsOf, type RangeCommits, settledRange } from './range-commits.ts';
import { type Json, type Range, rangesBehind } from './range.ts';
import { remainingPages, type Sight, splitPoints } from './split.ts';
import { type Checkpoint, type Consume, cutToRange, type CutStretch } from './stretch.ts';

export interface RangePorts<E extends Keyed> {
  /** Retries failed requests itself if a retry may help (see `patient-listing.ts`). */
  listPage: ListPage<E>;
  /** Called once for each range, before the work on the range begins. */
  consumerOf(range: Range): Consume<E>;
  ledger: Ledger;
  /** Milliseconds since the epoch. */
  now(): number;
}

export interface RangeLimits {
  /** S3's Prefix. '' for none. */
  prefix: string;
  /** Default 1,000, which is S3's maximum. */
  pageSize?: number;
  /** Milliseconds since the epoch. After this time no work may be under way. Default: never. */
  deadlineMs?: number;
}

/**
 * - `finished`: the range is done.
 * - `ended`: the range is done, and it was the last open range of the run.
 * - `handed-back`: the work ended early. Another worker can continue with `rest`.
 * - `superseded`: another worker has taken over the range.
 */
export type RangeEnd =
  { kind: 'finished' } | { kind: 'ended' } | { kind: 'handed-back'; rest: Range } | { kind: 'superseded' };

export interface RangeWork {
  /**
   * Works until the range is done, the time is over, another worker has taken over the range, or `stop` was called. Throws what
   * its ports throw.
   */
  run(): Promise<RangeEnd>;
  /** Approximate number of pages that are left and not begun; 0 before the first page. */
  remainingPages(): number;
  /**
   * Cuts the rest of the range into at most `parts` parts. Keeps the first part, commits the others as new ranges and then
   * returns them. Returns an empty array if a split is not worth it, or if the commit was superseded. May be called at any time
   * while `run` is under way.
   */
  split(parts: number): Promise<Range[]>;
  /** Makes `run` hand back the rest of the range as soon as the step under way has ended. */
  stop(): void;
}

/** Maximum number of keys in a page. It is S3's maximum. */
export const MAX_PAGE_KEYS = 1_000;
/** How many of the last pages are used to estimate how densely keys lie. */
const TRAIL = 5;
/**
 * How often the characters of keys are learned: from each of the first eight pages, and then from every eighth page. Later pages
 * mostly resemble the first ones.
 */
const LEARN_EVERY = 8;

/** The checkpoint throws this error to end the work. The consumer does not catch it. */
class EndsHere extends Error {}

interface WorkState {
  /** The range at the start of this work. */
  readonly range: Range;
  readonly limits: Required<RangeLimits>;
  readonly now: () => number;
  readonly commits: RangeCommits;
  readonly digits: Digits;
  /** The keys seen last: see {@link Sight}. */
  trail: string[];
  pages: number;
  /** The start of the next page. It is ahead of the committed range while a page is being consumed. */
  cursor: Marker;
  upTo: string | null;
  /** Whether a page is being listed. */
  isReading: boolean;
  isStopped: boolean;
  /** Whether the last page was read. */
  isOver: boolean;
  stepBeganMs: number;
  longestStepMs: number;
  /** The last estimate of the remaining pages, which is kept because it is expensive; null: the state has changed since. */
  remaining: number | null;
}

export const createRangeWork = <E extends Keyed>(
  range: Range,
  ports: RangePorts<E>,
  { prefix, pageSize = MAX_PAGE_KEYS, deadlineMs = Infinity }: RangeLimits,
): RangeWork => {
  const consume = ports.consumerOf(range);
  const state: WorkState = {
    range,
    limits: { prefix, pageSize, deadlineMs },
    now: () => ports.now(),
    commits: commitsOf(range, ports.ledger),
    digits: createDigits(range.digits),
    trail: [],
    pages: 0,
    cursor: range.after,
    upTo: range.upTo,
    isReading: false,
    isStopped: false,
    isOver: false,
    stepBeganMs: 0,
    longestStepMs: 0,
    remaining: null,
  };
  return {
    run: () => runRange(state, ports.listPage, consume),
    split: (parts) => splitRest(state, parts),
    remainingPages: () => (isEnding(state) ? 0 : (state.remaining ??= remainingPages(sightOf(state)))),
    stop: () => {
      state.isStopped = true;
    },
  };
};

const runRange = async <E extends Keyed>(
  state: WorkState,
  listPage: ListPage<E>,
  consume: Consume<E>,
): Promise<RangeEnd> => {
  const { commits } = state;
  const checkpoint = checkpointOf(state);
  let { carry } = state.range;
  let listing = mustStop(state) ? null : list(state, listPage);
  for (;;) {
    if (listing === null) return { kind: 'handed-back', rest: await settledRange(commits) };
    state.stepBeganMs = state.now();
    const page: Page<E> = await listing;
    state.isReading = false;
    state.remaining = null;
    if (commits.isSuperseded) return { kind: 'superseded' };
    const stretch = cutToRange(page, { after: state.cursor, upTo: state.upTo, carry });
    state.isOver = stretch.isLast;
    if (!state.isOver) advanceTo(state, page.next);
    learn(state, stretch.entries);
    // The next page is listed while this one is consumed.
    listing = state.isOver || mustStop(state) ? null : list(state, listPage);
    listing?.catch(() => undefined);
    try {
      carry = await consume(stretch, checkpoint);
    } catch (error) {
      if (!(error instanceof EndsHere)) throw error;
      return commits.isSuperseded
        ? { kind: 'superseded' }
        : { kind: 'handed-back', rest: await settledRange(commits) };
    }
    const answer = await endStep(state, (last) => restBehind(state, last, stretch, carry));
    if (answer === 'superseded') return { kind: 'superseded' };
    if (stretch.isLast) return { kind: answer === 'ended' ? 'ended' : 'finished' };
  }
};

/**
 * Returns true if no further page may be requested. Before the deadline there must be time for two more steps: the next one, and
 * the step of the page that is listed ahead. Each may take as long as the longest step so far.
 */
const mustStop = ({ isStopped, now, longestStepMs, limits }: WorkState): boolean =>
  isStopped || now() + 2 * longestStepMs > limits.deadlineMs;

const list = <E extends Keyed>(state: WorkState, listPage: ListPage<E>): Promise<Page<E>> => {
  const { prefix, pageSize } = state.limits;
  state.isReading = true;
  state.remaining = null;
  return listPage({ prefix, after: state.cursor, maxKeys: pageSize });
};

/** Throws if the listing makes no progress. Otherwise the same page would be requested forever. */
const advanceTo = (state: WorkState, next: Marker | null): void => {
  const { cursor } = state;
  if (next === null || (next.key === cursor.key && next.versionId === cursor.versionId))
    throw new Error(`the listing does not advance beyond ${JSON.stringify(cursor)}`);
  state.cursor = next;
};

const learn = (state: WorkState, entries: Entries<Keyed>): void => {
  const first = entries.at(0)?.key;
  const last = entries.at(-1)?.key;
  if (first === undefined || last === undefined) return;
  if (state.pages < LEARN_EVERY || state.pages % LEARN_EVERY === 0) state.digits.learn(entries);
  state.pages += 1;
  state.trail = state.trail.length === 0 ? [first, last] : [...state.trail, last].slice(-TRAIL);
};

const checkpointOf =
  (state: WorkState): Checkpoint =>
  async (place) => {
    const answer = await endStep(state, (last) => stepped(state, last, place));
    if (answer === 'superseded' || mustStop(state)) throw new EndsHere();
  };

const endStep = async (state: WorkState, after: (committed: Range) => Range | null): Promise<Committed> => {
  const answer = await commitNext(state.commits, after, []);
  state.longestStepMs = Math.max(state.longestStepMs, state.now() - state.stepBeganMs);
  state.stepBeganMs = state.now();
  return answer;
};

/** Returns the rest of the range behind the stretch, or null if nothing is left. */
const restBehind = (
  state: WorkState,
  committed: Range,
  { isLast, through }: Pick<CutStretch<Keyed>, 'isLast' | 'through'>,
  carry: Json,
): Range | null => (isLast || through === null ? null : stepped(state, committed, { after: through, carry }));

const stepped = (
  { digits }: WorkState,
  committed: Range,
  { after, carry }: { after: Marker; carry: Json },
): Range => ({ ...committed, after, carry, step: committed.step + 1, digits: digits.sample() });

const splitRest = async (state: WorkState, parts: number): Promise<Range[]> => {
  if (isEnding(state)) return [];
  const sight = sightOf(state);
  const points = splitPoints(sight, parts);
  const first = points[0];
  if (first === undefined) return [];
  const rest = { ...state.commits.committed, upTo: state.upTo, digits: state.digits.sample() };
  const children = rangesBehind(rest, points, remainingPages(sight) / (points.length + 1));
  // From now on, pages are cut at the first split point, so that nothing is consumed twice. If the commit fails, the whole work
  // fails.
  state.upTo = first;
  state.remaining = null;
  const shorten = (last: Range): Range => ({ ...last, upTo: first, step: last.step + 1 });
  const answer = await commitNext(state.commits, shorten, children);
  return answer === 'superseded' ? [] : children;
};

const isEnding = ({ isOver, isStopped, commits }: WorkState): boolean =>
  isOver || isStopped || commits.isSuperseded;

const sightOf = (state: WorkState): Sight => {
  const { range, limits, cursor, upTo, trail, isReading, digits, pages } = state;
  return {
    prefix: limits.prefix,
    trail,
    isInsideKey: cursor.versionId !== null && trail.at(-2) === cursor.key,
    isReading,
    from: range.from,
    upTo,
    digits,
    pages,
    expectedPages: range.expectedPages,
  };
};
