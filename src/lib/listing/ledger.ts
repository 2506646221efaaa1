/**
 * The record of a run's ranges. The last commit of a range determines the range's progress, whatever happens to workers and
 * messages. The run has ended when no range is open.
 */
import type { Range } from './range.ts';

/** One step of one range. It takes effect as a whole or not at all. */
export interface Commit {
  /** The range after the last commit. If another worker has made a commit since, this commit is refused. */
  before: Range;
  /** The rest of the range; null: nothing is left. */
  after: Range | null;
  /** New ranges that were cut off from the range. */
  children: readonly Range[];
}

/**
 * - `committed`: the step is recorded, and ranges of the run are still open.
 * - `superseded`: another worker has already made this step. That worker received a duplicate of the message, or this worker was
 *   presumed dead. Nothing was changed, and this worker must stop.
 * - `ended`: the step is recorded, and no range of the run is open any more. Returned exactly once.
 */
export type Committed = 'committed' | 'superseded' | 'ended';

export interface Ledger {
  commit(commit: Commit): Promise<Committed>;
}

/** A ledger in memory. Every other ledger must behave like this one. */
export interface MemoryLedger extends Ledger {
  /** Returns the open ranges after their last commits, in no order. */
  open(): Range[];
}

export const createMemoryLedger = (ranges: readonly Range[]): MemoryLedger => {
  const open = new Map(ranges.map((range) => [range.from, range]));
  return {
    open: () => [...open.values()],
    commit: async ({ before, after, children }) => {
      if (open.get(before.from)?.step !== before.step) return 'superseded';
      if (after === null) open.delete(before.from);
      else open.set(before.from, after);
      for (const child of children) open.set(child.from, child);
      return open.size === 0 ? 'ended' : 'committed';
    },
  };
};
