/**
 * Whatever S3, SQS and Lambda do to the order, number and timing of deliveries, the destination ends equal to the source.
 *
 * A history: uploads, overwrites and deletes at the source; their events duplicated, reordered and batched; several
 * functions at once, interleaved at every call by a seeded scheduler; faults and crashes before and after every effect.
 *
 * Mutations these properties were seen to catch: no precondition on the write; the source looked at before the destination;
 * a message acknowledged in spite of a failure; the stamp not compared. What they meet too rarely is in `races.test.ts`.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createBudget } from '../../src/lib/concurrency.ts';
import { ReplicationError } from '../../src/lib/errors.ts';
import type { Deps, QueueMessage } from '../../src/lib/invocation-deps.ts';
import { replicateBatch } from '../../src/lib/replicate.ts';
import {
  createMemoryBucket,
  type Gate,
  memoryDestination,
  memorySource,
  NO_ATTRIBUTES,
} from '../model/memory-buckets.ts';
import { Crash, createMemoryReceipts } from '../model/memory-receipts.ts';
import { s3Event, testConfiguration } from '../model/settings.ts';

const RUNS = Number(process.env['PROPERTY_RUNS'] ?? 400);
const SEED = Number(process.env['PROPERTY_SEED'] ?? Date.now() % 2 ** 31);

const KEYS = ['a', 'b'] as const;

type Operation = { kind: 'put'; key: string; content: string } | { kind: 'delete'; key: string };

const operation = (content: fc.Arbitrary<string>): fc.Arbitrary<Operation> =>
  fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({ kind: fc.constant('put' as const), key: fc.constantFrom(...KEYS), content }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant('delete' as const), key: fc.constantFrom(...KEYS) }),
    },
  );

interface History {
  versioned: boolean;
  operations: Operation[];
  /** For each delivery of an event: how often it is repeated. */
  repeats: number[];
  batchSize: number;
  /** What goes wrong, one for each call from the first; then nothing. */
  faults: ('none' | 'throttle' | 'reset' | 'crash')[];
  clearReceipts: boolean;
}

const history = (content: fc.Arbitrary<string>): fc.Arbitrary<History> =>
  fc.record({
    versioned: fc.boolean(),
    operations: fc.array(operation(content), { minLength: 1, maxLength: 8 }),
    repeats: fc.array(fc.nat({ max: 2 }), { minLength: 8, maxLength: 8 }),
    batchSize: fc.integer({ min: 1, max: 4 }),
    faults: fc.array(
      fc.oneof(
        { weight: 12, arbitrary: fc.constant('none' as const) },
        { weight: 1, arbitrary: fc.constantFrom('throttle' as const, 'reset' as const, 'crash' as const) },
      ),
      { maxLength: 60 },
    ),
    clearReceipts: fc.boolean(),
  });

describe(`histories (seed ${SEED}, ${RUNS} runs)`, () => {
  test('the destination ends equal to the source and never shows an older state after a newer one', async () => {
    // Every upload has content of its own, so that every ETag names one state.
    await fc.assert(
      fc.asyncProperty(history(fc.uuid()), fc.scheduler(), async (given, scheduler) => {
        const world = await play(given, scheduler);
        expectConverged(world);
        for (const key of KEYS) {
          const order = (bucket: typeof world.source) =>
            (bucket.history.get(key) ?? []).flatMap((version) =>
              version === null ? [] : [version.state.etag],
            );
          const positions = order(world.replica).map((etag) => order(world.source).indexOf(etag));
          expect(positions).toEqual(positions.toSorted((one, other) => one - other));
        }
      }),
      { numRuns: RUNS, seed: SEED },
    );
  });

  test('with the same content written again and again it still ends equal', async () => {
    await fc.assert(
      fc.asyncProperty(history(fc.constantFrom('x', 'y')), fc.scheduler(), async (given, scheduler) => {
        expectConverged(await play(given, scheduler));
      }),
      { numRuns: RUNS, seed: SEED },
    );
  });
});

type World = Awaited<ReturnType<typeof play>>;

const expectConverged = (world: World): void => {
  expect(world.undelivered).toEqual([]);
  expect(world.quarantined).toEqual([]);
  for (const key of KEYS) {
    const source = world.source.current(key);
    // Deletes do not travel: what was there may stay.
    if (source === null) continue;
    const replica = world.replica.current(key);
    expect(replica?.bytes.toString()).toBe(source.bytes.toString());
    expect(replica?.state.attributes.metadata['source-write']).toBe(
      source.state.attributes.metadata['source-write'],
    );
  }
};

