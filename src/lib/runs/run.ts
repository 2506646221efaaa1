/**
 * A run: one backfill or verify of one destination of one rule. Plain JSON throughout, because it is kept in the table of runs.
 */
import type { Reason } from '../model/reasons.ts';

export interface RunSpec {
  /** `backfill` replicates what differs, `verify` reports it. */
  kind: 'backfill' | 'verify';
  /** Id of a rule in `replication.yml`. */
  rule: string;
  /** Id of one of its destinations. */
  destination: string;
  /** Only keys that begin with this prefix and with the rule's own; '' for all keys of the rule. */
  prefix: string;
  /** ISO 8601: only keys with something written at this time or later; null: all keys. */
  since: string | null;
  /** Whether every version is compared, or only the current objects. */
  versions: 'all' | 'latest';
  /** `all`: if listings show no difference, the attributes that listings do not show are compared too. */
  attributes: 'listed' | 'all';
  /** For a verify: also replicates the differences, then compares again. Always false for a backfill, which always does that. */
  repair: boolean;
  /** Whether replicas of keys that the source does not have are deleted. */
  deleteExtra: boolean;
}

/**
 * The phases of work, in this order; a verify without repair has only the last one.
 * - `comparing`: both sides are listed, and a hint is sent for every key that differs.
 * - `copying`: the replicate function works on the hints.
 * - `checking`: both sides are listed again, for the report. Nothing is sent.
 */
export type WorkPhase = 'comparing' | 'copying' | 'checking';

/** `paused` and `failed` may be resumed; `cancelled` and `finished` are final. */
export type Phase = WorkPhase | 'paused' | 'failed' | 'cancelled' | 'finished';

/** The counters of one listing of both sides. Exact: a page is counted in the transaction in which its range advances. */
export interface CompareCounters {
  /** Compared entries of the source: versions or current objects, and delete markers if the rule replicates deletes. */
  versions: number;
  /** Total bytes of these entries. */
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
  /** Hints sent, and the approximate number of bytes they cause to be copied. 0 while checking. */
  hints: number;
  hintBytes: number;
  /** Listing requests. */
  sourcePages: number;
  destinationPages: number;
  /** Keys that got a closer look, because listings did not decide or because their attributes are compared. */
  looks: number;
}

/** The replicate function's work for the run. Duplicates are not counted; after a crash of the function some hints may be missing. */
export interface CopyCounters {
  /** Hints that were finished, without the failed ones. */
  done: number;
  /** `done` by outcome (`replicated`, `unchanged`, `deleted`, …). */
  outcomes: Record<string, number>;
  /** Hints that are in the dead-letter queue now. */
  failed: number;
  /** `failed` by reason. */
  reasons: Partial<Record<Reason, number>>;
  /** Hints that were dropped because the run was paused or cancelled. */
  dropped: number;
  /** Versions written, and their bytes. */
  copies: number;
  bytes: number;
  /** Work by the minute in which it was counted (milliseconds since the epoch), in order. */
  minutes: { minuteMs: number; done: number; bytes: number }[];
  /** At most ten each, the largest or slowest first. */
  largest: CopiedKey[];
  slowest: CopiedKey[];
}

export interface CopiedKey {
  key: string;
  bytes: number;
  durationMs: number;
}

export interface Run {
  /** Ids sort by the time of the start. */
  id: string;
  spec: RunSpec;
  phase: Phase;
  /** The work under way, or the work at the moment when the run was paused, failed, cancelled or finished. */
  work: WorkPhase;
  /** Why the run failed; null: it did not fail. */
  failure: { reason: Reason; detail: string } | null;
  /** Milliseconds since the epoch. */
  createdMs: number;
  endedMs: number | null;
  /** When each phase of work began. A phase that began again, after hints were dropped, is listed again. */
  history: { work: WorkPhase; beganMs: number }[];
  /** The number of ranges of the present listing that are not done; 0 between listings. */
  openRanges: number;
  /** The number of the present listing: increases with each listing. */
  epoch: number;
  /** Counters of the ranges that are done; `RunStore.progress` adds the ranges under way. Null: not begun. */
  compared: CompareCounters | null;
  checked: CompareCounters | null;
  /** The estimate made before the start; null: none was requested. */
  estimate: RunEstimate | null;
}

/** Are both buckets listed in this phase? */
export const isListing = (phase: Phase): phase is 'comparing' | 'checking' =>
  phase === 'comparing' || phase === 'checking';

/** Is there something to do or to wait for in this phase? */
export const isActive = ({ phase }: Pick<Run, 'phase'>): boolean => isListing(phase) || phase === 'copying';

/** Has the run ended permanently? */
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

/** Requests and US$, estimated before the start of a run, or calculated from the counters after it. */
export interface RunEstimate {
  keys: number;
  bytes: number;
  /** By kind, e.g. `list`, `get`, `put`, `head`, `queue`, `table`. */
  requests: Record<string, number>;
  /** By service, e.g. `s3`, `sqs`, `lambda`, `dynamodb`, `transfer`. */
  dollars: Record<string, number>;
  /** At the configured concurrency. */
  hours: number;
  /** `listing`: everything was counted. `sample`: a part was counted, and the rest is assumed to be similar. */
  basis: 'listing' | 'sample';
  /** For a sample, the share by which the true numbers may differ (three standard errors); null: unknown. For a listing 0. */
  errorShare: number | null;
}
