/**
 * A deployment in model time: a live queue, execution environments that come and go, waiting queues, and the schedule. Each rule has one
 * destination, which may be healthy, deny its role, hang, or throttle.
 */
import { watchAnswers } from '../../src/lib/delivery/answer-watch.ts';
import { circuitsFor, knowCircuits, type KnownCircuits } from '../../src/lib/delivery/circuits.ts';
import { type KnownStack, unknownStack } from '../../src/lib/converge/stack-listing.ts';
import type { QueueMessage, TransferDeps } from '../../src/lib/delivery/deps.ts';
import type { OutcomeRecord } from '../../src/lib/delivery/outcome.ts';
import { createBudget } from '../../src/lib/model/concurrency.ts';
import type { Destination } from '../../src/lib/model/rule.ts';
import { letBackAll } from '../../src/lib/replicate/let-back.ts';
import { replicateBatch } from '../../src/lib/replicate/replicate-batch.ts';
import { memoryLetters } from './memory-letters.ts';
import { createMemoryBucket } from './memory-buckets.ts';
import { noBrakes } from './memory-brakes.ts';
import { closedCircuits, createMemoryCircuitStore } from './memory-circuits.ts';
import { memoryDestination } from './memory-destination.ts';
import { createMemoryReceipts } from './memory-receipts.ts';
import { eventMessage } from './memory-retries.ts';
import { noRuns } from './memory-run-counts.ts';
import { memorySource, type Gate } from './memory-source.ts';
import { CALM, gateOf, type Health, inPages, slowly, type Weather } from './isolation-buckets.ts';
import { every, runSlots, SLOTS } from './isolation-slots.ts';
import { noTransfers } from './memory-transfers.ts';
import { memoryVersionReceipts } from './memory-version-receipts.ts';
import { createModelQueues } from './model-queues.ts';
import { createModelTime } from './model-time.ts';
import { s3Event, testConfiguration, testDestination, testInvocation, testRule } from './settings.ts';

const BATCH = 10;
/** After how many invocations Lambda replaces an execution environment. */
const INVOCATIONS_OF_ENVIRONMENT = 200;

/**
 * Creates the world. With `isCold`, every invocation gets a new execution environment. With `oneKey`, each rule has one key whose
 * versions all count. `keeps` selects the outcomes that are recorded. `cpuMs` is the time that a hint takes on the one core of its
 * environment. `readyMs` returns the time from which a slot may be used.
 */
