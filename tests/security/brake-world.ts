/**
 * A deployment whose execution environments share the record of the brakes. Its queue delivers batches of ten, to one environment after
 * another. The schedule passes on what an operator releases.
 */
import { type Brakes, createBrakes } from '../../src/lib/delivery/brakes.ts';
import type { OutcomeRecord } from '../../src/lib/delivery/outcome.ts';
import { createRefusals } from '../../src/lib/delivery/refusals.ts';
import { answerBatch } from '../../src/lib/replicate/batch-operations.ts';
import { formatHint, type Hint } from '../../src/lib/hint/hint.ts';
import { createBudget } from '../../src/lib/model/concurrency.ts';
import type { BrakeSettings, ReplicationRule } from '../../src/lib/model/rule.ts';
import { replicateBatch } from '../../src/lib/replicate/replicate-batch.ts';
import { passOnReleased } from '../../src/lib/runs/pass-on-released.ts';
import { memoryLetters } from '../model/memory-letters.ts';
import { createMemoryBrakes } from '../model/memory-brakes.ts';
import { createMemoryBucket, type Versioning } from '../model/memory-buckets.ts';
import { memoryDestination } from '../model/memory-destination.ts';
import { createMemoryReceipts } from '../model/memory-receipts.ts';
import { memoryRetries, type SentPiece } from '../model/memory-retries.ts';
import { noRuns } from '../model/memory-run-counts.ts';
import { memorySource, openGate } from '../model/memory-source.ts';
import { memoryVersionReceipts } from '../model/memory-version-receipts.ts';
import { noTransfers } from '../model/memory-transfers.ts';
import { s3Event, testConfiguration, testInvocation, testRule } from '../model/settings.ts';

const BATCH = 10;
/** The brake of the rule `rule` at the destination `replica`. */
export const BRAKE = 'rule/replica';
const BRAKE_SETTINGS = {
  windowMinutes: 60,
  deletes: 50,
  deletesPercent: 10,
  expirations: 80,
  overwrites: 60,
};

interface Options {
  rule?: Partial<ReplicationRule>;
  brake?: Partial<BrakeSettings>;
  /** The versioning of the source, then that of the destination. */
  versionings?: [Versioning, Versioning];
  environments?: number;
}

export const brakeWorld = (options: Options = {}) => {
  const world = createWorld(options);
  const { time, clock, source, replica, store, records, again, rule, deps, deliverFrom, messages } = world;
  const deliver = (...bodies: string[]) => deliverFrom('live', bodies);
  const hints: Hint[] = [];
  return {
    time,
    rule,
    source,
    replica,
    store,
    records,
    again,
    deliver,
    /** Puts objects into the source, and delivers their events. */
    put: async (keys: readonly string[], body = 'x') => {
      for (const key of keys) source.put(key, Buffer.from(body));
      await deliver(...keys.map((key) => s3Event({ key, sequencer: `put ${messages.sent} ${key}` })));
    },
    /** Deletes objects in the source, and delivers their events. */
    remove: async (keys: readonly string[], name = 'ObjectRemoved:DeleteMarkerCreated') => {
      const ids = keys.map((key) => source.remove(key));
      await deliver(
        ...keys.map((key, index) =>
          s3Event({ key, name, versionId: ids[index] ?? null, sequencer: `delete ${messages.sent} ${key}` }),
        ),
      );
    },
    /** Delivers hints about keys as a run or a redrive sends them. */
    hint: (keys: readonly string[], more: Partial<Hint> = {}) =>
      deliverFrom(
        'backfill',
        keys.map((key) => formatHint({ ...HINT, key, ...more })),
      ),
    job: (keys: readonly string[]) =>
      answerBatch(
        {
          invocationSchemaVersion: '2.0',
          invocationId: 'I',
          tasks: keys.map((s3Key) => ({ taskId: s3Key, s3Key, s3VersionId: null, s3Bucket: 'source' })),
        },
        deps(),
      ),
    shown: (keys: readonly string[]) => keys.filter((key) => replica.current(key) !== null),
    held: () => store.keysOf(BRAKE),
    closed: async () => (await store.load(BRAKE)).closed,
    /** Releases what is held now, as the command does, and lets the schedule and the functions do the rest. */
    release: async (how: 'pass-on' | 'keep' = 'pass-on') => {
      await store.release(BRAKE, await store.load(BRAKE), { untilMs: time.nowMs, how });
      time.nowMs += 5_000;
      const queues = {
        send: async () => undefined,
        sendHints: async (sent: readonly Hint[]) => void hints.push(...sent),
        hintsLeft: async () => 0,
      };
      await passOnReleased({ configuration: testConfiguration(rule), brakes: store, queues, clock });
      await deliverFrom('backfill', hints.splice(0).map(formatHint));
    },
    /** Starts all execution environments anew, as a deployment does. */
    deploy: world.deploy,
  };
};

