/** The work on one range: page after page, each handed on and then committed, while parts of the rest may be cut off. */
import { createDigits } from './key-arithmetic.ts';
import { compareKeys } from './key-order.ts';
import type { Committed, Ledger } from './ledger.ts';
import type { Entries, Keyed, ListPage, Marker, Page } from './page.ts';
import { type Json, type Range, rangesBehind } from './range.ts';
import { remainingPages, type Sight, splitPoints } from './split.ts';

/** A page cut to its range, for the consumer. */
export interface Stretch<E extends Keyed> {
  /** In S3's order; may be empty. */
  entries: Entries<E>;
  /** Everything behind this … */
  after: Marker;
  /** … up to this is in `entries`. Null: to the end of the listing. */
  through: Marker | null;
  /** What the consumer gave back for the stretch before, in this invocation or an earlier one; null at the range's beginning. */
  carry: Json;
}

/**
 * Gets the stretches of one range, in order and one at a time, and gives back what it wants to find again. A stretch that was
 * consumed but not committed comes again, to another consumer with the carry of the one before: it must bear that. Where a
 * stretch takes long it may be committed in steps.
 */
export type Consume<E extends Keyed> = (stretch: Stretch<E>, checkpoint: Checkpoint) => Promise<Json>;

/**
 * Commits a part of the stretch: whoever goes on begins behind `after`, which lies within it or where it began, with this carry.
 * Rejects where the work ends here, because its time is over or somebody else has the range: the consumer must let that through.
 */
export type Checkpoint = (progress: { after: Marker; carry: Json }) => Promise<void>;

export interface RangePorts<E extends Keyed> {
  /** Tries again by itself what is worth it (see `patient-listing.ts`). */
  listPage: ListPage<E>;
  /** Called once for each range that is worked on. */
  consumerOf(range: Range): Consume<E>;
  ledger: Ledger;
  /** Milliseconds since the epoch. */
  now(): number;
}

export interface RangeLimits {
  /** S3's Prefix. '' for none. */
  prefix: string;
  /** Default 1,000, which is S3's most. */
  pageSize?: number;
  /** Milliseconds since the epoch after which nothing may be under way. Default: never. */
  deadlineMs?: number;
}

/** - `ended`: nothing is left of it, nor of the run. */
export type RangeEnd =
  { kind: 'finished' } | { kind: 'ended' } | { kind: 'handed-back'; rest: Range } | { kind: 'superseded' };

export interface RangeWork {
  /** Works until the range is done, the time is over, or somebody else has it. Throws what its ports throw. */
  run(): Promise<RangeEnd>;
  /** About how many pages are left that nobody has begun; 0 where nothing is known yet. */
  remainingPages(): number;
  /**
   * Cuts what is left into at most so many parts, keeps the first and gives back the others once they are committed; none
   * where it is not worth it. May be called at any time while `run` is under way.
   */
  split(parts: number): Promise<Range[]>;
  /** Hands the rest back as soon as what is under way has ended. */
  stop(): void;
}

/** Thrown through the consumer. */
class EndsHere extends Error {}

/** So many pages are looked back on to tell how densely keys lie. */
const TRAIL = 5;
/** What the first pages show is mostly so in all others. */
const LEARN_EVERY = 8;
const PAGE_SIZE = 1_000;

