/**
 * A deployed replicator: its queue, which gives messages out in any order, and its functions, which run one batch after the other,
 * with faults and crashes before and after the effect of every call.
 */
import type { Scheduler } from 'fast-check';
import { createBudget } from '../../src/lib/model/concurrency.ts';
import { ReplicationError } from '../../src/lib/model/errors.ts';
import type { Deps, QueueMessage } from '../../src/lib/delivery/deps.ts';
import type { OutcomeRecord } from '../../src/lib/delivery/outcome.ts';
import type { Clock, Invocation } from '../../src/lib/model/ports.ts';
import { replicateBatch } from '../../src/lib/replicate/replicate-batch.ts';
import type { ReplicationRule } from '../../src/lib/model/rule.ts';
import type { MemoryBucket } from './memory-buckets.ts';
import { type BucketEvent, memoryDestination } from './memory-destination.ts';
import { Crash, createMemoryReceipts, type MemoryReceipts } from './memory-receipts.ts';
import { noRuns } from './memory-run-counts.ts';
import { type Gate, memorySource } from './memory-source.ts';
import { noTransfers } from './memory-transfers.ts';
import { testConfiguration } from './settings.ts';

export type Fault = 'none' | 'throttle' | 'reset' | 'credentials' | 'crash' | 'break' | 'truncate';

interface Setting {
  rules: ReplicationRule[];
  /** By name, as the rules name them. */
  buckets: Record<string, MemoryBucket>;
  clock: Clock;
  scheduler: Scheduler;
  /** What goes wrong, one for each point of each call from the first; then nothing. */
  faults?: Fault[];
  /** Which of the waiting messages is received next. */
  picks?: number[];
  /** For each invocation from the first: does its time end early? Then none does. */
  shortOfTime?: boolean[];
  batchSize?: number;
  /** Is every write to this bucket refused for now? */
  denies?: (bucket: string) => boolean;
  /** S3's notifications of what the functions write. */
  tell?: (bucket: string, event: BucketEvent) => void;
}

export interface Deployment {
  deliver(body: string): void;
  /** One function: batch after batch until nothing is in the queue. */
  run(): Promise<void>;
  /** What failed is visible again, and the records of those that died have expired. */
  retry(): void;
  /** Retries until nothing is left to do; answers what is left all the same. */
  settle(): Promise<QueueMessage[]>;
  /** In the queue, visible or not. */
  waiting(): QueueMessage[];
  receipts: MemoryReceipts;
  /** `<reason>: <detail>` of each dead letter. */
  quarantined: string[];
  deadLetters: string[];
  records: OutcomeRecord[];
  calls: string[];
  /** Uploads that nobody could have aborted: by whom it was begun died, or did not learn its id, or was refused. */
  excusedUploads(): number;
}

/** Each fault costs at most one more delivery. */
const MAX_DELIVERIES = 200;

/** Far more than any test has cause for. */
const MAX_MESSAGES = 3_000;

