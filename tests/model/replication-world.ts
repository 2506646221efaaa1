/**
 * A source and a destination, a queue between them that duplicates, reorders, delays and drops, and several functions at once,
 * interleaved at every call by a seeded scheduler, with faults and crashes before and after every effect.
 */
import fc from 'fast-check';
import { createBudget } from '../../src/lib/concurrency.ts';
import { ReplicationError } from '../../src/lib/errors.ts';
import type { Deps, QueueMessage } from '../../src/lib/invocation-deps.ts';
import { replicateBatch } from '../../src/lib/replicate.ts';
import type { ReplicationRule } from '../../src/lib/rule.ts';
import {
  createMemoryBucket,
  type Gate,
  type MemoryBucket,
  memoryDestination,
  memorySource,
  NO_ATTRIBUTES,
  type Version,
  type Versioning,
} from './memory-buckets.ts';
import { Crash, createMemoryReceipts } from './memory-receipts.ts';
import { s3Event, testConfiguration, testRule } from './settings.ts';

export const KEYS = ['a', 'b'] as const;

export type Operation =
  | { kind: 'put'; key: string; content: string; tag: string | null }
  | { kind: 'delete'; key: string }
  /** The end of one version or marker; the newest has age 0. A marker's end brings the object back. */
  | { kind: 'forget'; key: string; age: number }
  | { kind: 'tag'; key: string; age: number; tag: string };

export interface History {
  source: Versioning;
  destination: Versioning;
  rule: Pick<ReplicationRule, 'versions' | 'deletes' | 'stamp'>;
  operations: Operation[];
  /** For each event: how often it comes, beyond the first time. */
  repeats: number[];
  /** For each event: dropped by the queue until somebody redrives it. */
  drops: boolean[];
  /** Which of the waiting messages is received next. */
  picks: number[];
  batchSize: number;
  /** What goes wrong, one for each call from the first; then nothing. */
  faults: ('none' | 'throttle' | 'reset' | 'credentials' | 'crash')[];
  clearReceipts: boolean;
  /** Objects somebody else put at the destination before. */
  foreign: string[];
}

const key = fc.constantFrom(...KEYS);

const operation = (content: fc.Arbitrary<string>): fc.Arbitrary<Operation> => {
  const tag = fc.constantFrom('red', 'blue');
  return fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        kind: fc.constant('put' as const),
        key,
        content,
        tag: fc.option(tag, { freq: 2 }),
      }),
    },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('delete' as const), key }) },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant('forget' as const), key, age: fc.nat({ max: 2 }) }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant('tag' as const), key, age: fc.nat({ max: 2 }), tag }),
    },
  );
};

/** `content` unique: every ETag names one state. `only` leaves out what a test is not about. */
export const history = (
  content: fc.Arbitrary<string>,
  only: {
    rule?: Partial<History['rule']>;
    versioned?: boolean;
    faults?: boolean;
    kinds?: Operation['kind'][];
  } = {},
): fc.Arbitrary<History> => {
  const kinds = only.kinds ?? ['put', 'delete', 'forget', 'tag'];
  const versioning = fc.constantFrom<Versioning>('enabled', 'enabled', 'suspended', 'unversioned');
  return fc.record({
    source: only.versioned ? fc.constant<Versioning>('enabled') : versioning,
    destination: only.versioned
      ? fc.constant<Versioning>('enabled')
      : fc.constantFrom<Versioning>('enabled', 'enabled', 'unversioned'),
    rule: fc
      .record({
        versions: fc.constantFrom('all' as const, 'latest' as const),
        deletes: fc.constantFrom('replicate' as const, 'ignore' as const),
        stamp: fc.oneof(
          { weight: 4, arbitrary: fc.constant(true) },
          { weight: 1, arbitrary: fc.constant(false) },
        ),
      })
      .map((rule) => ({ ...rule, ...only.rule })),
    operations: fc.array(
      operation(content).filter(({ kind }) => kinds.includes(kind)),
      { minLength: 1, maxLength: 10 },
    ),
    repeats: fc.array(fc.nat({ max: 2 }), { minLength: 10, maxLength: 10 }),
    drops: fc.array(fc.boolean(), { minLength: 10, maxLength: 10 }),
    picks: fc.array(fc.nat({ max: 9 }), { minLength: 30, maxLength: 30 }),
    batchSize: fc.integer({ min: 1, max: 4 }),
    faults: fc.array(
      fc.oneof(
        { weight: 12, arbitrary: fc.constant('none' as const) },
        {
          weight: only.faults === false ? 0 : 1,
          arbitrary: fc.constantFrom(
            'throttle' as const,
            'reset' as const,
            'credentials' as const,
            'crash' as const,
          ),
        },
      ),
      { maxLength: 80 },
    ),
    clearReceipts: fc.boolean(),
    foreign: only.kinds === undefined ? fc.subarray([...KEYS]) : fc.constant([]),
  });
};

export interface World {
  given: History;
  source: MemoryBucket;
  replica: MemoryBucket;
  /** Every version the source ever had, by key, oldest first. */
  written: Map<string, Version[]>;
  quarantined: string[];
  undelivered: QueueMessage[];
  calls: string[];
}

