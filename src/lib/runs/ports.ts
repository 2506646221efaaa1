/** The ports that runs need in addition to their store. */
import type { CircuitStore } from '../delivery/circuits.ts';
import type { LiveQueue } from '../delivery/deps.ts';
import type { Hint } from '../hint/hint.ts';
import type { ListedVersion, ListPage } from '../listing/page.ts';
import type { Chain } from '../model/chain.ts';
import type { BrakeLedger } from '../model/brake.ts';
import type { Buckets, Clock } from '../model/ports.ts';
import type { Destination, ReplicationConfiguration, ReplicationRule } from '../model/rule.ts';
import type { VersionReceipts } from '../replica/version-receipt.ts';
import type { ReportRow, RunReport } from './report/report-data.ts';
import type { DifferenceFile, RunRecord, RunStore } from './run-store.ts';
import type { RunSpec } from './run.ts';
import type { VerifyLedger, VerifyMetrics } from './verify-record.ts';

/** A message of the queue of ranges. It requests work on the range of the listing `epoch` that begins at `from`. */
export interface RunMessage extends Chain {
  run: string;
  epoch: number;
  from: string;
}

export interface RunQueues {
  /** Resolves when SQS has accepted all messages. They are delivered at least once, in no order. */
  send(messages: readonly RunMessage[], delaySeconds?: number): Promise<void>;
  /** Sends hints. `delays` gives the delay of each hint in seconds, at most 900. Left out: none is delayed. */
  sendHints(hints: readonly Hint[], delays?: readonly number[]): Promise<void>;
  /** The approximate number of hints of all runs in the queue, whether visible, delayed or in flight. */
  hintsLeft(): Promise<number>;
}

/** The queue that the messages of an invocation came from. */
export interface RangesQueue extends LiveQueue {
  /** Sends a message of a newer release again, unchanged. It is delivered a quarter of an hour later. */
  sendLater(body: string): Promise<void>;
}

/** The listings of both sides. If a page cannot be listed, they throw {@link ReplicationError}. They do not retry. */
export interface Listings {
  source(rule: ReplicationRule, versions: RunSpec['versions']): ListPage<ListedVersion>;
  destination(destination: Destination, versions: RunSpec['versions']): ListPage<ListedVersion>;
}

/** Writes the files of reports. A file replaces an earlier file with the same name. */
export interface ReportFiles {
  bucket: string;
  /**
   * Opens a CSV file. The file is uploaded while more rows are still being found. `name` is relative to the folder of the run.
   */
  differences(run: string, name: string): DifferenceWriter;
  /** Writes `report.json` and `report.html`. Resolves to the SHA-256 of each, by name. */
  report(report: RunReport): Promise<Record<string, string>>;
}

export interface DifferenceWriter {
  write(rows: readonly ReportRow[]): Promise<void>;
  /** Resolves when S3 has stored the whole file. */
  close(): Promise<DifferenceFile>;
  /** Discards everything that was written. */
  abort(): Promise<void>;
}

/** Announces that a run has ended. It may announce the same end more than once. */
export interface RunTopic {
  announce(run: RunRecord): Promise<void>;
}

/** Work whose hints have left the queue of hints. */
export interface MovingObjects {
  /**
   * Counts for one rule and one of its destinations:
   * - `ofRule`: the objects that transfers are moving. Transfers that wait for a person do not count.
   * - `ofRun`: the objects among them that the run `id` requested.
   * - `waiting`: approximately, the messages that wait until the destination answers again.
   */
  count(
    of: Pick<RunSpec, 'rule' | 'destination'>,
    id: string,
  ): Promise<{ ofRule: number; ofRun: number; waiting: number }>;
}

/** The dependencies of one invocation of the backfill function. */
export interface RunDeps {
  /** The name of the stack: `<name>-<stage>`. */
  stack: string;
  configuration: ReplicationConfiguration;
  store: RunStore;
  queues: RunQueues;
  moving: MovingObjects;
  listings: Listings;
  buckets: Buckets;
  /** The receipts of versions whose digests cannot be compared. */
  receipts: Pick<VersionReceipts, 'find'>;
  /** The files of reports; null: no reports are written. */
  files: ReportFiles | null;
  topic: RunTopic;
  brakes: BrakeLedger;
  /** The record with the kept answers of other S3 services. */
  circuits: Pick<CircuitStore, 'load'>;
  /** The records of scheduled verifies. */
  verifies: VerifyLedger;
  metrics: VerifyMetrics;
  clock: Clock;
  /** Returns numbers in [0, 1). */
  random(): number;
  /** Milliseconds since the epoch after which no work may be under way. */
  deadlineMs: number;
  /** Maximum number of ranges of a run that are worked on concurrently. */
  listingConcurrency: number;
}
