/** What the report of a run is made of. Everything in it was found by looking at both buckets, or is marked as the workers' own word. */
import type { Reason } from '../../model/reasons.ts';
import type { CompareCounters, CopyCounters, RunEstimate, RunSpec, WorkPhase } from '../run.ts';

/** `report.json` is this, as it is; `report.html` shows it. */
export interface RunReport {
  /** Of this format. */
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
  /** Each phase as often as it was begun; a phase ends where the next begins, the last one at `endedMs`. */
  phases: { work: WorkPhase; beganMs: number; endedMs: number }[];
  /** The first look, for which hints were sent; null for a verify without repair. */
  compared: CompareCounters | null;
  /** The workers' own word; null for a verify without repair. */
  copied: CopyCounters | null;
  /** The last look: the proof. */
  checked: CompareCounters;
  /** Does the destination hold all that the source has? Keys that are only at the destination do not speak against it. */
  agrees: boolean;
  estimate: RunEstimate | null;
  /** CSV files with one row for every key that differs in the last look, in no order; at most 1,000 are named. */
  files: { bucket: string; key: string; rows: number }[];
  /** Files that are not named in `files`, under the same prefix. */
  filesLeftOut: number;
}

export type DifferenceKind = 'missing' | 'different' | 'attributes' | 'history-shorter' | 'extra';

/** A row of the CSV files: the newest pair of versions that differs. Null: there is none on that side, or it is not known. */
export interface ReportRow {
  /** The source's key, also of what is only at the destination. */
  key: string;
  difference: DifferenceKind;
  source: ListedSide | null;
  replica: ListedSide | null;
  /** Why the key could not be looked at, so that it counts as different; null: it was, or listings were enough. */
  reason: Reason | null;
}

export interface ListedSide {
  /** Null: the bucket was never versioned, or current objects were listed. */
  versionId: string | null;
  sizeBytes: number;
  etag: string;
}
