/** The ports that runs need besides their store. */
import type { Hint } from '../hint/hint.ts';
import type { ListedVersion, ListPage } from '../listing/page.ts';
import type { Buckets, Clock } from '../model/ports.ts';
import type { Destination, ReplicationConfiguration, ReplicationRule } from '../model/rule.ts';
import type { ReportRow, RunReport } from './report/report-data.ts';
import type { DifferenceFile, RunRecord, RunStore } from './run-store.ts';
import type { RunSpec } from './run.ts';

/** A message of the queue of ranges: a range to continue, or a tick, which checks the run as a whole. */
export type RunMessage =
  { kind: 'range'; run: string; epoch: number; from: string } | { kind: 'tick'; run: string; tick: string };

export interface RunQueues {
  /** Resolves when SQS has accepted all messages. They are delivered at least once, in no order. */
  send(messages: readonly RunMessage[], delaySeconds?: number): Promise<void>;
  sendHints(hints: readonly Hint[]): Promise<void>;
  /** The approximate number of hints of all runs in the queue: visible, delayed and in flight. */
  hintsLeft(): Promise<number>;
}

/** Listings of both sides. A page that fails throws {@link ReplicationError}; it is not retried here. */
export interface Listings {
  source(rule: ReplicationRule, versions: RunSpec['versions']): ListPage<ListedVersion>;
  destination(destination: Destination, versions: RunSpec['versions']): ListPage<ListedVersion>;
}

/** Writes the files of reports. A file replaces an earlier one of the same name. */
export interface ReportFiles {
  bucket: string;
  /** A CSV file that is streamed while its rows are found. `name` is relative to the folder of the run. */
  differences(run: string, name: string): DifferenceWriter;
  /** `report.json` and `report.html`. */
  report(report: RunReport): Promise<void>;
}

export interface DifferenceWriter {
  write(rows: readonly ReportRow[]): Promise<void>;
  /** Resolves when S3 has stored the whole file. */
  close(): Promise<DifferenceFile>;
  /** Discards what was written. */
  abort(): Promise<void>;
}

/** Announces at least once that a run has ended. */
export interface RunTopic {
  announce(run: RunRecord): Promise<void>;
}

/** Large objects that transfers are still moving: their hints are no longer in the queue. */
export interface MovingObjects {
  /** Counts the objects of one rule and one of its destinations, without those that wait for a person. */
  count(of: Pick<RunSpec, 'rule' | 'destination'>): Promise<number>;
}

/** Everything that one invocation of the backfill function works with. */
export interface RunDeps {
  /** `<name>-<stage>`. */
  stack: string;
  configuration: ReplicationConfiguration;
  store: RunStore;
  queues: RunQueues;
  moving: MovingObjects;
  listings: Listings;
  buckets: Buckets;
  /** Null: no reports are written. */
  files: ReportFiles | null;
  topic: RunTopic;
  clock: Clock;
  /** In [0, 1). */
  random(): number;
  /** Milliseconds since the epoch after which no work may be under way. */
  deadlineMs: number;
  /** Maximum number of ranges of a run that are worked on concurrently. */
  listingConcurrency: number;
}
