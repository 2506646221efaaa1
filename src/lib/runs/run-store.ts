/** The store of runs, through which the workers of a run coordinate. */
import type { Committed } from '../listing/ledger.ts';
import type { Range } from '../listing/range.ts';
import type { CompareCounters, CopyCounters, Run } from './run.ts';

/** A run with the fields that only its own machinery needs. */
export interface RunRecord extends Run {
  /** Increases with each change, so that one of two concurrent changes is refused. Ranges that advance do not change it. */
  revision: number;
  /** The only valid tick; other ticks of the run are duplicates. */
  tick: string;
  /** The number of consecutive checks that found the queue of hints empty. */
  emptyLooks: number;
  /** The hints of earlier listings, and the hints that had been dropped when the present listing began. */
  hintsBefore: number;
  droppedBefore: number;
  /** Was the end of the run announced? */
  announced: boolean;
}

/** The fields that `RunStore.change` may change. It can only reset counters, to null or zeros; they grow only by commits. */
export type RunChanges = Partial<Omit<RunRecord, 'id' | 'spec' | 'createdMs' | 'openRanges' | 'revision'>>;

export interface OpenRange {
  range: Range;
  /** The counters of the range so far, in this listing. */
  counted: CompareCounters;
  /** When the range last advanced or its message was sent again. Milliseconds since the epoch. */
  movedMs: number;
}

/** A file of differences. It is written before the step that counts it is committed. */
export interface DifferenceFile {
  key: string;
  rows: number;
}

/** One step of one range of a run. It takes effect as a whole or not at all. */
export interface RangeCommit {
  run: string;
  epoch: number;
  /** The run's counters to which the counters of the range are added when it is done. */
  listing: 'compared' | 'checked';
  before: Range;
  /** What is left of the range; null: nothing. */
  after: Range | null;
  children: readonly Range[];
  /** The counters of the whole range, including this step. */
  counted: CompareCounters;
  /** The differences found in this step; null: there are none, or no files are written. */
  file: DifferenceFile | null;
  nowMs: number;
}

/** Every function throws only {@link ReplicationError}. Reads are consistent with earlier writes. */
export interface RunStore {
  /**
   * Stores the run and the only range of its first listing. `active`: another run of the same rule and destination with some of the
   * same keys is not over yet; nothing was changed.
   */
  create(run: RunRecord, first: Range): Promise<{ kind: 'created' } | { kind: 'active'; run: string }>;
  /** Null: there is no such run. */
  load(id: string): Promise<RunRecord | null>;
  /** Loads the run with the counters of ranges under way. Reads somewhat more than `load`. */
  progress(id: string): Promise<RunRecord | null>;
  /** Newest first. */
  list(limit: number): Promise<RunRecord[]>;
  /**
   * False: another worker changed the run since it was loaded, and nothing was changed. `first` is stored with it as the only range
   * of a new listing; there must be no open range left. Once a run is over, other runs over the same keys may begin.
   */
  change(run: RunRecord, changes: RunChanges, first?: Range): Promise<boolean>;
  /** All open ranges of the run's present listing. */
  openRanges(run: RunRecord): Promise<OpenRange[]>;
  /** Null: the range is done, or never existed. */
  openRange(id: string, epoch: number, from: string): Promise<OpenRange | null>;
  /** Notes that the message of the range was sent again. */
  touch(id: string, epoch: number, range: Range, nowMs: number): Promise<void>;
  /** As {@link Ledger}. */
  commit(commit: RangeCommit): Promise<Committed>;
  copied(id: string): Promise<CopyCounters>;
  /** At most `limit` files of the run's present listing, and the number of the other ones. */
  files(run: RunRecord, limit: number): Promise<{ files: DifferenceFile[]; leftOut: number }>;
}
