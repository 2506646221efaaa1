/** The record of the scheduled verifies of one destination of a rule, and the port of its store. */

export interface VerifyRecord {
  /** The schedule for which `dueMs` was calculated, as JSON. */
  schedule: string;
  /** When the next verify begins, milliseconds since the epoch. */
  dueMs: number;
  /** The time until which one invocation starts the verify and no other invocation may. Milliseconds since the epoch. */
  claimedUntilMs: number;
  /** The outcome of the last time at which a verify was due; null: none was due yet. */
  last: VerifyStart | null;
  /** The last verdict about both sides; null: there is none yet. */
  verdict: VerifyVerdict | null;
}

export interface VerifyStart {
  atMs: number;
  /** `skipped`: another run worked on the same keys. `refused`: the budget is too small, or the source cannot be listed. */
  kind: 'refused' | 'skipped' | 'started';
  /** The run that was started, or that prevented the start. */
  run: string | null;
  /** Why the verify was skipped or refused; empty: it was started. */
  detail: string;
}

/** The result of a whole run of the destination, scheduled or not, or of a scheduled verify that was refused or stopped. */
export interface VerifyVerdict {
  atMs: number;
  run: string | null;
  agrees: boolean;
  detail: string;
}

/** Every function throws only ReplicationError. */
export interface VerifyLedger {
  /** The records by `verifyName`. */
  all(): Promise<ReadonlyMap<string, VerifyRecord>>;
  /** Stores the record in place of `before`. If the stored record is no longer `before`, changes nothing and resolves to false. */
  put(name: string, record: VerifyRecord, before: VerifyRecord | null): Promise<boolean>;
}

/** Returns the name of a record. Ids contain no slash. */
export const verifyName = ({ rule, destination }: { rule: string; destination: string }): string =>
  `${rule}/${destination}`;

/** The metrics of scheduled verifies. */
export interface VerifyMetrics {
  /** The number of destinations with a schedule whose last verdict is that the two sides do not agree. */
  failing(destinations: number): void;
}
