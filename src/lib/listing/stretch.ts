/** Pages of a listing as the consumer of a range receives them: cut off at the end of the range. */
import { compareKeys } from './key-order.ts';
import type { Entries, Keyed, Marker, Page } from './page.ts';
import type { Json } from './range.ts';

/** A page cut to its range. */
export interface Stretch<E extends Keyed> {
  /** In S3's order; may be empty. */
  entries: Entries<E>;
  /** `entries` holds everything of the listing behind this marker … */
  after: Marker;
  /** … up to this one. Null: to the end of the listing. */
  through: Marker | null;
  /** The value that the consumer returned for the previous stretch, in this invocation or an earlier one; null for the first stretch. */
  carry: Json;
}

/**
 * Receives the stretches of one range in order, one at a time, and returns what it needs for the next one. A stretch that was
 * consumed but not committed is delivered again, to another consumer, with the carry of the stretch before it. A consumer that
 * needs long for a stretch may commit it in steps.
 */
export type Consume<E extends Keyed> = (stretch: Stretch<E>, checkpoint: Checkpoint) => Promise<Json>;

/**
 * Commits a part of the stretch: the work resumes behind `after`, with this carry. `after` lies within the stretch or at its start.
 * Rejects when the work ends here, because its time is over or because another worker has the range: the consumer must not catch that.
 */
export type Checkpoint = (progress: { after: Marker; carry: Json }) => Promise<void>;

export interface CutStretch<E extends Keyed> extends Stretch<E> {
  /** Nothing of the range is left behind this stretch. */
  isLast: boolean;
}

/** Cuts off the entries of the page that are beyond the end of the range. */
export const cutToRange = <E extends Keyed>(
  { entries, next }: Page<E>,
  { after, upTo, carry }: { after: Marker; upTo: string | null; carry: Json },
): CutStretch<E> => {
  const count = upTo === null ? entries.length : countUpTo(entries, upTo);
  const isWhole = count === entries.length;
  if (isWhole && next !== null && (upTo === null || isBefore(next, upTo)))
    return { entries, after, through: next, carry, isLast: false };
  const through = upTo === null ? null : { key: upTo, versionId: null };
  return { entries: isWhole ? entries : entries.slice(0, count), after, through, carry, isLast: true };
};

/** Can keys up to `upTo` follow the marker? */
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
