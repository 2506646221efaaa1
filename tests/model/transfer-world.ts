/**
 * A deployment with everything that transfers need: both queues, the functions and the schedule. Moving bytes
 * takes time, and every call passes a gate. Messages that were not acknowledged are delivered again.
 */
import { createBudget } from '../../src/lib/model/concurrency.ts';
import { ReplicationError } from '../../src/lib/model/errors.ts';
import type { QueueMessage, TransferDeps } from '../../src/lib/delivery/deps.ts';
import type { OutcomeRecord } from '../../src/lib/delivery/outcome.ts';
import type { Origin } from '../../src/lib/delivery/retry.ts';
import { formatHint, isOfRun } from '../../src/lib/hint/hint.ts';
import { replicateBatch } from '../../src/lib/replicate/replicate-batch.ts';
import type { ReplicationRule } from '../../src/lib/model/rule.ts';
import { createServerSide } from '../../src/lib/copy/way.ts';
import { type SweepReport, sweepTransfers } from '../../src/lib/transfer/sweep.ts';
import { transferBatch } from '../../src/lib/transfer/transfer-batch.ts';
import { memoryLetters } from './memory-letters.ts';
import { createMemoryBucket, type MemoryBucket, type Versioning } from './memory-buckets.ts';
import { memoryDestination } from './memory-destination.ts';
import { Crash, createMemoryReceipts, type MemoryReceipts, mortalReceipts } from './memory-receipts.ts';
import { memoryRetries, messageOf } from './memory-retries.ts';
import { createMemoryRunCounts } from './memory-run-counts.ts';
import { type Gate, memorySource, openGate } from './memory-source.ts';
import { createMemoryTransfers, type MemoryTransfers } from './memory-transfers.ts';
import { memoryVersionReceipts } from './memory-version-receipts.ts';
import { testConfiguration, testInvocation, testRule } from './settings.ts';
import { slow, takingTime } from './slow-destination.ts';

export const MIB = 1024 ** 2;
export const GIB = 1024 ** 3;

export interface Setting {
  /** The rule. Null if the rule was removed. */
  rule?: Partial<ReplicationRule> | null;
  /** Further rules of the deployment. */
  others?: ReplicationRule[];
  versioning?: Versioning;
  encryptions?: ['AES256' | 'aws:kms', 'AES256' | 'aws:kms'];
  checksums?: boolean;
  /** How many bytes each byte of the model represents. The default is 512 MiB. */
  unitBytes?: number;
  fullTimeMs?: number;
  /** Throughput of one invocation. The default is 80 MiB/s. */
  bytesPerSecond?: number;
  /** Whether the role of the destination may read the source. */
  readable?: boolean;
  concurrency?: number;
  /**
   * Called before the effect of each call and again after it. It may throw {@link Crash} to end the
   * invocation.
   */
  gate?: Gate;
}

const rulesOf = ({ rule, others = [] }: Setting): ReplicationRule[] =>
  rule === null ? others : [testRule(rule), ...others];

export interface Queue {
  visible: QueueMessage[];
  /** Messages that were not acknowledged. They become visible again later. */
  resting: QueueMessage[];
}

export interface TransferWorld {
  source: MemoryBucket;
  replica: MemoryBucket;
  transfers: MemoryTransfers;
  receipts: MemoryReceipts;
  runs: ReturnType<typeof createMemoryRunCounts>;
  clock: { nowMs: number };
  live: Queue;
  ranges: Queue;
  dead: { body: string; reason: string }[];
  records: OutcomeRecord[];
  calls: string[];
  /** The bytes and the number of all parts that were sent or copied, including parts that failed. */
  moved: { bytes: number; parts: number };
  gate: Gate;
  deliver(body: string, origin?: Origin): void;
  /** Invokes the replicate function with one visible message. Returns false if there is none. */
  replicate(pick?: number): Promise<boolean>;
  /** Invokes the transfer function with one visible message. Returns false if there is none. */
  work(pick?: number): Promise<boolean>;
  sweep(): Promise<SweepReport | null>;
  /** Makes all messages that were not acknowledged visible again. */
  redeliver(): void;
  /**
   * Makes all messages that were not acknowledged visible again, and lets the idempotency records of
   * unfinished invocations expire.
   */
  retry(): void;
  /** Handles messages until both queues are empty. */
  drain(): Promise<void>;
}

