/** Assigns idle workers to the ranges with the most pages left. */
import type { RangeWork } from './range-work.ts';

export interface Share {
  work: RangeWork;
  /** How many parts to split the range into; at least two. */
  parts: number;
}

/**
 * Distributes `idle` workers so that the longest part of a range becomes as short as possible. A part of fewer than `minPages`
 * pages is not split further.
 */
export const shareOut = (works: readonly RangeWork[], idle: number, minPages: number): Share[] => {
  const shares = works
    .map((work) => ({ work, parts: 1, pages: work.remainingPages() }))
    .filter(({ pages }) => pages >= minPages);
  for (let left = idle; left > 0; left -= 1) {
    let longest: (typeof shares)[number] | null = null;
    for (const share of shares)
      if (longest === null || share.pages / share.parts > longest.pages / longest.parts) longest = share;
    if (longest === null || longest.pages / longest.parts < minPages) break;
    longest.parts += 1;
  }
  return shares.filter(({ parts }) => parts > 1);
};
