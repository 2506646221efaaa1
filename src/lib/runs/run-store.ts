/** The store of runs, through which the workers of a run coordinate. */
import type { Committed } from '../listing/ledger.ts';
import type { Range } from '../listing/range.ts';
import type { Failures } from './failures.ts';
import type { ReportRow } from './report/report-data.ts';
import { type CompareCounters, type CopyCounters, isActive, type Run } from './run.ts';

/** A run as the store keeps it. The program needs the additional fields to coordinate the workers; operators do not need them. */
export interface RunRecord extends Run {
  /** Increases with each change, so that one of two concurrent changes is refused. It does not increase when ranges advance. */
  revision: number;
  /** How many hints had been dropped when the present listing began. */
  droppedBefore: number;
  /** The hints that had failed when the present listing began. Left out: none, because the run has compared only once. */
  failedBefore?: Failures;
  /**
   * How many hints had ended when the last comparison began, if it began because the counts showed that all hints had ended.
   * Otherwise null.
   */
  endedBefore: number | null;
  /** When the present series of refusals of a permission began; null: AWS does not refuse the run any permission. */
  deniedSinceMs: number | null;
  /** Whether the end of the run was announced. */
  announced: boolean;
  /** How many requests a hint of the run takes, as the schedule last calculated. Left out: not calculated yet. */
  requestsPerHint?: number;
  /** Whether the schedule has seen that the hours of the run are over. It then sends the ranges again when the hours begin. */
  isResting?: boolean;
}

/**
 * The fields that `RunStore.change` may change. `change` can only reset counters, to null or to zeros. Only commits increase
 * counters.
 */
export type RunChanges = Partial<Omit<RunRecord, 'id' | 'spec' | 'createdMs' | 'openRanges' | 'revision'>>;

/** Returns true if the schedule has to tend the run again after these changes. */
export const isAwakened = (run: RunRecord, changes: RunChanges): boolean =>
  changes.announced === false || (isActive({ ...run, ...changes }) && !isActive(run));

export interface OpenRange {
  range: Range;
  /** The counters of the range so far, in the present listing. */
  counted: CompareCounters;
  /** When the range last advanced, or when its message was last sent again. Milliseconds since the epoch. */
  movedMs: number;
  /** How often the message of the range was sent again since the range last advanced. */
  wakes: number;
}

/** A file of differences. The file is written before the step to which it belongs is committed. */
export interface DifferenceFile {
  key: string;
  rows: number;
  /** In hexadecimal digits; '' for a file that an earlier release wrote. */
  sha256: string;
  /** The rows with which the file begins, for the report. */
  first: ReportRow[];
}

/** One step of one range of a run. It takes effect as a whole or not at all. */
export interface RangeCommit {
  run: string;
  epoch: number;
  /** Which of the run's two groups of counters receives the counters of the range when the range is done. */
  listing: 'compared' | 'checked';
  before: Range;
  /** The rest of the range; null: nothing is left. */
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
   * Stores the run and the only range of its first listing. If another run of the same rule and destination with some of the same
   * keys is not over yet, returns `active` and changes nothing.
   */
  create(run: RunRecord, first: Range): Promise<{ kind: 'created' } | { kind: 'active'; run: string }>;
  /** Loads a run. Resolves to null if there is no such run. */
  load(id: string): Promise<RunRecord | null>;
  /** Loads the run, including the counters of the ranges under way. Reads somewhat more than `load`. */
  progress(id: string): Promise<RunRecord | null>;
  /** Loads the ids of all runs that the schedule tends. A run is added when it starts or is resumed. */
  awake(): Promise<string[]>;
  /** Takes the run out of the list of {@link awake}. If the run has changed since it was loaded, changes nothing. */
  rest(run: RunRecord): Promise<void>;
  /** Loads at most `limit` runs, the newest first. */
  list(limit: number): Promise<RunRecord[]>;
  /**
   * Changes the run. If another worker has changed the run since it was loaded, changes nothing and resolves to false. If `first`
   * is given, also stores it as the only range of a new listing. In that case no other range may be open. After a change that
   * ends the run permanently, other runs of the same keys may begin.
   */
  change(run: RunRecord, changes: RunChanges, first?: Range): Promise<boolean>;
  /** Loads all open ranges of the run's present listing. */
  openRanges(run: RunRecord): Promise<OpenRange[]>;
  /** Loads an open range. Resolves to null if the range is done or never existed. */
  openRange(id: string, epoch: number, from: string): Promise<OpenRange | null>;
  /** Records that the message of the range was sent again. */
  wake(id: string, epoch: number, range: Range, nowMs: number): Promise<void>;
  /** Commits one step, as described at {@link Ledger}. */
  commit(commit: RangeCommit): Promise<Committed>;
  /** Adds to the number of hints that the run has sent. It is called before they are sent, so the number is never too small. */
  countSent(id: string, hints: number): Promise<void>;
  /**
   * Accounts for work that takes `durationMs` at the rate of the run. Resolves to the time at which this work may begin, which is
   * not before `nowMs`. The work of each caller begins after the work of the callers before it.
   */
  charge(id: string, durationMs: number, nowMs: number): Promise<number>;
  /** Removes the account of the rate, because the rate of the run has changed. */
  forgetRate(id: string): Promise<void>;
  copied(id: string): Promise<CopyCounters>;
  /** Loads at most `limit` files of the run's present listing, and the number of its other files. */
  files(run: RunRecord, limit: number): Promise<{ files: DifferenceFile[]; leftOut: number }>;
}