export const createTransferWorld = (setting: Setting = {}): TransferWorld => {
  const clock = { nowMs: 1_700_000_000_000 };
  const transfers = createMemoryTransfers(setting.concurrency ?? 4);
  const { live, ranges, deliver, collect, redeliver } = createQueues(clock, transfers);
  const receipts = createMemoryReceipts();
  let inFlight = 0;
  let invocations = 0;
  transfers.waiting = () => transfers.sent.length + ranges.visible.length + ranges.resting.length + inFlight;

  const invoke = async (queue: Queue, pick: number, handle: Handle): Promise<boolean> => {
    collect();
    const [next] = queue.visible.length === 0 ? [] : queue.visible.splice(pick % queue.visible.length, 1);
    if (next === undefined) return false;
    const received = { ...next, receiveCount: next.receiveCount + 1 };
    const life = { crashed: false, nowMs: clock.nowMs };
    if (++invocations > MAX_INVOCATIONS) throw new Error('messages without end');
    inFlight += 1;
    const { failed } = await handle([received], depsOf(life));
    inFlight -= 1;
    if (life.crashed || failed.length > 0) queue.resting.push(received);
    return true;
  };

  const world: TransferWorld = {
    ...bucketsOf(setting, clock),
    transfers,
    receipts,
    runs: createMemoryRunCounts(),
    clock,
    live,
    ranges,
    dead: [],
    records: [],
    calls: [],
    moved: { bytes: 0, parts: 0 },
    gate: setting.gate ?? openGate,
    deliver,
    replicate: (pick = 0) => invoke(live, pick, replicateBatch),
    work: (pick = 0) => invoke(ranges, pick, transferBatch),
    async sweep() {
      collect();
      return await sweepTransfers(depsOf({ crashed: false, nowMs: clock.nowMs })).catch(() => null);
    },
    redeliver,
    retry() {
      receipts.expireInProgress();
      redeliver();
    },
    drain: () => drain(world),
  };
  const depsOf = depsIn(world, setting);
  return world;
};

type Handle = (messages: QueueMessage[], deps: TransferDeps) => Promise<{ failed: string[] }>;

/** Maximum invocations of one test. This is far more than any test needs. */
const MAX_INVOCATIONS = 5_000;

const bucketsOf = (setting: Setting, clock: { nowMs: number }) => {
  const { unitBytes = GIB / 2, checksums = false, versioning = 'enabled', encryptions } = setting;
  const options = { checksums, unitBytes };
  const bucket = (side: 0 | 1, kind: Versioning): MemoryBucket =>
    createMemoryBucket(kind, () => clock.nowMs, { ...options, encryption: encryptions?.[side] ?? 'AES256' });
  return { source: bucket(0, versioning), replica: bucket(1, 'enabled') };
};

const createQueues = (clock: { nowMs: number }, transfers: MemoryTransfers) => {
  const live: Queue = { visible: [], resting: [] };
  const ranges: Queue = { visible: [], resting: [] };
  let messages = 0;
  const message = (body: string, origin: Origin): QueueMessage => {
    const messageId = `message-${messages++}`;
    const sentMs = clock.nowMs;
    return {
      messageId,
      receiptHandle: '',
      body,
      receiveCount: 0,
      sentMs,
      origin,
      retry: null,
      earlier: null,
    };
  };
  return {
    live,
    ranges,
    deliver: (body: string, origin: Origin = 'live') => void live.visible.push(message(body, origin)),
    /** Puts the part ranges that were sent since the last call into their queue. */
    collect() {
      for (const range of transfers.sent.splice(0))
        ranges.visible.push(message(JSON.stringify(range), 'transfer'));
    },
    redeliver() {
      for (const queue of [live, ranges]) queue.visible.push(...queue.resting.splice(0));
    },
  };
};