export const createRangeWork = <E extends Keyed>(
  range: Range,
  ports: RangePorts<E>,
  { prefix, pageSize = PAGE_SIZE, deadlineMs = Infinity }: RangeLimits,
): RangeWork => {
  let committed = range;
  /** Where the next page begins: ahead of `committed` while a page is being consumed. */
  let cursor = range.after;
  let upTo = range.upTo;
  let isStopped = false;
  let isSuperseded = false;
  let longestMs = 0;
  let stepBeganMs = 0;
  let lane: Promise<unknown> = Promise.resolve();
  const consume = ports.consumerOf(range);
  const digits = createDigits(range.digits);
  let trail: string[] = [];
  let isReading = false;
  /** Asked for often, and dear; null: something has changed since. */
  let remaining: number | null = null;
  let isOver = false;
  let pages = 0;

  const sight = (): Sight => ({
    prefix,
    trail,
    isInsideKey: cursor.versionId !== null && trail.at(-2) === cursor.key,
    isReading,
    from: range.from,
    upTo,
    digits,
    pages,
    expectedPages: range.expectedPages,
  });

  const list = (): Promise<Page<E>> => {
    isReading = true;
    remaining = null;
    return ports.listPage({ prefix, after: cursor, maxKeys: pageSize });
  };

  /** One commit at a time: each continues the one before. */
  const commit = (after: (last: Range) => Range | null, children: readonly Range[]): Promise<Committed> => {
    const turn = lane.then(async () => {
      const next = after(committed);
      const answer = await ports.ledger.commit({ before: committed, after: next, children });
      if (answer === 'superseded') isSuperseded = true;
      else committed = next ?? committed;
      return answer;
    });
    // After a failed one nothing is committed any more: the work ends with that failure, and begins again from the last.
    lane = turn;
    turn.catch(() => undefined);
    return turn;
  };

  const look = ({ entries }: Page<E>): void => {
    const first = entries.at(0)?.key;
    const last = entries.at(-1)?.key;
    if (first === undefined || last === undefined) return;
    if (pages < LEARN_EVERY || pages % LEARN_EVERY === 0) digits.learn(entries);
    pages += 1;
    trail = trail.length === 0 ? [first, last] : [...trail, last].slice(-TRAIL);
  };

  const mustStop = (): boolean => isStopped || ports.now() + 2 * longestMs > deadlineMs;

  const endStep = async (after: (last: Range) => Range | null): Promise<Committed> => {
    const answer = await commit(after, []);
    longestMs = Math.max(longestMs, ports.now() - stepBeganMs);
    stepBeganMs = ports.now();
    return answer;
  };

  const checkpoint: Checkpoint = async (place) => {
    const answer = await endStep((last) => stepped(last, place));
    if (answer === 'superseded' || mustStop()) throw new EndsHere();
  };

  const run = async (): Promise<RangeEnd> => {
    let carry = range.carry;
    let listing = mustStop() ? null : list();
    for (;;) {
      if (listing === null) return { kind: 'handed-back', rest: await settled() };
      stepBeganMs = ports.now();
      const page: Page<E> = await listing;
      isReading = false;
      remaining = null;
      if (isSuperseded) return { kind: 'superseded' };
      const stretch = cut(page, { after: cursor, upTo, carry });
      isOver = stretch.isLast;
      if (!isOver) advance(page.next);
      look({ ...page, entries: stretch.entries });
      // The next page is on its way while this one is consumed.
      listing = isOver || mustStop() ? null : list();
      listing?.catch(() => undefined);
      try {
        carry = await consume(stretch, checkpoint);
      } catch (error) {
        if (!(error instanceof EndsHere)) throw error;
        return isSuperseded ? { kind: 'superseded' } : { kind: 'handed-back', rest: await settled() };
      }
      const answer = await endStep(progress(stretch, carry));
      if (answer === 'superseded') return { kind: 'superseded' };
      if (stretch.isLast) return { kind: answer === 'ended' ? 'ended' : 'finished' };
    }
  };

  /** Throws where S3 does not get on, rather than asking for ever. */
  const advance = (next: Marker | null): void => {
    if (next === null || (next.key === cursor.key && next.versionId === cursor.versionId))
      throw new Error(`the listing does not get beyond ${JSON.stringify(cursor)}`);
    cursor = next;
  };

  const progress =
    ({ isLast, through }: CutStretch<E>, carry: Json) =>
    (last: Range): Range | null =>
      isLast || through === null ? null : stepped(last, { after: through, carry });

  const stepped = (last: Range, { after, carry }: { after: Marker; carry: Json }): Range => ({
    ...last,
    after,
    carry,
    step: last.step + 1,
    digits: digits.sample(),
  });

  const settled = async (): Promise<Range> => {
    await lane;
    return committed;
  };

  const split = async (parts: number): Promise<Range[]> => {
    if (isOver || isStopped || isSuperseded) return [];
    const view = sight();
    const points = splitPoints(view, parts);
    const first = points[0];
    if (first === undefined) return [];
    const children = rangesBehind(
      { ...committed, upTo, digits: digits.sample() },
      points,
      remainingPages(view) / (points.length + 1),
    );
    // From now on pages end here, so that nothing is handed on twice; if the commit fails, so does the work.
    upTo = first;
    remaining = null;
    const answer = await commit((last) => ({ ...last, upTo: first, step: last.step + 1 }), children);
    return answer === 'superseded' ? [] : children;
  };

  return {
    run,
    split,
    remainingPages: () => (isOver || isStopped || isSuperseded ? 0 : (remaining ??= remainingPages(sight()))),
    stop: () => {
      isStopped = true;
    },
  };
};

interface CutStretch<E extends Keyed> extends Stretch<E> {
  isLast: boolean;
}

/** Cuts the page off behind the end of the range. */
const cut = <E extends Keyed>(
  { entries, next }: Page<E>,
  { after, upTo, carry }: { after: Marker; upTo: string | null; carry: Json },
): CutStretch<E> => {
  const end = upTo === null ? null : { key: upTo, versionId: null };
  const count = upTo === null ? entries.length : countUpTo(entries, upTo);
  const isWhole = count === entries.length && next !== null && (upTo === null || isBefore(next, upTo));
  return isWhole
    ? { entries, after, through: next, carry, isLast: false }
    : {
        entries: count === entries.length ? entries : entries.slice(0, count),
        after,
        through: end,
        carry,
        isLast: true,
      };
};

/** May keys up to `upTo` come behind the marker? */
const isBefore = ({ key, versionId }: Marker, upTo: string): boolean => {
  const order = compareKeys(key, upTo);
  return order < 0 || (order === 0 && versionId !== null);
};

const countUpTo = (entries: Entries<Keyed>, upTo: string): number => {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (compareKeys(entries.at(middle)?.key ?? '', upTo) <= 0) low = middle + 1;
    else high = middle;
  }
  return low;
};
