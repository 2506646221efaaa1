/**
 * The state of a deployment, as `status --json` prints it and as `doctor` and `status` show it. Times are ISO 8601, durations are in
 * seconds. docs/cli.md describes the fields.
 */
import type { TransferState } from './transfer-state.ts';

/** A part of the state that the caller may not read. `notReadable` is the IAM action that is missing. */
export interface NotReadable {
  notReadable: string;
}

export type Readable<Value> = Value | NotReadable;

export interface DeploymentState {
  stack: string;
  region: string;
  /** When the state was read. */
  at: string;
  /** One entry for each destination of each rule, in the order of `replication.yml`. */
  rules: RuleState[];
  queues: Record<WorkQueue, QueueState>;
  /** The dead-letter queue of each kind of work. */
  deadLetters: Record<DeadLetterQueue, QueueState>;
  /** The runs that are not over, newest first. */
  runs: Readable<RunSummary[]>;
  /** The transfers under way, oldest first. */
  transfers: Readable<TransferState[]>;
  /** The alarms of the stack that are not OK. */
  alarms: Readable<AlarmState[]>;
}

export type WorkQueue = 'live' | 'backfill' | 'ranges' | 'transfers';
export type DeadLetterQueue = 'live' | 'ranges' | 'transfers';

/** The messages of a queue. SQS documents the numbers as approximate. */
export interface QueueCounts {
  visible: number;
  inFlight: number;
  delayed: number;
}

export interface QueueState {
  messages: Readable<QueueCounts>;
  /** The age of the oldest message in seconds, as CloudWatch last knew it; null: the queue had no message. */
  oldestSeconds: Readable<number | null>;
}

/** One destination of one rule. */
export interface RuleState {
  rule: string;
  destination: string;
  sourceBucket: string;
  destinationBucket: string;
  /** The latest five-minute latency within the last quarter of an hour; null: nothing was replicated in that time. */
  lag: Readable<Lag | null>;
  pending: Readable<Pending>;
  /** Replicated operations per second, measured over the last five whole minutes. */
  operationsPerSecond: Readable<number>;
  bytesPerSecond: Readable<number>;
  failedLastHour: Readable<number>;
  /** The most frequent reason of these failures, according to the logs; null: none is known. */
  failureReason: Readable<string | null>;
  lastHour: Readable<LastHour>;
  /** The number of messages in the waiting queue of the destination. */
  waiting: Readable<number>;
  /** The circuit, if it is open; null: the destination is not avoided. */
  avoided: Readable<Avoided | null>;
  brake: Readable<BrakeState>;
  /** The last run that compared both sides to its end; null: none. */
  lastVerify: Readable<LastVerify | null>;
  /** The schedule of verifies; null: the rule has none. */
  verify: Readable<ScheduledVerify | null>;
}

export interface Lag {
  p50Seconds: number;
  p99Seconds: number;
}

/** The measurements of the last hour, oldest first. The first five minutes and the first minute begin at `from`. */
export interface LastHour {
  /** A multiple of five minutes. */
  from: string;
  /** The latency in each period of five minutes; null: nothing was replicated. The last period may not be over yet. */
  lag: (Lag | null)[];
  /** Replicated operations of each whole minute. */
  operations: number[];
  bytes: number[];
  failed: number[];
}

/** Work that is not done yet. The numbers are approximate, because the counts of the queues are divided among the rules. */
export interface Pending {
  operations: number;
  /** The approximate number of bytes; null: no mean size is known. */
  bytes: number | null;
  /** The age of the oldest pending work; null: nothing is pending. */
  oldestSeconds: number | null;
}

export interface Avoided {
  since: string;
  reason: string;
  detail: string;
}

export interface BrakeState {
  state: 'off' | 'open' | 'closed';
  since: string | null;
  why: string | null;
  /** Whether released keys are still being passed on. */
  releasing: boolean;
}

export interface LastVerify {
  run: string;
  kind: 'backfill' | 'verify';
  ended: string;
  agrees: boolean;
  /** The result in one or two sentences. */
  verdict: string;
}

export interface ScheduledVerify {
  /** When the next verify begins; null: not known yet, for up to a minute after a deployment. */
  next: string | null;
  /** The outcome of the last time at which a verify was due; null: none was due yet. */
  last: { at: string; kind: 'refused' | 'skipped' | 'started'; run: string | null; detail: string } | null;
  /** Whether the alarm is on, because the last verdict is that the two sides do not agree. */
  failing: boolean;
}

export interface RunSummary {
  run: string;
  kind: 'backfill' | 'verify';
  rule: string;
  destination: string;
  phase: string;
  started: string;
  keysDone: number;
  /** The number of keys to process in all; null as long as it is not known. */
  keysInAll: number | null;
  bytesDone: number;
  bytesInAll: number | null;
  secondsLeft: number | null;
  /** When the hours of the run begin; null: it may work now. */
  opens: string | null;
  failure: { reason: string; detail: string } | null;
}

export interface AlarmState {
  alarm: string;
  state: 'ALARM' | 'INSUFFICIENT_DATA';
  since: string | null;
  description: string;
  /** The command that the description names; null: none. */
  command: string | null;
}

export const isReadable = <Value extends object | number | string | null>(
  value: Readable<Value>,
): value is Exclude<Value, NotReadable> =>
  typeof value !== 'object' || value === null || !('notReadable' in value);

/** Returns the text of a part of the state, or `otherwise` if the caller may not read that part. */
export const readableText = <Value extends object | number | string | null>(
  value: Readable<Value>,
  textOf: (found: Exclude<Value, NotReadable>) => string,
  otherwise = '?',
): string => (isReadable(value) ? textOf(value) : otherwise);

/** Returns the permissions that are missing, each once. */
export const missingPermissions = (state: DeploymentState): string[] => {
  const found = new Set<string>();
  const collect = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    if ('notReadable' in value && typeof value.notReadable === 'string') found.add(value.notReadable);
    else for (const each of Object.values(value)) collect(each);
  };
  collect(state);
  return [...found].toSorted();
};

/** Returns how many messages a queue holds. Returns 0 if the caller may not read the queue. */
export const messagesIn = ({ messages }: QueueState): number =>
  isReadable(messages) ? messages.visible + messages.inFlight + messages.delayed : 0;
