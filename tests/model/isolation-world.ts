/**
 * A deployment in model time: a live queue, execution environments that come and go, waiting queues, and the schedule. Each rule has one
 * destination, which may be healthy, deny its role, hang, or throttle.
 */
import { watchAnswers } from '../../src/lib/delivery/answer-watch.ts';
import { circuitsFor, knowCircuits, type KnownCircuits } from '../../src/lib/delivery/circuits.ts';
import type { QueueMessage, TransferDeps } from '../../src/lib/delivery/deps.ts';
import type { OutcomeRecord } from '../../src/lib/delivery/outcome.ts';
import { createBudget } from '../../src/lib/model/concurrency.ts';
import { ReplicationError } from '../../src/lib/model/errors.ts';
import type { AnswerWatch } from '../../src/lib/model/ports.ts';
import type { Destination } from '../../src/lib/model/rule.ts';
import { letBackAll } from '../../src/lib/replicate/let-back.ts';
import { replicateBatch } from '../../src/lib/replicate/replicate-batch.ts';
import { memoryLetters } from './memory-letters.ts';
import { createMemoryBucket } from './memory-buckets.ts';
import { noBrakes } from './memory-brakes.ts';
import { closedCircuits, createMemoryCircuitStore } from './memory-circuits.ts';
import { memoryDestination } from './memory-destination.ts';
import { createMemoryReceipts } from './memory-receipts.ts';
import { messageOf } from './memory-retries.ts';
import { noRuns } from './memory-run-counts.ts';
import { type Gate, memorySource } from './memory-source.ts';
import { noTransfers } from './memory-transfers.ts';
import { memoryVersionReceipts } from './memory-version-receipts.ts';
import { createModelQueues } from './model-queues.ts';
import { createModelTime, type ModelTime } from './model-time.ts';
import { s3Event, testConfiguration, testDestination, testInvocation, testRule } from './settings.ts';

export type Health = 'healthy' | 'slow' | 'denied' | 'hanging' | 'throttling';

/** The default of `stack.maximumConcurrency`. */
const SLOTS = 50;
const BATCH = 10;
/** How long each call to a bucket takes. */
const CALL_MS = 30;
/** How long each call to a slow bucket takes. */
const SLOW_MS = 6_000;
/** How long a call may wait for an answer (`call.ts`). */
const ANSWER_MS = 10_000;
/** A second in which nobody knows that a call hangs, and the calls before it. */
const LONG_MS = 2_000;
/** After how many invocations Lambda replaces an execution environment. */
const INVOCATIONS_OF_ENVIRONMENT = 200;

/** With `isCold`, every invocation gets a new execution environment. */
export const isolationWorld = (
  names: string[],
  { withCircuits = true, isCold = false, batch = BATCH, windowMs = 0 } = {},
) => {
  const world = createWorld(names);
  const { time, queues, source, replicas, records } = world;
  const depsOf = depsIn(world, withCircuits);
  const invocationsOfEnvironment = isCold ? 1 : INVOCATIONS_OF_ENVIRONMENT;
  const setting = { invocationsOfEnvironment, batch, windowMs };
  const slots = runSlots(world, (known) => depsOf(known, 'live'), setting);
  every(time, 60_000, () => {
    const schedule = environmentOf(world, `schedule-${time.now()}`);
    void letBackAll(depsOf(schedule, null));
  });
  const writtenMs = new Map<string, number>();
  const put = (name: string): void => {
    const key = `${name}/${writtenMs.size}`;
    const { versionId } = source.put(key, Buffer.from('x'));
    writtenMs.set(key, time.now());
    const body = s3Event({ key, versionId, sequencer: String(writtenMs.size) });
    queues.arrive({ ...messageOf({ body, retry: NEVER_TRIED }, key, time.now()), retry: null });
  };
  return {
    ...world,
    /** The numbers of slots in use at the end of each second: all, and those whose invocation has run for more than two seconds. */
    slots,
    /** Writes objects at an even rate for each rule until the time. */
    async write(perSecond: number, untilMs: number): Promise<void> {
      for (const [index, name] of names.entries())
        for (let ms = time.now() + index; ms < untilMs; ms += 1_000 / perSecond)
          time.after(Math.max(1, ms - time.now()), () => put(name));
      await time.runUntil(untilMs);
    },
    /** Returns how long each object of the rule took from its event to its replica, sorted, in milliseconds. */
    lags: (rule: string, sinceMs = 0): number[] =>
      records
        .flatMap(({ atMs, ...record }) => {
          const isReplica = record.ending === 'done' && record.outcome === 'replicated';
          const fromMs = writtenMs.get(record.key ?? '') ?? 0;
          return record.rule === rule && isReplica && fromMs >= sinceMs ? [atMs - fromMs] : [];
        })
        .toSorted((one, other) => one - other),
    /** Returns the number of objects of the rule that have no replica. */
    missing: (rule: string): number =>
      [...source.history.keys()].filter(
        (key) => key.startsWith(`${rule}/`) && replicas.get(rule)?.current(key) === null,
      ).length,
  };
};

const createWorld = (names: string[]) => {
  const time = createModelTime();
  const records: (OutcomeRecord & { atMs: number })[] = [];
  const dead: string[] = [];
  return {
    time,
    health: new Map<string, Health>(names.map((name) => [name, 'healthy'])),
    rules: names.map((name) =>
      testRule({
        id: name,
        source: { ...testRule().source, prefix: `${name}/` },
        destinations: [
          testDestination({ id: name, bucket: name, roleArn: `arn:aws:iam::222222222222:role/${name}` }),
        ],
      }),
    ),
    source: createMemoryBucket('enabled', time.now),
    replicas: new Map(names.map((name) => [name, createMemoryBucket('enabled', time.now)])),
    store: createMemoryCircuitStore(),
    queues: createModelQueues(time, names),
    receipts: createMemoryReceipts(),
    records,
    /** The rule of each dead letter. */
    dead,
  };
};

