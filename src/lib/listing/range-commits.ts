/** The commits of one range. They are made one after the other, because each commit continues the one before. */
import type { Committed, Ledger } from './ledger.ts';
import type { Range } from './range.ts';

export interface RangeCommits {
  readonly ledger: Ledger;
  /** The range after the last commit. */
  committed: Range;
  /** Whether another worker has taken over the range. If so, nothing can be committed any more. */
  isSuperseded: boolean;
  /** Settles when the last commit settles. */
  last: Promise<unknown>;
}

export const commitsOf = (range: Range, ledger: Ledger): RangeCommits => ({
  ledger,
  committed: range,
  isSuperseded: false,
  last: Promise.resolve(),
});

/**
 * Commits the range that `after` returns for the last committed range, together with `children`, the ranges that were cut off.
 * `after` returns null if nothing of the range is left. After a failed commit no further commits are made, and the work ends with
 * that failure. It is resumed later from the last successful commit.
 */
export const commitNext = (
  commits: RangeCommits,
  after: (committed: Range) => Range | null,
  children: readonly Range[],
): Promise<Committed> => {
  const turn = commits.last.then(async () => {
    const next = after(commits.committed);
    const answer = await commits.ledger.commit({ before: commits.committed, after: next, children });
    if (answer === 'superseded') commits.isSuperseded = true;
    else commits.committed = next ?? commits.committed;
    return answer;
  });
  commits.last = turn;
  turn.catch(() => undefined);
  return turn;
};

/** Waits for the commits under way and returns the rest of the range. */
export const settledRange = async (commits: RangeCommits): Promise<Range> => {
  await commits.last;
  return commits.committed;
};
