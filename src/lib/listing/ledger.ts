/**
 * The record of a run's ranges. Whatever happens to workers and messages, the progress of a range is its last commit, and the run
 * has ended when no range is open.
 */
import type { Range } from './range.ts';

/** One step of one range. It takes effect as a whole or not at all. */
export interface Commit {
  /** The range as it was committed before: only a worker that knows the last step may make the next one. */
  before: Range;
  /** What is left of the range; null: nothing. */
  after: Range | null;
  /** New ranges that were cut off from it. */
  children: readonly Range[];
}

/**
 * - `superseded`: another worker made this step (it has a duplicate of the message, or was presumed dead). Nothing was changed, and
 *   the worker must stop.
 * - `ended`: this was the last open range of the run; returned exactly once.
 */
export type Committed = 'committed' | 'superseded' | 'ended';

export interface Ledger {
  commit(commit: Commit): Promise<Committed>;
}

/** A ledger in memory: the model for every other ledger. */
export interface MemoryLedger extends Ledger {
  /** The open ranges as they were committed last, in no order. */
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