type World = ReturnType<typeof createWorld>;

const environmentOf = ({ store, time }: World, environment: string): KnownCircuits =>
  knowCircuits({
    store,
    clock: time,
    slots: { live: SLOTS, backfill: SLOTS, transfer: SLOTS },
    environment,
    after: time.after,
  });

const depsIn =
  (world: World, withCircuits: boolean) =>
  (known: KnownCircuits, pool: 'live' | null): TransferDeps => {
    const { time, health, rules, source, replicas, queues, receipts, records, dead } = world;
    const watch = watchAnswers(known);
    const gate = (destination: Destination): Gate =>
      gateOf(destination, health, { time, watch: watch.forPool(pool) });
    return {
      configuration: testConfiguration(...rules),
      buckets: {
        source: () => memorySource(source, slowly(time)),
        destination: (destination) => memoryDestination(replicas.get(destination.bucket)!, gate(destination)),
      },
      circuits: withCircuits
        ? circuitsFor(known, pool, { flush: watch.flush, deniesAll: async () => true })
        : closedCircuits,
      brake: noBrakes,
      receipts,
      runs: noRuns,
      liveQueue: { retryLater: async () => undefined },
      retries: queues.retries,
      waiting: queues.waiting,
      letters: memoryLetters(),
      deadLetterQueue: { send: async (_body, { rule }) => void dead.push(rule ?? '') },
      hints: { send: async () => undefined },
      sessionName: 's3r@test',
      reporter: { report: (record) => void records.push({ ...record, atMs: time.now() }) },
      memory: createBudget(1e9),
      clock: time,
      invocation: testInvocation({ deadlineMs: time.now() + 400_000, fullTimeMs: 400_000 }),
      ...noTransfers(),
      versionReceipts: memoryVersionReceipts(),
    };
  };

interface SlotsInUse {
  all: number;
  long: number;
}

/** Handles batches as long as slots are free. Returns a list that grows by one entry at the end of each second. */
const runSlots = (
  world: World,
  depsOf: (known: KnownCircuits) => TransferDeps,
  setting: { invocationsOfEnvironment: number; batch: number; windowMs: number },
): SlotsInUse[] => {
  const { invocationsOfEnvironment, batch: most, windowMs } = setting;
  const { time, queues } = world;
  const slots = Array.from({ length: SLOTS }, (_, slot) => ({
    slot,
    busySinceMs: null as number | null,
    invocations: 0,
  }));
  const environments = new Map<string, KnownCircuits>();
  let isOver = true;
  /** Takes full batches at once, and what is left at the end of the window. */
  const poll = (): void => {
    for (;;) {
      const free = slots.find(({ busySinceMs }) => busySinceMs === null);
      if (free === undefined || queues.live.length === 0) return;
      if (windowMs > 0 && queues.live.length < most && !isOver) return;
      void invoke(free, queues.live.splice(0, most));
      isOver = false;
    }
  };
  if (windowMs > 0)
    every(time, windowMs, () => {
      isOver = true;
      poll();
    });
  const invoke = async (slot: (typeof slots)[number], batch: QueueMessage[]): Promise<void> => {
    slot.busySinceMs = time.now();
    const id = `${slot.slot}-${Math.floor(slot.invocations++ / invocationsOfEnvironment)}`;
    const environment = environments.get(id) ?? environmentOf(world, id);
    environments.set(id, environment);
    await replicateBatch(batch, depsOf(environment));
    slot.busySinceMs = null;
    poll();
  };
  queues.onArrival(poll);
  const inUse: SlotsInUse[] = [];
  every(time, 1_000, () => {
    const forMs = slots.flatMap(({ busySinceMs }) =>
      busySinceMs === null ? [] : [time.now() - busySinceMs],
    );
    inUse.push({ all: forMs.length, long: forMs.filter((ms) => ms > LONG_MS).length });
  });
  return inUse;
};

const every = (time: ModelTime, ms: number, work: () => void): void =>
  void time.after(ms, () => {
    work();
    every(time, ms, work);
  });

const NEVER_TRIED = {
  id: '',
  origin: 'live' as const,
  tries: 0,
  attempts: 0,
  firstSeenMs: 0,
  waitingSinceMs: 0,
  firstFailedMs: null,
  reason: 'throttled' as const,
  detail: '',
};

const slowly =
  ({ sleep }: ModelTime): Gate =>
  async (point) => {
    if (point === 'before') await sleep(CALL_MS);
  };

const gateOf =
  (
    destination: Destination,
    health: Map<string, Health>,
    { time, watch }: { time: ModelTime; watch: AnswerWatch },
  ): Gate =>
  async (point) => {
    if (point === 'after') return;
    const wait = watch.begin(destination);
    try {
      const state = health.get(destination.bucket);
      if (state === 'hanging') await hang(time, wait.signal);
      await time.sleep(state === 'slow' ? SLOW_MS : CALL_MS);
      if (state === 'denied') throw failure('assume-role-denied');
      if (state === 'throttling') throw failure('throttled');
    } finally {
      wait.end();
    }
  };

const failure = (reason: 'assume-role-denied' | 'throttled' | 'no-answer'): ReplicationError =>
  Object.assign(new ReplicationError(reason, 'as told'), { side: 'destination' as const });

const hang = (time: ModelTime, signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => {
    time.after(ANSWER_MS, () => reject(failure('no-answer')));
    // As `call.ts` does.
    signal.addEventListener('abort', () => reject(Object.assign(failure('no-answer'), { isAvoided: true })));
  });
