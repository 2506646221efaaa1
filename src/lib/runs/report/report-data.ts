/**
 * The data of a run's report. All of it was found by listing both buckets, except the data that is marked as counted by the
 * workers.
 */
import type { Reason } from '../../model/reasons.ts';
import type { LockNote } from '../../replica/object-lock.ts';
import type { CompareCounters, CopyCounters, RunEstimate, RunSpec, WorkPhase } from '../run.ts';

/** `report.html` shows this data. `report.json` contains it, and also the run's use of AWS. */
export interface RunReport {
  /** The version of this format. New fields may be added without a new version. */
  version: 1;
  run: string;
  /** The name of the stack: `<name>-<stage>`; null: a copy from a shell, which has none. */
  stack: string | null;
  spec: RunSpec;
  source: { bucket: string; prefix: string };
  destination: { bucket: string; region: string; prefix: string };
  /** Milliseconds since the epoch. */
  createdMs: number;
  endedMs: number;
  /**
   * Every phase, in order. A phase that began several times is listed several times. A phase ends when the next phase begins; the
   * last phase ends at `endedMs`.
   */
  phases: { work: WorkPhase; beganMs: number; endedMs: number }[];
  /** Counters of the first listing, for which hints were sent; null for a verify without repair. */
  compared: CompareCounters | null;
  /** Counted by the workers; null for a verify without repair. */
  copied: CopyCounters | null;
  /** Counters of the last listing, which proves the result. */
  checked: CompareCounters;
  /**
   * Whether the destination holds everything that the source has. Keys that only the destination has are ignored. Keys that the rule leaves
   * out prevent agreement, unless the run accepts them.
   */
  agrees: boolean;
  /** Whether all agreeing keys are proven, and none is presumed. `checked` lists the proofs. */
  proven: boolean;
  estimate: RunEstimate | null;
  /**
   * CSV files with one row for every key that differs in the last listing or whose lock stays as it is, in no order. At most 1,000
   * files are named here. A copy from a shell has its file beside its report, so `bucket` is ''.
   */
  files: { bucket: string; key: string; rows: number; sha256: string }[];
  /** At most fifty rows of these files, sorted by key. */
  differences: ReportRow[];
  /** The number of further files under the same prefix that are not named in `files`. */
  filesLeftOut: number;
}

export type DifferenceKind = 'missing' | 'different' | 'attributes' | 'history-shorter' | 'extra';

/**
 * A row of the CSV files. A differing lock that stays as it is has a row too, although it does not count as a difference. The row shows the
 * newest pair of versions that differs. A side is null if it has no version or the version is unknown.
 */
export interface ReportRow {
  /** The source's key. For a key that only the destination has, the key that it would have at the source. */
  key: string;
  /**
   * Three kinds of rows are not differences. `presumed`: the key looks the same, but nothing proves that the bytes are the same.
   * `left-out`: the source object is the signed replica of another deployment. The third kind is a differing lock that stays as it
   * is.
   */
  difference: DifferenceKind | 'presumed' | 'left-out' | LockNote;
  source: ListedSide | null;
  replica: ListedSide | null;
  /**
   * Why the key could not be checked and therefore counts as different; null: the key was checked, or the listings were
   * sufficient.
   */
  reason: Reason | null;
}

export interface ListedSide {
  /** The version id. Null: the run listed only current objects. The text `"null"` is S3's null version. */
  versionId: string | null;
  sizeBytes: number;
  etag: string;
}