const createWorld = ({ rule: fields, brake, versionings, environments = 4 }: Options) => {
  const time = { nowMs: 1_700_000_000_000 };
  const clock = { now: () => time.nowMs, sleep: async () => undefined };
  const [source, replica] = (versionings ?? ['enabled', 'enabled']).map((versioning) =>
    createMemoryBucket(versioning, clock.now),
  ) as [ReturnType<typeof createMemoryBucket>, ReturnType<typeof createMemoryBucket>];
  const store = createMemoryBrakes();
  const rule = testRule({
    versions: 'all',
    deletes: 'replicate',
    brake: { ...BRAKE_SETTINGS, ...brake },
    ...fields,
  });
  const records: OutcomeRecord[] = [];
  const again: SentPiece[] = [];
  const receipts = createMemoryReceipts();
  const versionReceipts = memoryVersionReceipts();
  const createEnvironment = (): Brakes => createBrakes({ store, clock });
  let known = Array.from({ length: environments }, createEnvironment);
  let invocations = 0;
  const deps = () => ({
    configuration: testConfiguration(rule),
    buckets: {
      source: () => memorySource(source, openGate),
      destination: () => memoryDestination(replica, openGate),
    },
    receipts,
    runs: noRuns,
    liveQueue: { retryLater: async () => undefined },
    ...memoryRetries(async (piece) => void again.push(piece)),
    letters: memoryLetters(),
    deadLetterQueue: { send: async () => undefined },
    reporter: { report: (record: OutcomeRecord) => void records.push(record) },
    memory: createBudget(1e9),
    clock,
    invocation: testInvocation({ deadlineMs: time.nowMs + 900_000 }),
    ...noTransfers(),
    versionReceipts,
    refusals: createRefusals(clock),
    brake: known[invocations++ % known.length]!,
  });
  const messages = { sent: 0 };
  const deliverFrom = async (origin: 'live' | 'backfill', bodies: string[]): Promise<void> => {
    for (let start = 0; start < bodies.length; start += BATCH) {
      const batch = bodies.slice(start, start + BATCH).map((body) => ({
        messageId: `m${messages.sent++}`,
        receiptHandle: 'h',
        body,
        receiveCount: 1,
        sentMs: time.nowMs,
        origin,
        retry: null,
        earlier: null,
      }));
      await replicateBatch(batch, deps());
    }
  };
  const deploy = () => void (known = Array.from({ length: environments }, createEnvironment));
  return { time, clock, source, replica, store, records, again, rule, deps, deliverFrom, messages, deploy };
};

const HINT: Hint = {
  bucket: 'source',
  key: '',
  versionId: null,
  sizeBytes: null,
  kind: 'hint',
  identity: null,
  principalId: null,
  rule: null,
  destination: null,
  run: null,
};

export const keysNamed = (name: string, count: number): string[] =>
  Array.from({ length: count }, (_, index) => `${name}-${String(index).padStart(4, '0')}`);