/** Plays a history until every message is acknowledged or quarantined. */
const play = async (given: History, scheduler: fc.Scheduler) => {
  let nowMs = 1_700_000_000_000;
  const clock = { now: () => nowMs, sleep: async () => undefined };
  const source = createMemoryBucket(given.versioned, clock.now);
  const replica = createMemoryBucket(true, clock.now);
  const receipts = createMemoryReceipts();
  const faults = [...given.faults];
  const queue: QueueMessage[] = [];
  /** Failed: invisible for a while. */
  const resting: QueueMessage[] = [];
  const quarantined: string[] = [];

  const gate: Gate = async (_point, call) => {
    await scheduler.schedule(Promise.resolve(), call);
    const fault = faults.shift() ?? 'none';
    if (fault === 'throttle') throw new ReplicationError('throttled', 'SlowDown');
    if (fault === 'reset') throw new ReplicationError('connection-lost', 'ECONNRESET');
    if (fault === 'crash') throw new Crash();
  };
  const deps: Omit<Deps, 'invocation'> = {
    configuration: testConfiguration(),
    buckets: {
      source: () => memorySource(source, gate),
      destination: () => memoryDestination(replica, gate),
    },
    receipts,
    liveQueue: { retryLater: async () => undefined, send: async () => undefined },
    deadLetterQueue: { send: async (_body, letter) => void quarantined.push(letter.reason) },
    reporter: { report: () => undefined },
    memory: createBudget(1e9),
    clock,
  };
  const work = async (messages: QueueMessage[]): Promise<void> => {
    const invocation = { requestId: 'r', deadlineMs: nowMs + 900_000, fullTimeMs: 900_000, bytesUnderWay: 0 };
    let crashed = false;
    const died = new Set<string>();
    const crashing: Deps['receipts'] = {
      once: (identity, run) =>
        receipts.once(identity, run).catch((error: unknown) => {
          crashed ||= error instanceof Crash;
          throw error;
        }),
    };
    const { failed } = await replicateBatch(messages, { ...deps, receipts: crashing, invocation });
    // A crash takes the whole invocation with it: nothing of the batch is acknowledged.
    for (const message of messages) {
      if (crashed || failed.includes(message.messageId)) died.add(message.messageId);
    }
    for (const message of messages) {
      if (died.has(message.messageId)) resting.push(message);
    }
  };

  let writes = 0;
  const uploads = (async () => {
    for (const [index, each] of given.operations.entries()) {
      await scheduler.schedule(Promise.resolve(), 'upload');
      nowMs += 400;
      if (each.kind === 'delete') {
        source.remove(each.key);
        continue;
      }
      const state = source.put(each.key, Buffer.from(each.content), plain(++writes));
      const body = s3Event({ key: each.key, versionId: state.versionId, sequencer: String(index) });
      for (let copy = 0; copy <= (given.repeats[index] ?? 0); copy++) {
        queue.push(message(`${index}-${copy}`, body));
      }
    }
  })();

  const drain = async (): Promise<void> => {
    for (;;) {
      await scheduler.schedule(Promise.resolve(), 'poll');
      const take = queue.splice(0, given.batchSize);
      if (take.length === 0) return;
      await work(take);
    }
  };
  const lambda = async (): Promise<void> => {
    await drain();
    queue.push(...resting.splice(0));
    await uploads;
    await drain();
  };
  await scheduler.waitFor(Promise.all([uploads, lambda(), lambda(), lambda()]));
  if (given.clearReceipts) receipts.clear();
  // Sixty faults are the most there can be; each costs at most one more delivery.
  for (let round = 0; round < 100 && resting.length > 0; round++) {
    receipts.expireInProgress();
    queue.push(...resting.splice(0));
    await scheduler.waitFor(drain());
  }
  return { source, replica, quarantined, undelivered: resting };
};

const plain = (write: number) => ({ ...NO_ATTRIBUTES, metadata: { 'source-write': String(write) } });

const message = (messageId: string, body: string): QueueMessage => ({
  messageId,
  receiptHandle: messageId,
  body,
  receiveCount: 1,
  sentMs: 0,
  earlier: null,
});
