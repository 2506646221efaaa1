/** The sources of the state of a deployment. The adapters are in `aws/state-sources.ts`. */
import type { Transfer } from '../copy/transfer/transfer.ts';
import type { CircuitRecord } from '../delivery/circuits.ts';
import type { BrakeRecord } from '../model/brake.ts';
import type { RuleDestination } from '../model/rule.ts';
import type { RunRecord } from '../runs/run-store.ts';
import type { CopyCounters } from '../runs/run.ts';
import type { VerifyRecord } from '../runs/verify-record.ts';
import type { Arrivals, SharedQueue } from './arrivals.ts';
import type {
  AlarmState,
  DeadLetterQueue,
  Lag,
  LastHour,
  QueueCounts,
  Readable,
  WorkQueue,
} from './deployment-state.ts';

/**
 * Each function resolves to the missing permission if the caller has none. For any other failure it throws ReplicationError or
 * QueueError.
 */
export interface StateSources {
  queues(): Promise<Record<WorkQueue, Readable<QueueCounts>>>;
  deadLetters(): Promise<Record<DeadLetterQueue, Readable<QueueCounts>>>;
  waiting(where: RuleDestination): Promise<Readable<number>>;
  circuits(): Promise<Readable<CircuitRecord>>;
  arrivals(nowMs: number): Promise<Readable<Record<SharedQueue, Arrivals>>>;
  /** The records of all brakes that were ever used, by name. */
  brakes(): Promise<Readable<ReadonlyMap<string, BrakeRecord>>>;
  /** The newest runs, newest first. */
  runs(): Promise<Readable<RunRecord[]>>;
  /** The records of scheduled verifies, by name. */
  verifies(): Promise<Readable<ReadonlyMap<string, VerifyRecord>>>;
  /** A run that is not over, with the counters of the ranges under way and of its copies. */
  progress(run: string): Promise<Readable<{ run: RunRecord; copied: CopyCounters } | null>>;
  transfers(): Promise<Readable<Transfer[]>>;
  measures(pairs: readonly RuleDestination[], nowMs: number): Promise<Readable<Measures>>;
  alarms(): Promise<Readable<AlarmState[]>>;
  /** The most frequent reason of the failures since `sinceMs`, by `pairName`. Called only after something has failed. */
  failures(sinceMs: number): Promise<Readable<ReadonlyMap<string, string>>>;
}

/** Metrics and alarms from CloudWatch. */
export interface Measures {
  /** By `pairName`. */
  rules: ReadonlyMap<string, RuleMeasures>;
  /** The age of the oldest message of each queue in seconds. A queue without messages has no entry. */
  oldestSeconds: ReadonlyMap<AgedQueue, number>;
}

export interface RuleMeasures {
  lag: Lag | null;
  operationsPerSecond: number;
  bytesPerSecond: number;
  failedLastHour: number;
  lastHour: LastHour;
}

export type AgedQueue = WorkQueue | `dead-${DeadLetterQueue}`;
