/**
 * The account of a run's ranges. Whatever happens to workers and messages, a range's progress is what was committed last, and
 * the run has ended when no range is open.
 */
import type { Range } from './range.ts';

/** One step of one range: all of it takes effect, or nothing. */
export interface Commit {
  /** As it was committed before: only who knows the last step may make the next. */
  before: Range;
  /** What is left of it; null: nothing. */
  after: Range | null;
  /** New ranges that were cut off it. */
  children: readonly Range[];
}

/**
 * - `superseded`: somebody else made this step (a duplicate of the message, or a worker thought dead): nothing was changed, and
 *   who hears it must stop.
 * - `ended`: this was the last open range of the run; told exactly once.
 */
export type Committed = 'committed' | 'superseded' | 'ended';

export interface Ledger {
  commit(commit: Commit): Promise<Committed>;
}

/** A ledger in memory, and the model of any other. */
export interface MemoryLedger extends Ledger {
  /** The ranges that are open, as committed last, in no order. */
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
