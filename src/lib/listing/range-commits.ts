/** The commits of one range: one at a time, because each continues the one before. */
import type { Committed, Ledger } from './ledger.ts';
import type { Range } from './range.ts';

export interface RangeCommits {
  readonly ledger: Ledger;
  /** The range as the last commit left it. */
  committed: Range;
  /** Another worker has the range: nothing can be committed any more. */
  isSuperseded: boolean;
  /** Settles with the last commit. */
  last: Promise<unknown>;
}

export const commitsOf = (range: Range, ledger: Ledger): RangeCommits => ({
  ledger,
  committed: range,
  isSuperseded: false,
  last: Promise.resolve(),
});

/**
 * Commits what `after` makes of the last committed range (null: nothing is left of it), together with the ranges cut off from it.
 * After a commit has failed no other one is made: the work ends with that failure and is resumed from the last commit.
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

/** Waits for the commits under way and returns what is left of the range. */
export const settledRange = async (commits: RangeCommits): Promise<Range> => {
  await commits.last;
  return commits.committed;
};