/** Plays a history until every message is acknowledged or quarantined. */
export const play = async (given: History, scheduler: fc.Scheduler): Promise<World> => {
  let nowMs = 1_700_000_000_000;
  const clock = { now: () => nowMs, sleep: async () => undefined };
  const source = createMemoryBucket(given.source, clock.now);
  const replica = createMemoryBucket(given.destination, clock.now);
  for (const taken of given.foreign) replica.put(taken, Buffer.from('somebody else'));
  const receipts = createMemoryReceipts();
  const faults = [...given.faults];
  const picks = [...given.picks];
  const queue: QueueMessage[] = [];
  /** Failed: invisible for a while. */
  const resting: QueueMessage[] = [];
  const dropped: QueueMessage[] = [];
  const quarantined: string[] = [];
  const calls: string[] = [];

  const gate: Gate = async (point, call) => {
    await scheduler.schedule(Promise.resolve(), call);
    if (point === 'before') calls.push(call);
    const fault = faults.shift() ?? 'none';
    if (fault === 'throttle') throw new ReplicationError('throttled', 'SlowDown');
    if (fault === 'reset') throw new ReplicationError('connection-lost', 'ECONNRESET');
    if (fault === 'credentials') throw new ReplicationError('expired-credentials', 'ExpiredToken');
    if (fault === 'crash') throw new Crash();
  };
  const deps: Omit<Deps, 'invocation'> = {
    configuration: testConfiguration(testRule(given.rule)),
    buckets: {
      source: () => memorySource(source, gate),
      destination: () => memoryDestination(replica, gate),
    },
    receipts,
    liveQueue: { retryLater: async () => undefined, send: async () => undefined },
    deadLetterQueue: {
      send: async (_body, letter) => void quarantined.push(`${letter.reason}: ${letter.detail}`),
    },
    reporter: { report: () => undefined },
    memory: createBudget(1e9),
    clock,
  };
  const work = async (messages: QueueMessage[]): Promise<void> => {
    const invocation = { requestId: 'r', deadlineMs: nowMs + 900_000, fullTimeMs: 900_000, bytesUnderWay: 0 };
    let crashed = false;
    const crashing: Deps['receipts'] = {
      once: (identity, run) =>
        receipts.once(identity, run).catch((error: unknown) => {
          crashed ||= error instanceof Crash;
          throw error;
        }),
    };
    const { failed } = await replicateBatch(messages, { ...deps, receipts: crashing, invocation });
    // A crash takes the whole invocation with it: nothing of the batch is acknowledged.
    resting.push(...messages.filter(({ messageId }) => crashed || failed.includes(messageId)));
  };

  const written: World['written'] = new Map(KEYS.map((each) => [each, []]));
  const events = (async () => {
    for (const [index, each] of given.operations.entries()) {
      await scheduler.schedule(Promise.resolve(), 'source');
      nowMs += 400;
      const event = apply(source, each, index);
      if (event === null) continue;
      if (each.kind === 'put') written.get(each.key)?.push(source.versions(each.key).at(-1)!);
      if (event.name.startsWith('ObjectRemoved') && given.rule.deletes === 'ignore') continue;
      const body = s3Event({ key: each.key, sequencer: String(index), ...event });
      for (let copy = 0; copy <= (given.repeats[index] ?? 0); copy++) {
        const to = given.drops[index] && copy === 0 ? dropped : queue;
        to.push(message(`${index}-${copy}`, body));
      }
    }
  })();

  const drain = async (): Promise<void> => {
    for (;;) {
      await scheduler.schedule(Promise.resolve(), 'poll');
      const batch: QueueMessage[] = [];
      while (batch.length < given.batchSize && queue.length > 0) {
        batch.push(...queue.splice((picks.shift() ?? 0) % queue.length, 1));
      }
      if (batch.length === 0) return;
      await work(batch);
    }
  };
  const lambda = async (): Promise<void> => {
    await drain();
    queue.push(...resting.splice(0));
    await events;
    await drain();
  };
  await scheduler.waitFor(Promise.all([events, lambda(), lambda(), lambda()]));
  if (given.clearReceipts) receipts.clear();
  queue.push(...dropped.splice(0));
  // Eighty faults are the most there can be; each costs at most one more delivery.
  for (let round = 0; round < 120 && resting.length + queue.length > 0; round++) {
    receipts.expireInProgress();
    queue.push(...resting.splice(0));
    await scheduler.waitFor(drain());
  }
  return { given, source, replica, written, quarantined, undelivered: resting, calls };
};

interface SourceEvent {
  name: string;
  versionId: string | null;
}

/** Null: nothing happened that S3 tells of. */
const apply = (source: MemoryBucket, each: Operation, index: number): SourceEvent | null => {
  switch (each.kind) {
    case 'put': {
      const attributes = { ...NO_ATTRIBUTES, metadata: { write: String(index) } };
      const tags = each.tag === null ? {} : { colour: each.tag };
      const { versionId } = source.put(each.key, Buffer.from(each.content), { attributes, tags });
      return { name: 'ObjectCreated:Put', versionId };
    }
    case 'delete': {
      const versionId = source.remove(each.key);
      return { name: `ObjectRemoved:${versionId === null ? 'Delete' : 'DeleteMarkerCreated'}`, versionId };
    }
    case 'forget': {
      if (source.versioning === 'unversioned') return null;
      const versionId = source.forget(each.key, each.age);
      return versionId === null ? null : { name: 'ObjectRemoved:Delete', versionId };
    }
    case 'tag': {
      const versionId = source.setTags(each.key, each.age, { colour: each.tag });
      if (versionId === null) return null;
      return { name: 'ObjectTagging:Put', versionId: source.versioning === 'unversioned' ? null : versionId };
    }
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
