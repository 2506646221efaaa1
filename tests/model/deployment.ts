/**
 * A deployed replicator. Its queue delivers messages in any order. Its functions handle one batch after
 * another. Faults and crashes may happen before and after the effect of every call.
 */
import { setImmediate } from 'node:timers/promises';
import type { Scheduler } from 'fast-check';
import { createBudget } from '../../src/lib/model/concurrency.ts';
import { ReplicationError } from '../../src/lib/model/errors.ts';
import type { Deps, QueueMessage } from '../../src/lib/delivery/deps.ts';
import type { OutcomeRecord } from '../../src/lib/delivery/outcome.ts';
import type { Clock } from '../../src/lib/model/ports.ts';
import { replicateBatch } from '../../src/lib/replicate/replicate-batch.ts';
import type { ReplicationRule } from '../../src/lib/model/rule.ts';
import type { Signer } from '../../src/lib/replica/stamp-signature.ts';
import { memoryLetters } from './memory-letters.ts';
import type { MemoryBucket } from './memory-buckets.ts';
import { memoryDestination } from './memory-destination.ts';
import { Crash, createMemoryReceipts, type MemoryReceipts } from './memory-receipts.ts';
import { memoryRetries, messageOf } from './memory-retries.ts';
import { noRuns } from './memory-run-counts.ts';
import { type Gate, memorySource } from './memory-source.ts';
import { noTransfers } from './memory-transfers.ts';
import { memoryVersionReceipts } from './memory-version-receipts.ts';
import type { BucketEvent } from './memory-writes.ts';
import { testConfiguration } from './settings.ts';

export type Fault = 'none' | 'throttle' | 'reset' | 'credentials' | 'crash' | 'break' | 'truncate';

interface Setting {
  rules: ReplicationRule[];
  /** All buckets, by the names that the rules use. */
  buckets: Record<string, MemoryBucket>;
  clock: Clock;
  scheduler: Scheduler;
  /**
   * The faults at the points before and after calls, in the order in which the points are passed. Points
   * after the end of the list have no fault.
   */
  faults?: Fault[];
  /** For how many steps of the scheduler the calls in {@link HELD} are held up, one after the other. */
  stalls?: number[];
  /**
   * The order in which messages are received. Each number chooses the next message among the messages that
   * are waiting at that time.
   */
  picks?: number[];
  /**
   * Whether the first invocation, the second one, and so on have only a short time. Later invocations have
   * the full time.
   */
  shortOfTime?: boolean[];
  /** The signer of this deployment. Without a signer, its stamps are not signed. */
  signer?: Signer;
  /** Whether the messages of the first batch, the second one, and so on are delivered again while their invocation still runs. */
  overtaken?: boolean[];
  batchSize?: number;
  /** Whether this bucket does not exist at present. */
  isGone?: (bucket: string) => boolean;
  /** Called before each invocation, with its messages. */
  observe?: (batch: QueueMessage[]) => void;
  /** Receives the notifications that S3 sends when the functions write. */
  tell?: (bucket: string, event: BucketEvent) => void;
}

export interface Deployment {
  deliver(body: string): void;
  /** Runs one function. It handles one batch after another until the queue is empty. */
  run(): Promise<void>;
  /** Makes failed messages visible again, and lets the idempotency records of crashed invocations expire. */
  retry(): void;
  /**
   * Retries until no message is left. Returns the messages that still fail after the maximum number of
   * deliveries.
   */
  settle(): Promise<QueueMessage[]>;
  /** All messages in the queue, visible or not. */
  waiting(): QueueMessage[];
  receipts: MemoryReceipts;
  /** One text for each dead letter, in the form `<reason>: <detail>`. */
  quarantined: string[];
  deadLetters: string[];
  records: OutcomeRecord[];
  calls: string[];
  /**
   * How many uploads may be left open, because no function could have aborted them. In these cases a function
   * crashed, did not receive the upload id, or had its abort fail.
   */
  excusedUploads(): number;
}

/** Maximum deliveries before a test gives up. Each fault causes at most one additional delivery. */
const MAX_DELIVERIES = 200;

/** Maximum messages of one test. This is far more than any test needs. */
const MAX_MESSAGES = 3_000;

export const createDeployment = (setting: Setting): Deployment => {
  const { scheduler, batchSize = 1 } = setting;
  const picks = [...(setting.picks ?? [])];
  const overtaken = [...(setting.overtaken ?? [])];
  const queue: QueueMessage[] = [];
  /** Messages of crashed invocations, and messages that were sent again. They are invisible until the next retry. */
  const resting: QueueMessage[] = [];
  const functions = createFunctions({ ...setting, sendAgain: (message) => void resting.push(message) });
  const { receipts, quarantined, deadLetters, records, calls } = functions;
  let delivered = 0;
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
        if (overtaken.shift() ?? false)
          queue.push(...batch.map((each) => ({ ...each, receiveCount: each.receiveCount + 1 })));
        resting.push(...(await functions.invoke(batch)));
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
    excusedUploads: functions.excusedUploads,
  };
  return deployment;
};

