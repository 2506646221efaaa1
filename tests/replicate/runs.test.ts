/** Hints of runs. They are counted after their work is done. They are dropped if their run has stopped. */
import { expect, test } from 'vitest';
import { createBudget } from '../../src/lib/model/concurrency.ts';
import { type Hint, formatHint } from '../../src/lib/hint/hint.ts';
import type { QueueMessage } from '../../src/lib/delivery/deps.ts';
import type { OutcomeRecord } from '../../src/lib/delivery/outcome.ts';
import { replicateBatch } from '../../src/lib/replicate/replicate-batch.ts';
import type { ReplicationRule } from '../../src/lib/model/rule.ts';
import { memoryLetters } from '../model/memory-letters.ts';
import { createMemoryBucket } from '../model/memory-buckets.ts';
import { memoryDestination } from '../model/memory-destination.ts';
import { memorySource } from '../model/memory-source.ts';
import { noTransfers } from '../model/memory-transfers.ts';
import { memoryVersionReceipts } from '../model/memory-version-receipts.ts';
import { createMemoryReceipts } from '../model/memory-receipts.ts';
import { memoryRetries } from '../model/memory-retries.ts';
import { createMemoryRunCounts } from '../model/memory-run-counts.ts';
import { testConfiguration, testInvocation, testRule } from '../model/settings.ts';

const NOW = Date.parse('2026-11-22T12:00:00Z');

const world = (fields: Partial<ReplicationRule> = {}) => {
  const clock = { now: () => NOW, sleep: async () => undefined };
  const source = createMemoryBucket('enabled', clock.now);
  const replica = createMemoryBucket('enabled', clock.now);
  const runs = createMemoryRunCounts();
  const records: OutcomeRecord[] = [];
  const receipts = createMemoryReceipts();
  const letters = memoryLetters();
  const rule = testRule({ versions: 'latest', ...fields });
  const quarantined: string[] = [];
  const bodies: string[] = [];
  /** For how many seconds messages were hidden. */
  const hidden: number[] = [];
  const work = (hint: Partial<Hint>, origin: QueueMessage['origin'] = 'backfill') =>
    carryOut({ ...message(formatHint({ ...HINT, bucket: rule.source.bucket, ...hint })), origin });
  const carryOut = (given: QueueMessage) =>
    replicateBatch([given], {
      configuration: testConfiguration(rule),
      buckets: {
        source: () => memorySource(source, async () => undefined),
        destination: () => memoryDestination(replica, async () => undefined),
      },
      receipts,
      liveQueue: { retryLater: async (_, seconds) => void hidden.push(seconds) },
      ...memoryRetries(async () => undefined),
      letters,
      deadLetterQueue: {
        send: async (body, { reason }) => {
          quarantined.push(reason);
          bodies.push(body);
        },
      },
      reporter: { report: (record) => void records.push(record) },
      runs,
      memory: createBudget(1e9),
      clock,
      invocation: testInvocation({ deadlineMs: NOW + 900_000 }),
      ...noTransfers(),
      versionReceipts: memoryVersionReceipts(),
    });
  return { source, replica, runs, records, quarantined, bodies, hidden, work, carryOut };
};

const HINT: Hint = {
  bucket: '',
  key: 'k',
  versionId: null,
  sizeBytes: null,
  kind: 'hint',
  identity: 'run-1/1',
  principalId: null,
  rule: null,
  destination: null,
  run: 'run-1',
};

const message = (body: string): QueueMessage => ({
  messageId: 'm',
  receiptHandle: 'h',
  body,
  receiveCount: 1,
  sentMs: NOW,
  origin: 'live',
  retry: null,
  earlier: null,
});

test('a run counts the work of a hint, and no duplicate of the hint', async () => {
  const { source, runs, work } = world();
  source.put('k', Buffer.from('one'));
  await work({});
  await work({});
  expect(runs.counted).toEqual([
    {
      run: 'run-1',
      piece: {
        kind: 'done',
        key: 'k',
        receipt: expect.objectContaining({ outcome: 'replicated', copies: 1, bytes: 3 }),
      },
    },
  ]);
});

test('a run counts a permanent failure by its reason', async () => {
  const { runs, quarantined, work } = world();
  await work({ rule: 'somebody else’s' });
  expect(quarantined).toEqual(['unknown-rule']);
  expect(runs.counted).toEqual([
    { run: 'run-1', piece: { kind: 'failed', key: expect.any(String), reason: 'unknown-rule' } },
  ]);
});

