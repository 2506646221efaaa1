/** The data of a run's report. Everything was found by listing both buckets, unless it is marked as counted by the workers. */
import type { Reason } from '../../model/reasons.ts';
import type { CompareCounters, CopyCounters, RunEstimate, RunSpec, WorkPhase } from '../run.ts';

/** `report.json` contains exactly this; `report.html` shows it. */
export interface RunReport {
  /** The version of this format. */
  version: 1;
  run: string;
  /** `<name>-<stage>` of the deployment. */
  stack: string;
  spec: RunSpec;
  source: { bucket: string; prefix: string };
  destination: { bucket: string; region: string; prefix: string };
  /** Milliseconds since the epoch. */
  createdMs: number;
  endedMs: number;
  /** Every phase, each time that it began. A phase ends when the next one begins, the last one at `endedMs`. */
  phases: { work: WorkPhase; beganMs: number; endedMs: number }[];
  /** The first listing, for which hints were sent; null for a verify without repair. */
  compared: CompareCounters | null;
  /** Counted by the workers; null for a verify without repair. */
  copied: CopyCounters | null;
  /** The last listing: the proof. */
  checked: CompareCounters;
  /** Does the destination hold everything that the source has? Keys that are only at the destination do not matter. */
  agrees: boolean;
  estimate: RunEstimate | null;
  /** CSV files with one row for every key that differs in the last listing, in no order; at most 1,000 are named. */
  files: { bucket: string; key: string; rows: number }[];
  /** The number of files under the same prefix that are not named in `files`. */
  filesLeftOut: number;
}

export type DifferenceKind = 'missing' | 'different' | 'attributes' | 'history-shorter' | 'extra';

/** A row of the CSV files: the newest pair of versions that differs. A side is null if it has no version, or the version is unknown. */
export interface ReportRow {
  /** The source's key, also for a key that is only at the destination. */
  key: string;
  difference: DifferenceKind;
  source: ListedSide | null;
  replica: ListedSide | null;
  /** Why the key could not be checked and therefore counts as different; null: it was checked, or listings were enough. */
  reason: Reason | null;
}

export interface ListedSide {
  /** Null: the bucket was never versioned, or current objects were listed. */
  versionId: string | null;
  sizeBytes: number;
  etag: string;
}
