/**
 * A run in a world that is completely in memory. Its queues deliver messages in any order, and some of them
 * twice. Its replicate function copies at once. Its invocations may die at any call that they make.
 */
import type { ReplicationRule } from '../../src/lib/model/rule.ts';
import { startRuns } from '../../src/lib/runs/control.ts';
import { workOnMessage } from '../../src/lib/runs/messages.ts';
import type { ReportFiles, RunDeps, RunQueues } from '../../src/lib/runs/ports.ts';
import type { ReportRow, RunReport } from '../../src/lib/runs/report/report-data.ts';
import { tendRuns } from '../../src/lib/runs/tend-runs.ts';
import { isActive, type RunSpec } from '../../src/lib/runs/run.ts';
import { opensMs } from '../../src/lib/model/run-limits.ts';
import { createMemoryBrakes } from '../model/memory-brakes.ts';
import { createMemoryCircuitStore } from '../model/memory-circuits.ts';
import { createMemoryVerifies } from '../model/memory-verifies.ts';
import { createMemoryRunStore } from '../model/memory-run-store.ts';
import { memoryVersionReceipts } from '../model/memory-version-receipts.ts';
import { testConfiguration, testRule } from '../model/settings.ts';
import { entriesOf, type Histories, listingOf, NOW } from './histories.ts';
import { mortal } from './mortal.ts';
import { aSpec, keepReport } from './runs.ts';
import { sideBuckets } from './side-buckets.ts';
import type { World } from './world-parts.ts';

export interface WorldOptions {
  source: Histories;
  replica: Histories;
  rule?: Partial<ReplicationRule>;
  /** Further rules of the configuration. */
  others?: ReplicationRule[];
  pageSize?: number;
  listingConcurrency?: number;
  /** Called before and after each call of an invocation. If it returns true, the invocation dies there. */
  diesAt?: () => boolean;
  /** Returns a number in [0, 1). */
  random?: () => number;
}

export const createWorld = (options: WorldOptions) => {
  const world = emptyWorld(options);
  const { store, messages, hints, announced, reports, files, requests, moving, broken, clock } = world;
  const { source, replica } = world;
  return {
    store,
    messages,
    hints,
    announced,
    reports,
    files,
    requests,
    broken,
    moving,
    brakes: world.brakes,
    verifies: world.verifies,
    /** Lets time pass until the schedule has tended the runs once more. */
    async nextMinute() {
      world.nowMs = Math.max(world.nowMs, world.tendMs);
      await tend(world);
    },
    /** Lets time pass without a schedule. */
    sleepUntil(ms: number) {
      world.nowMs = Math.max(world.nowMs, ms);
    },
    foreignHints: world.foreignHints,
    source,
    replica,
    clock,
    deps: () => depsOf(world),
    step: () => takeStep(world),
    /** Deploys a change of the rule. Null: the rule is removed, and those beside it stay. */
    deploy(fields: Partial<ReplicationRule> | null) {
      if (fields === null) world.rules = world.rules.filter((rule) => rule !== world.rule);
      else Object.assign(world.rule, fields);
    },
    deliver: () => deliver(world),
    work: () => replicateOne(world),
    tend: () => tend(world),
    /** Starts a run. The calls to the store and the queues never fail here. */
    start: (spec: Partial<RunSpec> = {}) => start(world, spec),
    /** Makes steps until the run is over, failed or paused. */
    async untilStill(id: string, most = 20_000) {
      for (let steps = 0; steps < most; steps += 1) {
        const run = store.runs.get(id);
        if (run !== undefined && !isActive(run) && (run.announced || run.phase === 'paused')) return run;
        await takeStep(world);
      }
      throw new Error(`the run does not end: ${JSON.stringify(store.runs.get(id))}`);
    },
    rows: (report: RunReport) => report.files.flatMap(({ key }) => files.get(key) ?? []),
  };
};

const emptyWorld = (options: WorldOptions): World => {
  const { source, replica, pageSize = 3, listingConcurrency = 4, diesAt = () => false } = options;
  const clock = {
    now: () => world.nowMs,
    sleep: async (ms: number) => void (world.nowMs += ms),
  };
  const rule = testRule({ versions: 'all', ...options.rule });
  const world: World = {
    source,
    replica,
    rule,
    rules: [rule, ...(options.others ?? [])],
    pageSize,
    listingConcurrency,
    diesAt,
    random: options.random ?? Math.random,
    nowMs: NOW,
    clock,
    store: createMemoryRunStore(clock.now),
    messages: [],
    tendMs: NOW,
    brakes: createMemoryBrakes(),
    circuits: createMemoryCircuitStore(),
    verifies: createMemoryVerifies(),
    hints: [],
    announced: [],
    reports: [],
    files: new Map(),
    requests: { pages: 0, onPage: null },
    moving: { ofRule: 0, ofRun: 0, waiting: 0 },
    foreignHints: { count: 0 },
    broken: { source: null },
    receipts: new Set(),
  };
  return world;
};

class Died extends Error {}

/**
 * Returns the ports of one invocation. The invocation dies at the first call for which `diesAt` returns true.
 */