test('the work of an event is counted for no run', async () => {
  const { source, runs, work } = world();
  source.put('k', Buffer.from('one'));
  await work({ run: null });
  expect(runs.counted).toEqual([]);
});

test('a hint that comes before its time is hidden until then, unless it is an event', async () => {
  const { source, replica, runs, hidden, work } = world();
  source.put('k', Buffer.from('one'));
  const early = { notBeforeMs: NOW + 100_000 };
  expect((await work(early)).failed).toHaveLength(1);
  expect((await work({ notBeforeMs: NOW + 1e9 })).failed).toHaveLength(1);
  expect(hidden).toEqual([100, 42_000]);
  expect(replica.history.size + runs.counted.length).toBe(0);
  // In the live queue, the time before which a hint must wait has no effect. Otherwise a sender could hold live replication back.
  expect(await work(early, 'live')).toEqual({ failed: [] });
  expect(await work({ notBeforeMs: NOW })).toEqual({ failed: [] });
  expect(replica.history.size).toBe(1);
});

test('a hint of a paused or cancelled run is dropped, counted and reported', async () => {
  const { source, replica, runs, records, work } = world();
  source.put('k', Buffer.from('one'));
  runs.stopped.add('run-1');
  expect(await work({})).toEqual({ failed: [] });
  expect(replica.history.size).toBe(0);
  expect(runs.counted).toEqual([{ run: 'run-1', piece: { kind: 'dropped' } }]);
  expect(records).toMatchObject([{ ending: 'skip', why: 'run-stopped', key: 'k' }]);
  // The dropped hint left no idempotency record. The same hint therefore replicates the key once the run has
  // resumed.
  runs.stopped.clear();
  await work({});
  expect(replica.history.size).toBe(1);
});

test('a dead letter of a cancelled run is carried out when it is redriven, and counted for no run', async () => {
  const { source, replica, runs, bodies, work, carryOut } = world();
  source.put('k', Buffer.from('one'));
  source.seal('k', 0, 'archived');
  await work({});
  runs.stopped.add('run-1');
  source.seal('k', 0, null);
  await carryOut(message(bodies[0]!));
  expect(replica.history.size).toBe(1);
  expect(runs.counted).toMatchObject([{ piece: { kind: 'failed', reason: 'archived' } }]);
});

test('a hint that SQS itself moved to the dead-letter queue is carried out when it is redriven', async () => {
  const { source, replica, runs, work } = world();
  source.put('k', Buffer.from('one'));
  runs.stopped.add('run-1');
  await work({}, 'live');
  expect(replica.history.size).toBe(1);
});

test.each(['latest', 'all'] as const)(
  'an extra replica gets a delete marker only if the source has no such key (versions: %s)',
  async (versions) => {
    const { source, replica, records, work } = world({ deletes: 'replicate', versions });
    source.put('k', Buffer.from('one'));
    await work({ identity: 'run-0/1' });
    await work({ kind: 'extra' });
    expect(records.at(-1)).toMatchObject({ outcome: 'unchanged' });
    source.history.delete('k');
    await work({ kind: 'extra', identity: 'run-1/2' });
    expect(records.at(-1)).toMatchObject({ outcome: 'deleted' });
    expect(replica.history.get('k')).toHaveLength(2);
  },
);

test.each(['latest', 'all'] as const)(
  'an extra object that is no replica of this rule stays (versions: %s)',
  async (versions) => {
    const { replica, records, work } = world({ deletes: 'replicate', versions });
    replica.put('k', Buffer.from('somebody else’s'));
    await work({ kind: 'extra' });
    expect(records.at(-1)).toMatchObject({ outcome: 'not-ours' });
    expect(replica.history.get('k')).toHaveLength(1);
  },
);

test('no hint deletes a replica without `deletes: replicate`', async () => {
  const { source, replica, records, work } = world({ deletes: 'ignore' });
  source.put('k', Buffer.from('one'));
  await work({ identity: 'run-0/1' });
  source.history.delete('k');
  await work({ kind: 'extra' });
  expect(records.at(-1)).toMatchObject({ outcome: 'source-gone' });
  expect(replica.history.get('k')).toHaveLength(1);
});
