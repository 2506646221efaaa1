/** Who is idle takes over a part of what is left where the most is left. */
import type { RangeWork } from './range-work.ts';

export interface Share {
  work: RangeWork;
  /** Into how many parts to split it, two at least. */
  parts: number;
}

/** Brings `idle` workers to the ranges so that the longest share becomes as short as can be, and none shorter than `minPages`. */
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
