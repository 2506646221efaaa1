/** Reads the state of a deployment. */
import { brakeName, type BrakeRecord } from '../model/brake.ts';
import { circuitName, type RuleDestination } from '../model/rule.ts';
import type { RunRecord } from '../runs/run-store.ts';
import { isOver } from '../runs/run.ts';
import { pairName, type SharedQueue } from './arrivals.ts';
import {
  type AlarmState,
  type BrakeState,
  type DeploymentState,
  isReadable,
  type Pending,
  type QueueCounts,
  type QueueState,
  type Readable,
  type RuleState,
  type RunSummary,
} from './deployment-state.ts';
import { avoidedSince } from './count-pending.ts';
import { pendingWork } from './pending.ts';
import type { AgedQueue, Measures, RuleMeasures, StateSources } from './ports.ts';
import { reusedFor } from './reused.ts';
import { lastVerify, runSummary, scheduledVerify } from './run-summary.ts';
import { transferStateOf } from './transfer-state.ts';

export interface StateReader {
  read(): Promise<DeploymentState>;
}

interface Setting {
  stack: string;
  region: string;
  /** The destinations of all rules. The messages of the queues are divided among all of them. */
  pairs: readonly RuleDestination[];
  now(): number;
}

/** How long an answer of CloudWatch is reused. Metrics change once a minute, and each request costs money. */
const METRICS_MS = 60_000;

/** Returns a reader that asks CloudWatch and its logs at most once a minute, and everything else each time. */
export const createStateReader = (sources: StateSources, setting: Setting): StateReader => {
  const slow = reusedFor(METRICS_MS, setting.now, async (): Promise<Slow> => {
    const nowMs = setting.now();
    const [measures, alarms] = await Promise.all([sources.measures(setting.pairs, nowMs), sources.alarms()]);
    return { measures, alarms, failures: await failuresOf(sources, measures, nowMs) };
  });
  return {
    async read() {
      const nowMs = setting.now();
      return await stateOf(sources, setting, await slow(), nowMs);
    },
  };
};

/** The answer of CloudWatch. */
interface Slow {
  measures: Readable<Measures>;
  alarms: Readable<AlarmState[]>;
  failures: Readable<ReadonlyMap<string, string>>;
}

const HOUR_MS = 3_600_000;

/** Searches the logs for reasons of failures. This takes seconds, so it is done only if something has failed. */
const failuresOf = async (
  sources: StateSources,
  measures: Readable<Measures>,
  nowMs: number,
): Promise<Slow['failures']> =>
  isReadable(measures) && [...measures.rules.values()].some(({ failedLastHour }) => failedLastHour > 0)
    ? await sources.failures(nowMs - HOUR_MS)
    : new Map();

type Answer<Name extends keyof StateSources> = Awaited<ReturnType<StateSources[Name]>>;

/** Everything that was read. Lists by destination are in the order of `pairs`. */
interface Parts extends Slow {
  counts: Answer<'queues'>;
  dead: Answer<'deadLetters'>;
  waiting: Readable<number>[];
  transfers: Answer<'transfers'>;
  runs: Answer<'runs'>;
  circuits: Answer<'circuits'>;
  brakes: Answer<'brakes'>;
  arrivals: Answer<'arrivals'>;
  verifies: Answer<'verifies'>;
}

const stateOf = async (
  sources: StateSources,
  { stack, region, pairs }: Setting,
  slow: Slow,
  nowMs: number,
): Promise<DeploymentState> => {
  const parts = { ...slow, ...(await readParts(sources, pairs, nowMs)) };
  const { runs, transfers, alarms } = parts;
  const pending = pendingIn(parts, pairs, nowMs);
  return {
    stack,
    region,
    at: new Date(nowMs).toISOString(),
    rules: pairs.map((where, index) => ruleState(where, parts.waiting[index] ?? 0, parts, pending)),
    ...queueStates(parts),
    runs: isReadable(runs) ? await summaries(runs, sources, nowMs) : runs,
    transfers: isReadable(transfers)
      ? transfers.toSorted((one, other) => one.startedMs - other.startedMs).map(transferStateOf)
      : transfers,
    alarms,
  };
};

const readParts = async (
  sources: StateSources,
  pairs: readonly RuleDestination[],
  nowMs: number,
): Promise<Omit<Parts, keyof Slow>> => {
  const [counts, dead, waiting, transfers, runs, circuits, brakes, arrivals, verifies] = await Promise.all([
    sources.queues(),
    sources.deadLetters(),
    Promise.all(pairs.map((where) => sources.waiting(where))),
    sources.transfers(),
    sources.runs(),
    sources.circuits(),
    sources.brakes(),
    sources.arrivals(nowMs),
    sources.verifies(),
  ]);
  return { counts, dead, waiting, transfers, runs, circuits, brakes, arrivals, verifies };
};

