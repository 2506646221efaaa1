/** Where runs are kept, and what several workers agree on by it. */
import type { Committed } from '../listing/ledger.ts';
import type { Range } from '../listing/range.ts';
import type { CompareCounters, CopyCounters, Run } from './run.ts';

/** A run with what only its own machinery needs to know. */
export interface RunRecord extends Run {
  /** Goes up with each change, so that of two changes at once one is refused. Ranges that go ahead do not change it. */
  revision: number;
  /** The one tick that counts; others of the run are duplicates. */
  tick: string;
  /** Looks at the queue of hints, one after the other, that found it empty. */
  emptyLooks: number;
  /** Hints of earlier looks at both sides, and those let go by the time the present one was begun. */
  hintsBefore: number;
  droppedBefore: number;
  /** Was its end told? */
  announced: boolean;
}

/** What `RunStore.change` may change. Counters are set to nothing by giving null or zeros; they grow by commits alone. */
export type RunChanges = Partial<Omit<RunRecord, 'id' | 'spec' | 'createdMs' | 'openRanges' | 'revision'>>;

export interface OpenRange {
  range: Range;
  /** What was counted in it so far, in this listing. */
  counted: CompareCounters;
  /** When it last went ahead or was sent again; milliseconds since the epoch. */
  movedMs: number;
}

/** A file of differences, as written before the step that counts it. */
export interface DifferenceFile {
  key: string;
  rows: number;
}

/** One step of one range of a run: all of it takes effect, or nothing. */
export interface RangeCommit {
  run: string;
  epoch: number;
  /** Which of the run's counters the range's are added to when it is done. */
  listing: 'compared' | 'checked';
  before: Range;
  /** What is left of it; null: nothing. */
  after: Range | null;
  children: readonly Range[];
  /** All that was counted in the range, this step included. */
  counted: CompareCounters;
  /** Differences found in this step; null: none, or nobody writes them. */
  file: DifferenceFile | null;
  nowMs: number;
}

/** Every function throws {@link ReplicationError} alone. Reads see what was written before. */
export interface RunStore {
  /**
   * Puts the run and the only range of its first listing into the store. `active`: a run of the same rule and destination,
   * over keys some of which are the same, is not over yet; nothing was changed.
   */
  create(run: RunRecord, first: Range): Promise<{ kind: 'created' } | { kind: 'active'; run: string }>;
  /** Null: there is no such run. */
  load(id: string): Promise<RunRecord | null>;
  /** With what was counted in ranges under way. Somewhat more than `load` to read. */
  progress(id: string): Promise<RunRecord | null>;
  /** The newest first. */
  list(limit: number): Promise<RunRecord[]>;
  /**
   * False: somebody else changed the run since it was loaded, and nothing was changed. `first` is put beside it as the only range of
   * a new listing, for which there must be no open range left. A run that is over lets others over the same keys begin.
   */
  change(run: RunRecord, changes: RunChanges, first?: Range): Promise<boolean>;
  /** All that are open in the run's present listing. */
  openRanges(run: RunRecord): Promise<OpenRange[]>;
  /** Null: it is done, or there never was one. */
  openRange(id: string, epoch: number, from: string): Promise<OpenRange | null>;
  /** Notes that its message was sent again. */
  touch(id: string, epoch: number, range: Range, nowMs: number): Promise<void>;
  /** As {@link Ledger}. */
  commit(commit: RangeCommit): Promise<Committed>;
  copied(id: string): Promise<CopyCounters>;
  /** Of the run's present listing, at most `limit`, and how many there are besides. */
  files(run: RunRecord, limit: number): Promise<{ files: DifferenceFile[]; leftOut: number }>;
}