export const createDeployment = (setting: Setting): Deployment => {
  const { clock, scheduler, batchSize = 1 } = setting;
  const faults = [...(setting.faults ?? [])];
  const picks = [...(setting.picks ?? [])];
  const shortOfTime = [...(setting.shortOfTime ?? [])];
  const queue: QueueMessage[] = [];
  /** Failed: invisible for a while. */
  const resting: QueueMessage[] = [];
  const receipts = createMemoryReceipts();
  const quarantined: string[] = [];
  const deadLetters: string[] = [];
  const records: OutcomeRecord[] = [];
  const calls: string[] = [];
  let delivered = 0;
  let excused = 0;

  /** Of one invocation: once it has crashed, nothing of it goes on. */
  const gateOf = (life: { crashed: boolean }): Gate => {
    const die = (): never => {
      life.crashed = true;
      throw new Crash();
    };
    return async (point, call) => {
      await scheduler.schedule(Promise.resolve(), call);
      if (life.crashed) die();
      if (point === 'before') calls.push(call);
      const fault = faults.shift() ?? 'none';
      if (fault === 'none') return undefined;
      const leavesUpload =
        (call === 'destination.createUpload' && point === 'after') ||
        (call === 'destination.abortUpload' && point === 'before');
      if (leavesUpload || fault === 'crash') excused += 1;
      if (fault === 'break' || fault === 'truncate') return fault;
      return fault === 'crash' ? die() : fail(fault);
    };
  };

  const bucketOf = (name: string): MemoryBucket => {
    const bucket = setting.buckets[name];
    if (bucket === undefined) throw new Error(`no bucket ${name}`);
    return bucket;
  };

  const invoke = async (messages: QueueMessage[]): Promise<void> => {
    const life = { crashed: false };
    const gate = gateOf(life);
    const timeMs = (shortOfTime.shift() ?? false) ? 300 : 900_000;
    const invocation: Invocation = {
      requestId: 'r',
      deadlineMs: clock.now() + timeMs,
      fullTimeMs: 900_000,
      bytesUnderWay: 0,
    };
    const deps: Deps = {
      configuration: testConfiguration(...setting.rules),
      buckets: {
        source: ({ source }) => memorySource(bucketOf(source.bucket), gate),
        destination: ({ bucket }) => {
          const guarded: Gate = async (point, call) => {
            if (setting.denies?.(bucket) ?? false)
              throw new ReplicationError('access-denied', 'AccessDenied');
            return await gate(point, call);
          };
          return memoryDestination(bucketOf(bucket), guarded, (event) => setting.tell?.(bucket, event));
        },
      },
      receipts,
      runs: noRuns,
      liveQueue: { retryLater: async () => undefined, send: async () => undefined },
      deadLetterQueue: {
        async send(body, letter) {
          if (life.crashed) throw new Crash();
          deadLetters.push(body);
          quarantined.push(`${letter.reason}: ${letter.detail}`);
        },
      },
      reporter: { report: (record) => void records.push(record) },
      memory: createBudget(1e9),
      clock,
      invocation,
      ...noTransfers(),
    };
    const { failed } = await replicateBatch(messages, deps);
    // A crash takes the whole invocation with it: nothing of the batch is acknowledged.
    resting.push(...messages.filter(({ messageId }) => life.crashed || failed.includes(messageId)));
  };

  const deployment: Deployment = {
    deliver(body) {
      if (delivered >= MAX_MESSAGES) throw new Error('events without end');
      queue.push(message(`message-${delivered++}`, body));
    },
    async run() {
      for (;;) {
        await scheduler.schedule(Promise.resolve(), 'receive');
        const batch: QueueMessage[] = [];
        while (batch.length < batchSize && queue.length > 0)
          batch.push(...queue.splice((picks.shift() ?? 0) % queue.length, 1));
        if (batch.length === 0) return;
        await invoke(batch);
      }
    },
    retry() {
      receipts.expireInProgress();
      queue.push(...resting.splice(0));
    },
    async settle() {
      for (let round = 0; round < MAX_DELIVERIES && resting.length + queue.length > 0; round++) {
        deployment.retry();
        await scheduler.waitFor(deployment.run());
      }
      return resting;
    },
    waiting: () => [...queue, ...resting],
    receipts,
    quarantined,
    deadLetters,
    records,
    calls,
    excusedUploads: () => excused,
  };
  return deployment;
};

const fail = (fault: Exclude<Fault, 'none' | 'crash' | 'break' | 'truncate'>): never => {
  switch (fault) {
    case 'throttle':
      throw new ReplicationError('throttled', 'SlowDown');
    case 'reset':
      throw new ReplicationError('connection-lost', 'ECONNRESET');
    case 'credentials':
      throw new ReplicationError('expired-credentials', 'ExpiredToken');
  }
};

const message = (messageId: string, body: string): QueueMessage => ({
  messageId,
  receiptHandle: messageId,
  body,
  receiveCount: 1,
  sentMs: 0,
  earlier: null,
});