export const isolationWorld = (
  names: string[],
  {
    withCircuits = true,
    isCold = false,
    oneKey = false,
    keeps = ALL,
    longMs = 2_000,
    batch = BATCH,
    windowMs = 0,
    weather = CALM,
    cpuMs = 0,
    readyMs = AT_ONCE,
  } = {},
) => {
  const world = createWorld(names, { versions: oneKey ? 'all' : 'latest', keeps, weather, cpuMs });
  const { time, queues, source, replicas, records } = world;
  const depsOf = depsIn(world, withCircuits);
  const invocationsOfEnvironment = isCold ? 1 : INVOCATIONS_OF_ENVIRONMENT;
  const setting = { invocationsOfEnvironment, batch, windowMs, longMs, readyMs };
  const slots = runSlots(world, handlerIn(world, depsOf), setting);
  const schedule = runSchedule(world, depsOf);
  const writtenMs = new Map<string, number>();
  let written = 0;
  const put = (name: string): void => {
    const id = `${name}/${written++}`;
    const key = oneKey ? `${name}/key` : id;
    const { versionId } = source.put(key, Buffer.from(id));
    writtenMs.set(key, time.now());
    const body = s3Event({ key, versionId, sequencer: String(written) });
    queues.arrive(eventMessage(body, id, time.now()));
  };
  return {
    ...world,
    /**
     * The use at the end of each second: all slots, the slots whose invocation has run for more than `longMs`, and the messages in
     * flight.
     */
    slots,
    schedule,
    /** How many objects were written. */
    written: () => written,
    /** Writes objects for each of the rules at an even rate until `untilMs`. */
    async write(perSecond: number, untilMs: number, rules = names): Promise<void> {
      for (const [index, name] of rules.entries())
        for (let ms = time.now() + index; ms < untilMs; ms += 1_000 / perSecond)
          time.after(Math.max(1, ms - time.now()), () => put(name));
      await time.runUntil(untilMs);
    },
    /** Returns the time from event to replica for each object of the rule, sorted, in milliseconds. */
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

const ALL: (record: OutcomeRecord) => boolean = () => true;
const AT_ONCE: (slot: number) => number = () => 0;

const createWorld = (
  names: string[],
  more: { versions: 'latest' | 'all'; keeps: typeof ALL; weather: Weather; cpuMs: number },
) => {
  const time = createModelTime();
  const calls = new Map<string, number>();
  const called = (operation: string): void => void calls.set(operation, (calls.get(operation) ?? 0) + 1);
  const records: (OutcomeRecord & { atMs: number })[] = [];
  const dead: string[] = [];
  return {
    time,
    /** The number of calls of each operation, as `service:Operation`. Calls to buckets are named after the methods of the ports. */
    calls,
    called,
    health: new Map<string, Health>(names.map((name) => [name, 'healthy'])),
    rules: names.map((name) =>
      testRule({
        id: name,
        versions: more.versions,
        source: { ...testRule().source, prefix: `${name}/` },
        destinations: [
          testDestination({ id: name, bucket: name, roleArn: `arn:aws:iam::222222222222:role/${name}` }),
        ],
      }),
    ),
    source: createMemoryBucket('enabled', time.now),
    replicas: new Map(names.map((name) => [name, createMemoryBucket('enabled', time.now)])),
    store: createMemoryCircuitStore(),
    queues: createModelQueues(time, names, called),
    receipts: createMemoryReceipts(),
    records,
    ...more,
    /** The rule of each dead letter. */
    dead,
  };
};

type World = ReturnType<typeof createWorld>;

const environmentOf = ({ store, time, called }: World, environment: string): KnownCircuits =>
  knowCircuits({
    store: {
      ...store,
      load() {
        called('dynamodb:GetItem');
        return store.load();
      },
    },
    clock: time,
    slots: { live: SLOTS, backfill: SLOTS, transfer: SLOTS },
    environment,
    after: time.after,
  });

const depsIn = (world: World, withCircuits: boolean) => {
  const stacks = new Map<KnownCircuits, KnownStack>();
  return (known: KnownCircuits, pool: 'live' | null): TransferDeps => {
    const stack = stacks.get(known) ?? unknownStack();
    stacks.set(known, stack);
    const { time, called, weather, health, rules, source, replicas, queues, receipts, records, dead } = world;
    const watch = watchAnswers(known);
    const busyMs = oneCore(world);
    const gate = (destination: Destination): Gate =>
      gateOf(destination, health, { time, called, weather, watch: watch.forPool(pool) });
    return {
      configuration: testConfiguration(...rules),
      buckets: {
        source: () => inPages(memorySource(source, slowly(world)), world),
        destination: (destination) => memoryDestination(replicas.get(destination.bucket)!, gate(destination)),
      },
      circuits: withCircuits
        ? circuitsFor(known, pool, { flush: watch.flush, deniesAll: async () => true })
        : closedCircuits,
      brake: noBrakes,
      receipts: {
        async once(...asked) {
          for (const operation of ['PutItem', 'UpdateItem']) called(`dynamodb:${operation}`);
          if (world.cpuMs === 0) return await receipts.once(...asked);
          await time.sleep(world.weather.callMs() + busyMs());
          const done = await receipts.once(...asked);
          await time.sleep(world.weather.callMs());
          return done;
        },
      },
      runs: noRuns,
      liveQueue: { retryLater: async () => undefined },
      retries: queues.retries,
      waiting: queues.waiting,
      letters: memoryLetters(),
      deadLetterQueue: { send: async (_body, { rule }) => void dead.push(rule ?? '') },
      hints: { send: async () => undefined },
      sessionName: 's3r@test',
      reporter: {
        report: (record) => void (world.keeps(record) && records.push({ ...record, atMs: time.now() })),
      },
      memory: createBudget(1e9),
      stack,
      clock: time,
      invocation: testInvocation({ deadlineMs: time.now() + 400_000, fullTimeMs: 400_000 }),
      ...noTransfers(),
      versionReceipts: memoryVersionReceipts(),
    };
  };
};

type DepsOf = ReturnType<typeof depsIn>;

/** Returns the function that each slot runs. An environment is created when it is first used. */
const handlerIn = (world: World, depsOf: DepsOf) => {
  const environments = new Map<string, KnownCircuits>();
  return async (messages: QueueMessage[], id: string): Promise<void> => {
    const environment = environments.get(id) ?? environmentOf(world, id);
    environments.set(id, environment);
    await replicateBatch(messages, depsOf(environment, 'live'));
  };
};

/** Lets messages back every minute. Returns the number and the time of the schedule's invocations. */
const runSchedule = (world: World, depsOf: DepsOf) => {
  const { time } = world;
  const used = { invocations: 0, busyMs: 0 };
  every(time, 60_000, () => {
    const beganMs = time.now();
    const known = environmentOf(world, `schedule-${beganMs}`);
    used.invocations += 1;
    void letBackAll(depsOf(known, null)).then(() => void (used.busyMs += time.now() - beganMs));
  });
  return used;
};

/** Returns a function that adds one hint to the work of the invocation's core and returns how long the core is then busy. */
const oneCore = ({ time, cpuMs }: World): (() => number) => {
  let freeMs = 0;
  return () => {
    freeMs = Math.max(freeMs, time.now()) + cpuMs;
    return freeMs - time.now();
  };
};
