/**
 * A run: one backfill or verify of one destination of one rule. Runs are plain JSON throughout, because they are kept in the
 * table of runs.
 */
import type { Reason } from '../model/reasons.ts';
import type { RunLimits } from '../model/run-limits.ts';

export interface RunSpec {
  /** A `backfill` replicates the differences; a `verify` reports them. */
  kind: 'backfill' | 'verify';
  /** Id of a rule in `replication.yml`. */
  rule: string;
  /** Id of one of the rule's destinations. */
  destination: string;
  /** Only keys that begin with this prefix and with the rule's own prefix; '' for all keys of the rule. */
  prefix: string;
  /** ISO 8601. Only keys with a version or delete marker written at this time or later; null: all keys. */
  since: string | null;
  /** Whether every version is compared, or only the current objects. */
  versions: 'all' | 'latest';
  /** With `all`, the attributes that listings do not show are compared too, for keys whose listings show no difference. */
  attributes: 'listed' | 'all';
  /**
   * For a verify, whether the differences are also replicated and then compared again. Always false for a backfill, because every
   * backfill does this.
   */
  repair: boolean;
  /** Whether replicas of keys that the source does not have are deleted. */
  deleteExtra: boolean;
  /**
   * Whether the result counts as agreement even if the destination lacks keys that the rule leaves out (see
   * `CompareCounters.leftOut`).
   */
  acceptLeftOut: boolean;
  /** Present on the verify that `backfill start --dry-run` starts. */
  isDryRun?: true;
  /** Present on a verify that the schedule of its rule has started: how much it may use. */
  scheduled?: RunBudget;
}

/** How much a run may use. */
export interface RunBudget {
  /** Requests to S3; null: any number. */
  requests: number | null;
  dollars: number;
}

/**
 * The phases of work, in this order. A verify without repair has only the last phase.
 * - `comparing`: both sides are listed, and a hint is sent for every key that differs.
 * - `copying`: the replicate function works on the hints.
 * - `checking`: both sides are listed again, for the report. No hints are sent.
 */
export type WorkPhase = 'comparing' | 'copying' | 'checking';

/** A run that is `paused` or `failed` may be resumed. The phases `cancelled` and `finished` are final. */
export type Phase = WorkPhase | 'paused' | 'failed' | 'cancelled' | 'finished';

/**
 * The counters of one listing of both sides. They are exact, because a page is counted in the transaction in which its range
 * advances.
 */
export interface CompareCounters {
  /** The compared entries of the source: versions or current objects, and delete markers if the rule replicates deletes. */
  versions: number;
  /** Total bytes of these entries. */
  bytes: number;
  /**
   * The source's keys that the rule wants. They are the sum of `same`, `presumed`, `missing`, `different`, `attributes` and
   * `historyShorter`.
   */
  keys: number;
  /**
   * Keys that are proven to be the same. The counters that begin with `by` say what proves it. If neither side shows an object, nothing has
   * to be proven.
   */
  same: number;
  /**
   * Keys that look the same, although nothing proves that the bytes are the same. They count neither as different nor as proven.
   */
  presumed: number;
  /** The fields that begin with `by` count keys by proof: every compared version of the key has this proof or a stronger one. */
  byBytes: number;
  byReceipt: number;
  bySha: number;
  byMd5: number;
  byCrc: number;
  missing: number;
  different: number;
  /** Keys with the same content but other attributes. */
  attributes: number;
  historyShorter: number;
  /** Keys that only the destination has. They do not count in `keys`. */
  extra: number;
  /**
   * Keys counted in `same` or `presumed` whose replica is locked for a shorter time than the source version, because of
   * `maxRetentionDays`.
   */
  locksCapped: number;
  /** Keys counted in `same` or `presumed` whose replica has a legal hold that the source version does not have. */
  holdsKept: number;
  /**
   * Keys that the rule leaves out and that are missing at the destination. The source object of such a key is a replica, signed by a
   * deployment that the rule names. These keys do not count in `keys`.
   */
  leftOut: number;
  /**
   * Keys that the destination shows although the rule's `filter` or `exclude` leaves out their source object. Such replicas were
   * made earlier, and stay. These keys do not count in `keys`, and a run never deletes them.
   */
  kept: number;
  /**
   * The number of hints sent, and the approximate number of bytes that these hints cause to be copied. Both are 0 while checking.
   */
  hints: number;
  hintBytes: number;
  /** How many pages were listed on each side. */
  sourcePages: number;
  destinationPages: number;
  /** Keys that got a closer look, because listings did not decide or because attributes are compared. */
  looks: number;
}

/**
 * The replicate function's work for the run. Duplicates are not counted. After a crash of the function, some hints may be missing
 * from the counters.
 */
export interface CopyCounters {
  /** Finished hints, without the failed ones. */
  done: number;
  /** The finished hints by outcome (`replicated`, `unchanged`, `deleted`, …). */
  outcomes: Record<string, number>;
  /**
   * Hints that were put into the dead-letter queue. A redriven hint no longer belongs to the run. Status and reports leave out
   * the failures from before the last comparison.
   */
  failed: number;
  /** The failed hints by reason. */
  reasons: Partial<Record<Reason, number>>;
  /** Hints that were dropped because the run was paused or cancelled. */
  dropped: number;
  /** Hints that were sent. A hint that was sent twice after a crash counts twice. */
  sent: number;
  /** How often hints failed and were given back, to be tried again. */
  tried: number;
  /** The number of versions written, and their bytes. */
  copies: number;
  bytes: number;
  /** One failed key for each reason. */
  examples: Partial<Record<Reason, string>>;
  /**
   * The work of each minute, in order. `minuteMs` is the minute in which the work was counted, in milliseconds since the epoch.
   */
  minutes: { minuteMs: number; done: number; bytes: number; failed: number }[];
  /** At most ten keys each, beginning with the largest or slowest. */
  largest: CopiedKey[];
  slowest: CopiedKey[];
}

