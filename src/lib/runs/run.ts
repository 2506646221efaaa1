/**
 * A run: one backfill or verify of one destination of one rule. Plain JSON throughout, as it is kept in the table of runs.
 */
import type { Reason } from '../model/reasons.ts';

export interface RunSpec {
  /** `backfill` replicates what differs, `verify` reports it. */
  kind: 'backfill' | 'verify';
  /** Id of a rule in `replication.yml`. */
  rule: string;
  /** Id of one of its destinations. */
  destination: string;
  /** Keys that begin with it, and with the rule's own prefix; '' for all of the rule. */
  prefix: string;
  /** ISO 8601: only keys of which something was written then or later; null: all. */
  since: string | null;
  /** What is compared: every version, or the current objects. */
  versions: 'all' | 'latest';
  /** `all`: of keys that are the same by listing, what listings do not show is looked at too. */
  attributes: 'listed' | 'all';
  /** Of a verify: replicates the differences too, then looks again. Always false for a backfill, which does so anyway. */
  repair: boolean;
  /** Whether replicas of keys the source does not have are deleted. */
  deleteExtra: boolean;
}

/**
 * What is done, in this order; a verify without repair does the last only.
 * - `comparing`: both sides are listed, and a hint is sent for every key that differs.
 * - `copying`: the replicate function works on the hints.
 * - `checking`: both sides are listed again, for the report. Nothing is sent.
 */
export type WorkPhase = 'comparing' | 'copying' | 'checking';

/** `paused` and `failed` may be resumed; `cancelled` and `finished` are final. */
export type Phase = WorkPhase | 'paused' | 'failed' | 'cancelled' | 'finished';

/** One look at both sides. Exact: a page counts in the same transaction in which its range goes ahead. */
export interface CompareCounters {
  /** Entries of the source's listing that were looked at: versions, or current objects; delete markers only where they travel. */
  versions: number;
  /** Their bytes. */
  bytes: number;
  /** Keys of the source that the rule wants: `same`, `missing`, `different`, `attributes` and `historyShorter` together. */
  keys: number;
  same: number;
  missing: number;
  different: number;
  /** The same content with other attributes. */
  attributes: number;
  historyShorter: number;
  /** Keys that are only at the destination; not among `keys`. */
  extra: number;
  /** Hints sent, and about how many bytes they ask to be copied. 0 while checking. */
  hints: number;
  hintBytes: number;
  /** Listing requests. */
  sourcePages: number;
  destinationPages: number;
  /** Keys that were looked at one by one, because listings could not tell, or to see their attributes. */
  looks: number;
}

/** What the replicate function did for the run. Duplicates are not counted; after a crash of it some may be missing. */
export interface CopyCounters {
  /** Hints that came to an end, failed ones aside. */
  done: number;
  /** By outcome (`replicated`, `unchanged`, `deleted`, …), together `done`. */
  outcomes: Record<string, number>;
  /** Hints that are in the dead-letter queue now. */
  failed: number;
  /** By reason, together `failed`. */
  reasons: Partial<Record<Reason, number>>;
  /** Hints that were let go because the run was paused or cancelled. */
  dropped: number;
  /** Versions written, and their bytes. */
  copies: number;
  bytes: number;
  /** By the minute in which it was counted (milliseconds since the epoch), in order. */
  minutes: { minuteMs: number; done: number; bytes: number }[];
  /** At most ten each, the first the largest or slowest. */
  largest: CopiedKey[];
  slowest: CopiedKey[];
}

export interface CopiedKey {
  key: string;
  bytes: number;
  durationMs: number;
}

export interface Run {
  /** Sorts by the time of its start. */
  id: string;
  spec: RunSpec;
  phase: Phase;
  /** What is under way, or was when the run was paused, failed, cancelled or finished. */
  work: WorkPhase;
  /** Why it failed; null otherwise. */
  failure: { reason: Reason; detail: string } | null;
  /** Milliseconds since the epoch. */
  createdMs: number;
  endedMs: number | null;
  /** When each phase of work was begun; one that was begun again (after hints were let go) more than once. */
  history: { work: WorkPhase; beganMs: number }[];
  /** Ranges of the present listing that are not done; 0 between listings. */
  openRanges: number;
  /** Tells one listing from another: goes up with each. */
  epoch: number;
  /** Of ranges that are done; `RunStore.progress` adds those under way. Null: not begun. */
  compared: CompareCounters | null;
  checked: CompareCounters | null;
  /** What was thought before the start; null: nobody asked. */
  estimate: RunEstimate | null;
}

/** Are both buckets listed in this phase? */
export const isListing = (phase: Phase): phase is 'comparing' | 'checking' =>
  phase === 'comparing' || phase === 'checking';

/** Is there something to do or to wait for? */
export const isActive = ({ phase }: Pick<Run, 'phase'>): boolean => isListing(phase) || phase === 'copying';

/** Has it come to its end for good? */
export const isOver = ({ phase }: Pick<Run, 'phase'>): boolean =>
  phase === 'finished' || phase === 'cancelled';

export const NOTHING_COMPARED: CompareCounters = {
  versions: 0,
  bytes: 0,
  keys: 0,
  same: 0,
  missing: 0,
  different: 0,
  attributes: 0,
  historyShorter: 0,
  extra: 0,
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
  'missing',
  'different',
  'attributes',
  'historyShorter',
  'extra',
  'hints',
  'hintBytes',
  'sourcePages',
  'destinationPages',
  'looks',
] as const satisfies (keyof CompareCounters)[];

/** Requests and US$ before the start; after the run the same is reckoned from the counters. */
export interface RunEstimate {
  keys: number;
  bytes: number;
  /** By kind, e.g. `list`, `get`, `put`, `head`, `queue`, `table`. */
  requests: Record<string, number>;
  /** By service, e.g. `s3`, `sqs`, `lambda`, `dynamodb`, `transfer`. */
  dollars: Record<string, number>;
  /** At the configured concurrency. */
  hours: number;
  /** `listing`: everything was counted. `sample`: a part was, and the rest is thought to be alike. */
  basis: 'listing' | 'sample';
  /** Of a sample: the true numbers are thought to be within ± this share (three standard errors); null: that cannot be told. 0 of a listing. */
  errorShare: number | null;
}