type Observed = Pick<
  Deployment,
  'receipts' | 'quarantined' | 'deadLetters' | 'records' | 'calls' | 'excusedUploads'
>;

interface Functions extends Observed {
  /** Runs one invocation. Returns the messages that it did not acknowledge. */
  invoke(batch: QueueMessage[]): Promise<QueueMessage[]>;
}

interface FunctionSetting extends Setting {
  /** Receives the messages that the functions send again. */
  sendAgain(message: QueueMessage): void;
}

const createFunctions = (setting: FunctionSetting): Functions => {
  const { clock } = setting;
  let retried = 0;
  const shortOfTime = [...(setting.shortOfTime ?? [])];
  const { gateOf, calls, excusedUploads } = createGates(setting);
  const receipts = createMemoryReceipts();
  const quarantined: string[] = [];
  const deadLetters: string[] = [];
  const records: OutcomeRecord[] = [];
  const depsOf = (life: Life, timeMs: number): Deps => ({
    configuration: testConfiguration(...setting.rules),
    buckets: bucketsOf(setting, gateOf(life)),
    receipts,
    runs: noRuns,
    liveQueue: { retryLater: async () => undefined },
    ...memoryRetries(async (piece) => {
      if (life.crashed) throw new Crash();
      setting.sendAgain(messageOf(piece, `again-${retried++}`));
    }),
    letters: memoryLetters(),
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
    invocation: {
      requestId: 'r',
      deadlineMs: clock.now() + timeMs,
      fullTimeMs: FULL_TIME_MS,
      bytesUnderWay: 0,
      heldBytes: 0,
    },
    ...noTransfers(),
    versionReceipts: memoryVersionReceipts(),
    signer: async () => setting.signer ?? null,
  });
  return {
    async invoke(batch) {
      setting.observe?.(batch);
      const life = { crashed: false };
      const timeMs = (shortOfTime.shift() ?? false) ? SHORT_TIME_MS : FULL_TIME_MS;
      const { failed } = await replicateBatch(batch, depsOf(life, timeMs));
      // If the function crashed, no message of the batch is acknowledged.
      return batch.filter(({ messageId }) => life.crashed || failed.includes(messageId));
    },
    receipts,
    quarantined,
    deadLetters,
    records,
    calls,
    excusedUploads,
  };
};

const FULL_TIME_MS = 900_000;
const SHORT_TIME_MS = 300;

/** The state of one invocation. After its crash, none of its calls has an effect. */
interface Life {
  crashed: boolean;
}

/** Creates gates that interleave all calls and inject the faults of the setting. */
const createGates = ({ scheduler, faults: given = [], stalls: held = [] }: Setting) => {
  const faults = [...given];
  const stalls = [...held];
  const calls: string[] = [];
  let excused = 0;
  const gateOf = (life: Life): Gate => {
    const die = (): never => {
      life.crashed = true;
      throw new Crash();
    };
    return async (point, call) => {
      const isHeld = point === 'before' && HELD.has(call);
      for (let steps = isHeld ? (stalls.shift() ?? 0) : 0; steps > 0; steps--)
        await scheduler.schedule(setImmediate(), 'stall');
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
  return { gateOf, calls, excusedUploads: () => excused };
};

/** The calls that a test may hold up: others may have replaced the object that the call is about. */
const HELD: ReadonlySet<string> = new Set(
  ['putTags', 'putAcl', 'remove', 'history'].map((call) => `destination.${call}`),
);

const bucketsOf = ({ buckets, isGone, tell }: Setting, gate: Gate): Deps['buckets'] => {
  const named = (name: string): MemoryBucket => {
    const bucket = buckets[name];
    if (bucket === undefined) throw new Error(`no bucket ${name}`);
    return bucket;
  };
  return {
    source: ({ source }) => memorySource(named(source.bucket), gate),
    destination: ({ bucket }) => {
      const guarded: Gate = async (point, call) => {
        if (isGone?.(bucket) ?? false) throw new ReplicationError('no-such-bucket', 'NoSuchBucket');
        return await gate(point, call);
      };
      return memoryDestination(named(bucket), guarded, (event) => tell?.(bucket, event), {
        sources: buckets,
        initiator: 'arn:aws:sts::222222222222:assumed-role/replication/s3r@test',
      });
    },
  };
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
  origin: 'live',
  retry: null,
  earlier: null,
});
