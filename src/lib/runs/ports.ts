/** What runs need from the outside besides their store. */
import type { Hint } from '../hint/hint.ts';
import type { ListedVersion, ListPage } from '../listing/page.ts';
import type { Buckets, Clock } from '../model/ports.ts';
import type { Destination, ReplicationConfiguration, ReplicationRule } from '../model/rule.ts';
import type { ReportRow, RunReport } from './report/report-data.ts';
import type { DifferenceFile, RunRecord, RunStore } from './run-store.ts';
import type { RunSpec } from './run.ts';

/** In the queue of ranges: a range to go on with, or time for a look at the run as a whole. */
export type RunMessage =
  { kind: 'range'; run: string; epoch: number; from: string } | { kind: 'tick'; run: string; tick: string };

export interface RunQueues {
  /** Resolves when SQS has accepted all of them. At least once, in no order. */
  send(messages: readonly RunMessage[], delaySeconds?: number): Promise<void>;
  sendHints(hints: readonly Hint[]): Promise<void>;
  /** About how many hints of all runs are in the queue: visible, delayed and in flight. */
  hintsLeft(): Promise<number>;
}

/** Listings of both sides; a page that fails throws {@link ReplicationError}, and nobody tries again. */
export interface Listings {
  source(rule: ReplicationRule, versions: RunSpec['versions']): ListPage<ListedVersion>;
  destination(destination: Destination, versions: RunSpec['versions']): ListPage<ListedVersion>;
}

/** Where the files of reports are written. The same name again takes the place of what was there. */
export interface ReportFiles {
  bucket: string;
  /** A CSV file, streamed while its rows are found. `name` is relative to the folder of the run. */
  differences(run: string, name: string): DifferenceWriter;
  /** `report.json` and `report.html`. */
  report(report: RunReport): Promise<void>;
}

export interface DifferenceWriter {
  write(rows: readonly ReportRow[]): Promise<void>;
  /** Resolves when S3 has the whole file. */
  close(): Promise<DifferenceFile>;
  /** Lets go of what was written. */
  abort(): Promise<void>;
}

/** Tells that a run has come to its end. At least once. */
export interface RunTopic {
  announce(run: RunRecord): Promise<void>;
}

/** Large objects that many invocations are still moving: the hints for them are gone from the queue. */
export interface MovingObjects {
  /** Of one rule to one of its destinations; those that wait for a person are not among them. */
  count(of: Pick<RunSpec, 'rule' | 'destination'>): Promise<number>;
}

/** What one invocation of the backfill function is given to work with. */
export interface RunDeps {
  /** `<name>-<stage>`. */
  stack: string;
  configuration: ReplicationConfiguration;
  store: RunStore;
  queues: RunQueues;
  moving: MovingObjects;
  listings: Listings;
  buckets: Buckets;
  /** Null: none are written. */
  files: ReportFiles | null;
  topic: RunTopic;
  clock: Clock;
  /** In [0, 1). */
  random(): number;
  /** Milliseconds since the epoch after which no work may be under way. */
  deadlineMs: number;
  /** So many ranges of a run are worked on at once. */
  listingConcurrency: number;
}
