/** The pages of a listing as the consumer of a range receives them: without the entries beyond the end of the range. */
import { compareKeys } from './key-order.ts';
import type { Entries, Keyed, Marker, Page } from './page.ts';
import type { Json } from './range.ts';

/** The part of a page that lies within the range. */
export interface Stretch<E extends Keyed> {
  /** The entries in S3's order; may be empty. */
  entries: Entries<E>;
  /** The start of the stretch: `entries` holds all entries of the listing behind this marker, up to `through`. */
  after: Marker;
  /** The end of the stretch; null: the end of the listing. */
  through: Marker | null;
  /**
   * The value that the consumer returned for the previous stretch, in this invocation or an earlier one; null for the first
   * stretch of the range.
   */
  carry: Json;
}

/**
 * Receives the stretches of one range in order, one at a time. The returned value is given to the consumer with the next stretch,
 * as `carry`. If a stretch was consumed but not committed, it is delivered again to another consumer, with the same carry. A
 * consumer that needs long for a stretch may commit it in several steps.
 */
export type Consume<E extends Keyed> = (stretch: Stretch<E>, checkpoint: Checkpoint) => Promise<Json>;

/**
 * Commits a part of the stretch. If the work is resumed, it continues behind `after` with this carry. `after` lies within the
 * stretch or at its start. Rejects if the work must end here, because its time is over, it was stopped, or another worker has
 * taken over the range. The consumer must not catch this rejection.
 */
export type Checkpoint = (progress: { after: Marker; carry: Json }) => Promise<void>;

export interface CutStretch<E extends Keyed> extends Stretch<E> {
  /** Whether the range ends with this stretch. */
  isLast: boolean;
}

/** Removes the entries of the page that are beyond the end of the range. */
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

/** Returns whether keys up to `upTo` can follow the marker. */
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
