/**
 * A source and its replicas. It records everything that handling a batch of messages leaves behind: calls,
 * dead letters, receipts and counts.
 */
import { createBudget } from '../../src/lib/model/concurrency.ts';
import type { DeadLetter } from '../../src/lib/delivery/dead-letter.ts';
import { ReplicationError } from '../../src/lib/model/errors.ts';
import type { Reason } from '../../src/lib/model/reasons.ts';
import type { OutcomeRecord } from '../../src/lib/delivery/outcome.ts';
import type { Neighbourhoods } from '../../src/lib/delivery/neighbourhoods.ts';
import type { DeadLetterSender, QueueMessage } from '../../src/lib/delivery/deps.ts';
import { replicateBatch } from '../../src/lib/replicate/replicate-batch.ts';
import type { ReplicationConfiguration } from '../../src/lib/model/rule.ts';
import { memoryEventBus } from '../model/memory-event-bus.ts';
import { memoryLetters } from '../model/memory-letters.ts';
import { createMemoryBucket, type MemoryBucket } from '../model/memory-buckets.ts';
import { memoryDestination } from '../model/memory-destination.ts';
import { type Gate, memorySource } from '../model/memory-source.ts';
import { noTransfers } from '../model/memory-transfers.ts';
import { memoryVersionReceipts } from '../model/memory-version-receipts.ts';
import { createMemoryReceipts } from '../model/memory-receipts.ts';
import { memoryRetries, type SentPiece } from '../model/memory-retries.ts';
import { createMemoryRunCounts } from '../model/memory-run-counts.ts';
import { testConfiguration, testInvocation } from '../model/settings.ts';

export const NOW = 1_700_000_000_000;

export const batchWorld = (
  configuration: ReplicationConfiguration = testConfiguration(),
  sleep: () => Promise<void> = async () => undefined,
) => {
  const clock = { now: () => NOW, sleep };
  const source = createMemoryBucket('enabled', clock.now);
  const failing = new Map<string, Reason>();
  const calls: string[] = [];
  const replica = memoryReplicas(clock.now);
  const records: OutcomeRecord[] = [];
  const delays: [string, number][] = [];
  const dead: Dead[] = [];
  const sent: SentPiece[] = [];
  const state = { deadLetterQueueFails: false, retriesFail: false, deadlineMs: NOW + 900_000 };
  const receipts = createMemoryReceipts();
  const hooks: { source?: Gate } = {};
  const { announcements, ...announced } = memoryEventBus();
  const neighbourhoods: Neighbourhoods = new Map();
  const letters = memoryLetters();
  const runs = createMemoryRunCounts();
  const sourceOf = () =>
    memorySource(source, async (point, call) => {
      calls.push(call);
      await hooks.source?.(point, call);
    });
  const destinationOf = ({ bucket }: { bucket: string }) =>
    memoryDestination(replica(bucket), async (point, call) => {
      if (point === 'before') calls.push(call);
      const reason = failing.get(bucket);
      if (reason !== undefined) throw new ReplicationError(reason, `${bucket} says no`, { requestId: 'R1' });
    });
  const run = (...messages: QueueMessage[]) =>
    replicateBatch(messages, {
      configuration,
      buckets: { source: sourceOf, destination: destinationOf },
      receipts,
      liveQueue: {
        retryLater: async (message, seconds) => void delays.push([message.messageId, seconds]),
      },
      ...memoryRetries(async (piece) => {
        if (state.retriesFail) throw new ReplicationError('throttled', 'slow down');
        sent.push(piece);
      }),
      letters,
      deadLetterQueue: deadLetterQueue(dead, state),
      reporter: { report: (record) => void records.push(record) },
      runs,
      announcements,
      memory: createBudget(1e9),
      neighbourhoods,
      clock,
      invocation: testInvocation({ deadlineMs: state.deadlineMs }),
      ...noTransfers(),
      versionReceipts: memoryVersionReceipts(),
    });
  const left = { calls, records, delays, dead, sent, ...announced };
  return { source, replica, failing, ...left, state, receipts, letters, runs, run, hooks };
};

/** Returns a function that returns the bucket of a name, always the same one. */
const memoryReplicas = (now: () => number): ((bucket: string) => MemoryBucket) => {
  const replicas = new Map<string, MemoryBucket>();
  return (bucket) => {
    const known = replicas.get(bucket) ?? createMemoryBucket('enabled', now);
    replicas.set(bucket, known);
    return known;
  };
};

interface Dead {
  body: string;
  letter: DeadLetter;
}

const deadLetterQueue = (dead: Dead[], state: { deadLetterQueueFails: boolean }): DeadLetterSender => ({
  async send(body, letter) {
    if (state.deadLetterQueueFails) throw new ReplicationError('throttled', 'slow down');
    dead.push({ body, letter });
  },
});

export const queueMessage = (body: string, fields: Partial<QueueMessage> = {}): QueueMessage => ({
  messageId: 'm1',
  receiptHandle: 'h1',
  body,
  receiveCount: 1,
  sentMs: NOW - 5_000,
  origin: 'live',
  retry: null,
  earlier: null,
  ...fields,
});
