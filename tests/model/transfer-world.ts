/**
 * A deployment with all that transfers need: both queues, the functions, the schedule. Bytes take their time, every call passes a
 * gate, and what was not acknowledged comes again.
 */
import { createBudget } from '../../src/lib/model/concurrency.ts';
import { ReplicationError } from '../../src/lib/model/errors.ts';
import type { QueueMessage, Receipts, TransferDeps } from '../../src/lib/delivery/deps.ts';
import type { OutcomeRecord } from '../../src/lib/delivery/outcome.ts';
import type { DestinationBucket, Invocation } from '../../src/lib/model/ports.ts';
import { replicateBatch } from '../../src/lib/replicate/replicate-batch.ts';
import type { ReplicationRule } from '../../src/lib/model/rule.ts';
import { createServerSide } from '../../src/lib/copy/way.ts';
import { type SweepReport, sweepTransfers } from '../../src/lib/transfer/sweep.ts';
import { transferBatch } from '../../src/lib/transfer/transfer-batch.ts';
import { createMemoryBucket, type MemoryBucket, type Versioning } from './memory-buckets.ts';
import { memoryDestination } from './memory-destination.ts';
import { Crash, createMemoryReceipts, type MemoryReceipts } from './memory-receipts.ts';
import { createMemoryRunCounts } from './memory-run-counts.ts';
import { type Gate, memorySource, openGate } from './memory-source.ts';
import { createMemoryTransfers, type MemoryTransfers } from './memory-transfers.ts';
import { testConfiguration, testRule } from './settings.ts';

export const MIB = 1024 ** 2;
export const GIB = 1024 ** 3;

export interface Setting {
  rule?: Partial<ReplicationRule>;
  versioning?: Versioning;
  encryptions?: ['AES256' | 'aws:kms', 'AES256' | 'aws:kms'];
  checksums?: boolean;
  /** Of a byte of the model; default: 512 MiB. */
  unitBytes?: number;
  fullTimeMs?: number;
  /** Of one invocation. */
  bytesPerSecond?: number;
  /** May the destination's role read the source? */
  readable?: boolean;
  concurrency?: number;
  /** At each point of each call of each invocation; throws {@link Crash} to kill it. */
  gate?: Gate;
}

export interface Queue {
  visible: QueueMessage[];
  /** Not acknowledged: visible again later. */
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
  /** Bytes of parts that were sent or copied, whatever came of it. */
  moved: { bytes: number; parts: number };
  gate: Gate;
  deliver(body: string): void;
  /** One invocation of the replicate or the transfer function for one message; null: there is none. Answers whether it was. */
  replicate(pick?: number): Promise<boolean>;
  work(pick?: number): Promise<boolean>;
  sweep(): Promise<SweepReport | null>;
  /** What was not acknowledged is visible again. */
  redeliver(): void;
  /** That, and the records of those that died have expired: of all that have not ended. */
  retry(): void;
  /** Everything that is in the queues, until nothing is left. */
  drain(): Promise<void>;
}

