/** What of a listing counts, told entry by entry, where that may depend on what follows. */
import type { ListedVersion } from './page.ts';

export interface Sieve {
  /**
   * In S3's order: what is known to count now. That is the entry, the one that was pending, both in this order, or nothing. Where
   * something counts, nothing is pending afterwards.
   */
  pass(entry: ListedVersion): readonly ListedVersion[];
  /** An earlier entry of which it is not known yet whether it counts: whoever goes on elsewhere begins with it. */
  readonly pending: ListedVersion | null;
}

export type CreateSieve = (pending: ListedVersion | null) => Sieve;

/** Lets pass what counts by itself. */
export const sieveOf = (counts: (entry: ListedVersion) => boolean): Sieve => ({
  pass: (entry) => (counts(entry) ? [entry] : NOTHING),
  pending: null,
});

const NOTHING: readonly ListedVersion[] = [];