export interface CopiedKey {
  key: string;
  bytes: number;
  durationMs: number;
}

export interface Run {
  /** The id of the run. Ids sort by the start of their runs. */
  id: string;
  spec: RunSpec;
  /** What the rule and its destination were when the run was started (see `scopeText`). */
  scope: string;
  phase: Phase;
  /** The work under way. If the run was paused, failed, cancelled or finished, the work at that moment. */
  work: WorkPhase;
  /** Why the run failed; null: it did not fail. */
  failure: { reason: Reason; detail: string } | null;
  /** Milliseconds since the epoch. */
  createdMs: number;
  endedMs: number | null;
  /** When each phase of work began. If a phase begins again because hints were dropped, it has another entry. */
  history: { work: WorkPhase; beganMs: number }[];
  /** The number of ranges of the present listing that are not done; 0 between two listings. */
  openRanges: number;
  /** The number of the present listing. It increases with each listing of the run. */
  epoch: number;
  /**
   * Counters of the ranges that are done; `RunStore.progress` also includes the ranges under way. Null: the listing has not
   * begun.
   */
  compared: CompareCounters | null;
  checked: CompareCounters | null;
  /** The estimate made before the start; null: none was requested. */
  estimate: RunEstimate | null;
  /**
   * The time since which no hint of the run has ended or been tried, in milliseconds since the epoch. `progress` identifies the
   * state of the counters at that time. Null: not known yet.
   */
  still: { progress: string; sinceMs: number } | null;
  /**
   * The SHA-256 of each file of the report, in hexadecimal digits, by the name of the file. Somebody who may write into the report bucket
   * cannot change these digests. `report.json` in turn contains the digests of the CSV files. Null: no report was written.
   */
  digests: Record<string, string> | null;
  /** How fast and when the run may work. Left out for a run of an earlier release: always, and at any rate. */
  limits?: RunLimits;
}

/** Returns whether both buckets are listed in this phase. */
export const isListing = (phase: Phase): phase is 'comparing' | 'checking' =>
  phase === 'comparing' || phase === 'checking';

/** Returns whether the run has work to do, or results to wait for, in this phase. */
export const isActive = ({ phase }: Pick<Run, 'phase'>): boolean => isListing(phase) || phase === 'copying';

/** Returns whether the run has ended and cannot be resumed. */
export const isOver = ({ phase }: Pick<Run, 'phase'>): boolean =>
  phase === 'finished' || phase === 'cancelled';

/** Returns the counters of a run that has copied nothing yet. */
export const nothingCopied = (): CopyCounters => ({
  done: 0,
  outcomes: {},
  failed: 0,
  reasons: {},
  dropped: 0,
  sent: 0,
  tried: 0,
  copies: 0,
  bytes: 0,
  examples: {},
  minutes: [],
  largest: [],
  slowest: [],
});

export const NOTHING_COMPARED: CompareCounters = {
  versions: 0,
  bytes: 0,
  keys: 0,
  same: 0,
  presumed: 0,
  byBytes: 0,
  byReceipt: 0,
  bySha: 0,
  byMd5: 0,
  byCrc: 0,
  missing: 0,
  different: 0,
  attributes: 0,
  historyShorter: 0,
  extra: 0,
  leftOut: 0,
  kept: 0,
  locksCapped: 0,
  holdsKept: 0,
  hints: 0,
  hintBytes: 0,
  sourcePages: 0,
  destinationPages: 0,
  looks: 0,
};

export const addCompared = (one: CompareCounters, other: CompareCounters): CompareCounters => {
  const sum = { ...one };
  for (const name of COMPARE_COUNTERS) sum[name] += other[name];
  return sum;
};

export const COMPARE_COUNTERS = [
  'versions',
  'bytes',
  'keys',
  'same',
  'presumed',
  'byBytes',
  'byReceipt',
  'bySha',
  'byMd5',
  'byCrc',
  'missing',
  'different',
  'attributes',
  'historyShorter',
  'extra',
  'leftOut',
  'kept',
  'locksCapped',
  'holdsKept',
  'hints',
  'hintBytes',
  'sourcePages',
  'destinationPages',
  'looks',
] as const satisfies (keyof CompareCounters)[];

/**
 * The work, the requests and the cost (in US$) of a run. They are estimated before the start of the run, or calculated from the
 * run's counters afterwards.
 */
export interface RunEstimate {
  keys: number;
  bytes: number;
  /**
   * Maximum number of bytes that are read twice: under Object Lock, bytes of large parts for which the source has no stored
   * checksum. Not known after the run, and then 0.
   */
  bytesReadTwice: number;
  /** The number of requests by kind, e.g. `list`, `get`, `put`, `head`, `queue`, `table`. */
  requests: Record<string, number>;
  /** The cost by service, e.g. `s3`, `sqs`, `lambda`, `dynamodb`, `transfer`. */
  dollars: Record<string, number>;
  /** The duration at the configured concurrency, while S3 serves all keys as one partitioned prefix. */
  hours: number;
  /** The duration once S3 has split the keys into as many prefixes as the concurrency needs. Left out if one prefix is enough. */
  hoursOnceSplit?: number;
  /** With `listing`, everything was counted. With `sample`, a part was counted, and the rest is assumed to be similar. */
  basis: 'listing' | 'sample';
  /** For a sample, the share by which the true numbers may differ (three standard errors); null: unknown. For a listing, 0. */
  errorShare: number | null;
}
