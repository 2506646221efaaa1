/** The parts of the world of a run. */
import type { MemoryCircuitStore } from '../model/memory-circuits.ts';
import type { Hint } from '../../src/lib/hint/hint.ts';
import type { ReplicationError } from '../../src/lib/model/errors.ts';
import type { ReplicationRule } from '../../src/lib/model/rule.ts';
import type { RunDeps, RunMessage } from '../../src/lib/runs/ports.ts';
import type { ReportRow, RunReport } from '../../src/lib/runs/report/report-data.ts';
import type { MemoryBrakes } from '../model/memory-brakes.ts';
import type { MemoryRunStore } from '../model/memory-run-store.ts';
import type { MemoryVerifies } from '../model/memory-verifies.ts';
import type { Histories, PageRequests } from './histories.ts';

/** Everything that a run can read or change, and the settings of the world. */
export interface World {
  source: Histories;
  replica: Histories;
  rule: ReplicationRule;
  /** All rules of the configuration, with `rule` as the first until it is removed. */
  rules: ReplicationRule[];
  pageSize: number;
  listingConcurrency: number;
  diesAt(): boolean;
  random(): number;
  nowMs: number;
  clock: RunDeps['clock'];
  store: MemoryRunStore;
  messages: { message: RunMessage; atMs: number }[];
  /** When the schedule tends the runs next. */
  tendMs: number;
  brakes: MemoryBrakes;
  circuits: MemoryCircuitStore;
  verifies: MemoryVerifies;
  hints: Hint[];
  announced: string[];
  reports: RunReport[];
  files: Map<string, ReportRow[]>;
  requests: PageRequests;
  /** The numbers of objects that transfers are still moving, and of messages that wait for the destination. */
  moving: { ofRule: number; ofRun: number; waiting: number };
  /** The number of hints of others in the queue. They stay there. */
  foreignHints: { count: number };
  broken: { source: ReplicationError | null };
  /** The hints that have been processed. */
  receipts: Set<string>;
}