const drain = async (world: TransferWorld): Promise<void> => {
  const { live, ranges } = world;
  for (let round = 0; round < MAX_INVOCATIONS; round++) {
    const worked = (await world.replicate()) || (await world.work());
    if (!worked && live.resting.length + ranges.resting.length === 0) return;
    if (!worked) world.retry();
  }
  throw new Error('messages without end');
};

/**
 * The state of one invocation. It has its own clock, so the calls of other invocations take none of its time.
 */
interface Life {
  crashed: boolean;
  nowMs: number;
}

/** Returns a function that creates the dependencies of an invocation. */
const depsIn = (world: TransferWorld, setting: Setting): ((life: Life) => TransferDeps) => {
  const { clock, source, replica, transfers, runs } = world;
  const serverSide = createServerSide({ now: () => clock.nowMs, sleep: () => Promise.resolve() });
  const { fullTimeMs = 880_000, readable = false } = setting;
  let retried = 0;
  const inside = { sources: readable ? { source } : {}, initiator: INITIATOR };
  return (life) => {
    const pass = passing(clock, life);
    const gate = gateOf(world, life, pass);
    const deadlineMs = life.nowMs + fullTimeMs;
    const take = takingTime(world, setting.bytesPerSecond, (ms) => {
      pass(ms);
      if (life.nowMs > deadlineMs) throw new ReplicationError('out-of-time', 'cut off');
    });
    const send = async (call: string, effect: () => void): Promise<void> => {
      await gate('before', call);
      effect();
      await gate('after', call);
    };
    return {
      signer: async () => null,
      configuration: testConfiguration(...rulesOf(setting)),
      buckets: {
        source: () => memorySource(source, gate),
        destination: () => slow(memoryDestination(replica, gate, undefined, inside), take),
      },
      receipts: mortalReceipts(world.receipts, life, gate),
      versionReceipts: memoryVersionReceipts(),
      liveQueue: { retryLater: async () => undefined },
      ...memoryRetries((piece) =>
        send('retries.send', () => {
          const { resting } = piece.retry.origin === 'transfer' ? world.ranges : world.live;
          resting.push({ ...messageOf(piece, `again-${retried++}`, clock.nowMs), receiveCount: 0 });
        }),
      ),
      hints: {
        send: (hint) =>
          send('hints.send', () => world.deliver(formatHint(hint), isOfRun(hint) ? 'backfill' : 'live')),
      },
      letters: memoryLetters(),
      deadLetterQueue: {
        send: (body, { reason }) =>
          send('deadLetterQueue.send', () => void world.dead.push({ body, reason })),
      },
      reporter: { report: (record) => void world.records.push(record) },
      runs,
      transfers: transfers.ports(gate),
      serverSide,
      sessionName: 's3r@test',
      memory: createBudget(1e9),
      clock: { now: () => life.nowMs, sleep: async (ms) => pass(ms) },
      invocation: testInvocation({ deadlineMs, fullTimeMs }),
    };
  };
};

const INITIATOR = 'arn:aws:sts::222222222222:assumed-role/replication/s3r@test';

type Pass = (ms: number) => void;

const passing =
  (clock: { nowMs: number }, life: Life): Pass =>
  (ms) => {
    life.nowMs += ms;
    clock.nowMs = Math.max(clock.nowMs, life.nowMs);
  };

const gateOf =
  (world: TransferWorld, life: Life, pass: Pass): Gate =>
  async (point, call) => {
    if (point === 'before') world.calls.push(call);
    pass(CALL_MS);
    if (life.crashed) throw new Crash();
    try {
      const damage = await world.gate(point, call);
      // While this call waited at its gate, another call of the same invocation may have crashed.
      if (life.crashed) throw new Crash();
      return damage;
    } catch (error) {
      life.crashed ||= error instanceof Crash;
      throw error;
    }
  };

/** How long each half of a call takes: the half before its effect, and the half after it. */
const CALL_MS = 10;