export const createTransferWorld = (setting: Setting = {}): TransferWorld => {
  const clock = { nowMs: 1_700_000_000_000 };
  const { unitBytes = GIB / 2, fullTimeMs = 880_000, concurrency = 4, checksums = false } = setting;
  const bucket = (side: 0 | 1, versioning: Versioning): MemoryBucket =>
    createMemoryBucket(versioning, () => clock.nowMs, {
      encryption: setting.encryptions?.[side] ?? 'AES256',
      checksums,
      unitBytes,
    });
  const source = bucket(0, setting.versioning ?? 'enabled');
  const replica = bucket(1, 'enabled');
  const transfers = createMemoryTransfers(concurrency);
  const live: Queue = { visible: [], resting: [] };
  const ranges: Queue = { visible: [], resting: [] };
  const receipts = createMemoryReceipts();
  const runs = createMemoryRunCounts();
  let messages = 0;
  let inFlight = 0;
  let invocations = 0;
  const message = (body: string): QueueMessage => {
    const messageId = `message-${messages++}`;
    return { messageId, receiptHandle: '', body, receiveCount: 0, sentMs: clock.nowMs, earlier: null };
  };
  const serverSide = createServerSide({ now: () => clock.nowMs, sleep: () => Promise.resolve() });
  const collect = (): void => {
    for (const range of transfers.sent.splice(0)) ranges.visible.push(message(JSON.stringify(range)));
  };
  transfers.waiting = () => transfers.sent.length + ranges.visible.length + ranges.resting.length + inFlight;

  const gateOf = (life: Life): Gate => {
    return async (point, call) => {
      if (point === 'before') world.calls.push(call);
      pass(life, 10);
      if (life.crashed) throw new Crash();
      try {
        const damage = await world.gate(point, call);
        // Others may have been at it meanwhile.
        if (life.crashed) throw new Crash();
        return damage;
      } catch (error) {
        life.crashed ||= error instanceof Crash;
        throw error;
      }
    };
  };

  /** Each invocation has its own time: what others do meanwhile takes none of it. */
  const pass = (life: Life, ms: number): void => {
    life.nowMs += ms;
    clock.nowMs = Math.max(clock.nowMs, life.nowMs);
  };

  const depsOf = (life: Life): TransferDeps => {
    const gate = gateOf(life);
    const invocation: Invocation = {
      requestId: 'r',
      deadlineMs: life.nowMs + fullTimeMs,
      fullTimeMs,
      bytesUnderWay: 0,
    };
    const sources = (setting.readable ?? false) ? { source } : {};
    const initiator = 'arn:aws:sts::222222222222:assumed-role/replication/s3r@test';
    const send = async (call: string, effect: () => void): Promise<void> => {
      await gate('before', call);
      effect();
      await gate('after', call);
    };
    return {
      configuration: testConfiguration(testRule(setting.rule)),
      buckets: {
        source: () => memorySource(source, gate),
        destination: () =>
          slow(memoryDestination(replica, gate, undefined, { sources, initiator }), invocation, life),
      },
      receipts: mortal(receipts, life, gate),
      liveQueue: { retryLater: async () => undefined, send: async (body) => world.deliver(body) },
      hints: { send: (body) => send('hints.send', () => world.deliver(body)) },
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
      clock: { now: () => life.nowMs, sleep: async (ms) => pass(life, ms) },
      invocation,
    };
  };

  /** Bytes take time, and what is not over at the deadline is cut off. */
  const slow = (
    destination: DestinationBucket,
    { deadlineMs }: Invocation,
    life: Life,
  ): DestinationBucket => {
    const take = (bytes: number): void => {
      world.moved.bytes += bytes;
      world.moved.parts += 1;
      pass(life, Math.ceil((bytes / (setting.bytesPerSecond ?? 80 * MIB)) * 1_000));
      if (life.nowMs > deadlineMs) throw new ReplicationError('out-of-time', 'cut off');
    };
    return {
      ...destination,
      async uploadPart(request) {
        take(request.sizeBytes);
        return await destination.uploadPart(request);
      },
      async copyPart(request) {
        const part = await destination.copyPart(request);
        take(request.bytes === null ? 0 : request.bytes.last - request.bytes.first + 1);
        return part;
      },
    };
  };

  const invoke = async (
    queue: Queue,
    pick: number,
    handle: (messages: QueueMessage[], deps: TransferDeps) => Promise<{ failed: string[] }>,
  ): Promise<boolean> => {
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
    source,
    replica,
    transfers,
    receipts,
    runs,
    clock,
    live,
    ranges,
    dead: [],
    records: [],
    calls: [],
    moved: { bytes: 0, parts: 0 },
    gate: setting.gate ?? openGate,
    deliver: (body) => void live.visible.push(message(body)),
    replicate: (pick = 0) => invoke(live, pick, replicateBatch),
    work: (pick = 0) => invoke(ranges, pick, transferBatch),
    async sweep() {
      collect();
      try {
        return await sweepTransfers(depsOf({ crashed: false, nowMs: clock.nowMs }));
      } catch {
        return null;
      }
    },
    redeliver() {
      for (const queue of [live, ranges]) queue.visible.push(...queue.resting.splice(0));
    },
    retry() {
      receipts.expireInProgress();
      world.redeliver();
    },
    async drain() {
      for (let round = 0; round < 5_000; round++) {
        const worked = (await world.replicate()) || (await world.work());
        if (!worked && live.resting.length + ranges.resting.length === 0) return;
        if (!worked) world.retry();
      }
      throw new Error('messages without end');
    },
  };
  return world;
};

interface Life {
  crashed: boolean;
  nowMs: number;
}

/** Far more than any test has cause for. */
const MAX_INVOCATIONS = 5_000;

/** A function that has died finishes no record. */
const mortal = (receipts: MemoryReceipts, life: Life, gate: Gate): Receipts => ({
  async once(identity, work) {
    await gate('before', 'receipts.once');
    return await receipts.once(identity, async () => {
      try {
        const receipt = await work();
        await gate('before', 'receipts.finish');
        return receipt;
      } catch (error) {
        throw life.crashed ? new Crash() : error;
      }
    });
  },
});