const ruleState = (
  where: RuleDestination,
  waiting: Readable<number>,
  { measures, failures, circuits, brakes, runs, verifies }: Parts,
  pending: Readable<Map<string, Pending>>,
): RuleState => {
  const { rule, destination } = where;
  const name = pairName(rule.id, destination.id);
  const measured = <Value extends number | object | null>(
    read: (found: RuleMeasures) => Value,
  ): Readable<Value> =>
    isReadable(measures) ? read(measures.rules.get(name) ?? NOTHING_MEASURED) : measures;
  return {
    rule: rule.id,
    destination: destination.id,
    sourceBucket: rule.source.bucket,
    destinationBucket: destination.bucket,
    lag: measured(({ lag }) => lag),
    pending: isReadable(pending) ? (pending.get(name) ?? NOTHING_PENDING) : pending,
    operationsPerSecond: measured(({ operationsPerSecond }) => operationsPerSecond),
    bytesPerSecond: measured(({ bytesPerSecond }) => bytesPerSecond),
    failedLastHour: measured(({ failedLastHour }) => failedLastHour),
    failureReason: isReadable(failures) ? (failures.get(name) ?? null) : failures,
    lastHour: measured(({ lastHour }) => lastHour),
    waiting,
    avoided: isReadable(circuits) ? avoidedOf(circuits.open.get(circuitName(destination))) : circuits,
    brake: isReadable(brakes) ? brakeOf(where, brakes) : brakes,
    lastVerify: isReadable(runs) ? lastVerify(runs, rule.id, destination.id) : runs,
    verify: isReadable(verifies) ? scheduledVerify(where, verifies) : verifies,
  };
};

const queueStates = ({ counts, dead, measures }: Parts): Pick<DeploymentState, 'queues' | 'deadLetters'> => {
  const queue = (messages: Readable<QueueCounts>, name: AgedQueue): QueueState => ({
    messages,
    oldestSeconds: isReadable(measures) ? (measures.oldestSeconds.get(name) ?? null) : measures,
  });
  return {
    queues: {
      live: queue(counts.live, 'live'),
      backfill: queue(counts.backfill, 'backfill'),
      ranges: queue(counts.ranges, 'ranges'),
      transfers: queue(counts.transfers, 'transfers'),
    },
    deadLetters: {
      live: queue(dead.live, 'dead-live'),
      ranges: queue(dead.ranges, 'dead-ranges'),
      transfers: queue(dead.transfers, 'dead-transfers'),
    },
  };
};

const NOTHING_MEASURED: RuleMeasures = {
  lag: null,
  operationsPerSecond: 0,
  bytesPerSecond: 0,
  failedLastHour: 0,
  lastHour: { from: new Date(0).toISOString(), lag: [], operations: [], bytes: [], failed: [] },
};

const NOTHING_PENDING: Pending = { operations: 0, bytes: 0, oldestSeconds: null };

/** Divides the pending work among the destinations. It is known only if all of its sources can be read. */
const pendingIn = (
  parts: Parts,
  pairs: readonly RuleDestination[],
  nowMs: number,
): Readable<Map<string, Pending>> => {
  const { counts, waiting, transfers, circuits, arrivals } = parts;
  const queues: Record<SharedQueue, Readable<QueueCounts>> = counts;
  const { live, backfill } = queues;
  if (!isReadable(live)) return live;
  if (!isReadable(backfill)) return backfill;
  if (!isReadable(transfers)) return transfers;
  if (!isReadable(circuits)) return circuits;
  if (!isReadable(arrivals)) return arrivals;
  const counted = new Map<string, number>();
  for (const [index, { rule, destination }] of pairs.entries()) {
    const messages = waiting[index] ?? 0;
    if (!isReadable(messages)) return messages;
    counted.set(pairName(rule.id, destination.id), messages);
  }
  const avoidedSinceMs = avoidedSince(pairs, circuits);
  const backlog = { queues: { live, backfill }, arrivals, transfers, waiting: counted, avoidedSinceMs };
  return pendingWork(backlog, pairs, nowMs);
};

const avoidedOf = (open: { sinceMs: number; reason: string; detail: string } | undefined) =>
  open === undefined
    ? null
    : { since: new Date(open.sinceMs).toISOString(), reason: open.reason, detail: open.detail };

const brakeOf = (where: RuleDestination, brakes: ReadonlyMap<string, BrakeRecord>): BrakeState => {
  const record = brakes.get(brakeName(where));
  const closed = record?.closed ?? null;
  return {
    state: where.rule.brake === null ? 'off' : closed === null ? 'open' : 'closed',
    since: closed === null ? null : new Date(closed.sinceMs).toISOString(),
    why: closed?.why ?? null,
    releasing: record !== undefined && record.releasing !== null,
  };
};

const summaries = async (
  runs: readonly RunRecord[],
  sources: StateSources,
  nowMs: number,
): Promise<Readable<RunSummary[]>> => {
  const found: RunSummary[] = [];
  for (const { id } of runs.filter((run) => !isOver(run))) {
    const progress = await sources.progress(id);
    if (!isReadable(progress)) return progress;
    if (progress !== null) found.push(runSummary(progress.run, progress.copied, nowMs));
  }
  return found;
};