const depsOf = (world: World): RunDeps & Pick<World, 'circuits'> => {
  const { source, replica, pageSize, requests, clock, random, listingConcurrency } = world;
  let isDead = false;
  const point = (): void => {
    if (isDead || world.diesAt()) {
      isDead = true;
      throw new Died('the invocation died');
    }
  };
  return {
    stack: 'test-prod',
    configuration: testConfiguration(...world.rules),
    store: mortal(world.store, point),
    queues: mortal(queuesOf(world), point),
    moving: { count: async () => world.moving },
    listings: {
      source: () =>
        listingOf(
          () => source,
          pageSize,
          requests,
          () => world.broken.source,
        ),
      destination: () =>
        listingOf(
          () => replica,
          pageSize,
          requests,
          () => null,
        ),
    },
    buckets: sideBuckets(
      () => entriesOf(source),
      () => entriesOf(replica),
    ),
    receipts: memoryVersionReceipts(),
    files: filesOf(world, point),
    topic: mortal({ announce: async ({ id }: { id: string }) => void world.announced.push(id) }, point),
    brakes: world.brakes,
    circuits: world.circuits,
    verifies: mortal({ all: world.verifies.all, put: world.verifies.put }, point),
    metrics: world.verifies,
    clock,
    random,
    deadlineMs: world.nowMs + 870_000,
    listingConcurrency,
  };
};

const queuesOf = (world: World): RunQueues => ({
  send: async (sent, delaySeconds = 0) =>
    void world.messages.push(
      ...sent.map((message) => ({ message, atMs: world.nowMs + delaySeconds * 1_000 })),
    ),
  sendHints: async (sent) => void world.hints.push(...sent),
  hintsLeft: async () => world.hints.length + world.foreignHints.count,
});

const filesOf = ({ files, reports }: World, point: () => void): ReportFiles => ({
  bucket: 'reports',
  differences: (run, name) => {
    const rows: ReportRow[] = [];
    return {
      write: async (more) => void rows.push(...more),
      async close() {
        point();
        files.set(`${run}/${name}`, rows);
        return { key: `${run}/${name}`, rows: rows.length, sha256: '', first: rows.slice(0, 50) };
      },
      abort: async () => undefined,
    };
  },
  report: async (report) => keepReport(reports, report),
});

const start = async (world: World, spec: Partial<RunSpec>) => {
  const { rule, store } = world;
  const destination = rule.destinations[0]?.id ?? '';
  const deps = { ...depsOf(world), store, queues: queuesOf(world) };
  const [run] = await startRuns(
    [{ spec: aSpec({ rule: rule.id, destination, versions: rule.versions, ...spec }), estimate: null }],
    deps,
  );
  return run!;
};

/**
 * Delivers one message or processes one hint, chosen at random. If there are neither, advances the clock to the next message or to the
 * next minute, in which the schedule tends the runs.
 */
const takeStep = async (world: World): Promise<void> => {
  const did =
    world.random() < 0.5
      ? (await deliver(world)) || replicateOne(world)
      : replicateOne(world) || (await deliver(world));
  if (did) return;
  const next = Math.min(world.tendMs, ...world.messages.map(({ atMs }) => atMs));
  world.nowMs = Math.max(world.nowMs, next);
  await tend(world);
};

/** Tends the runs if a minute has passed. */
const tend = async (world: World): Promise<void> => {
  if (world.nowMs < world.tendMs) return;
  world.tendMs = world.nowMs + 60_000;
  // An invocation that died is repeated in the next minute.
  await tendRuns(depsOf(world)).catch(() => undefined);
};

/** Delivers one message that is due, chosen at random. Resolves to false when no message is due. */
const deliver = async (world: World): Promise<boolean> => {
  const { messages, random } = world;
  const due = messages.filter(({ atMs }) => atMs <= world.nowMs);
  const taken = due[Math.floor(random() * due.length)];
  if (taken === undefined) return false;
  try {
    await workOnMessage(taken.message, 1, depsOf(world));
  } catch {
    // The message was given back, or its invocation died. In both cases it is delivered again.
    taken.atMs = world.nowMs + 960_000;
    return true;
  }
  // SQS delivers some messages a second time, so these stay in the queue.
  if (random() < 0.9) messages.splice(messages.indexOf(taken), 1);
  return true;
};

/** Processes one hint as the replicate function does. Returns false if there is no hint. */
const replicateOne = (world: World): boolean => {
  const { hints, store, receipts, source, replica, random } = world;
  const index = Math.floor(random() * hints.length);
  const [hint] = hints.splice(index, 1);
  if (hint === undefined) return false;
  const id = hint.run ?? '';
  const run = store.runs.get(id);
  const isClosed = opensMs(run?.limits, world.nowMs) !== null;
  if (run?.phase === 'paused' || run?.phase === 'cancelled' || isClosed) {
    store.count(id, { kind: 'dropped' });
    return true;
  }
  const name = JSON.stringify([hint.identity, hint.key]);
  if (receipts.has(name)) return true;
  receipts.add(name);
  const versions = source[hint.key];
  if (hint.kind === 'extra') delete replica[hint.key];
  else if (versions !== undefined) replica[hint.key] = [...versions];
  store.count(id, {
    kind: 'done',
    key: hint.key,
    receipt: { outcome: 'replicated', copies: 1, bytes: versions?.at(-1)?.length ?? 0, durationMs: 1 },
  });
  return true;
};
