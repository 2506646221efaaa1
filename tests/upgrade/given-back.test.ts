/** Messages and records of a newer release, in functions of this one: during an update, and after a roll-back. */
import { expect, test } from 'vitest';
import { NEWER_RELEASE_SECONDS } from '../../src/lib/delivery/backoff.ts';
import { letBackBatch } from '../../src/lib/delivery/let-back-batch.ts';
import { newerAttributes } from '../../src/lib/delivery/text-attributes.ts';
import { formatSeveral } from '../../src/lib/hint/hint.ts';
import { assertKnown } from '../../src/lib/model/schemas.ts';
import { workOnBatch } from '../../src/lib/runs/messages.ts';
import { messageOf } from '../model/memory-retries.ts';
import { s3Event, testDestination, testRule } from '../model/settings.ts';
import { runRecord } from '../runs/run-record.ts';
import { batchWorld, NOW, queueMessage } from '../replicate/batch-world.ts';

const DAY_MS = 24 * 3_600_000;
const NEWER_HINT = '{"s3-replicator":"hint","v":2,"where":"s3://source/k"}';

test('a hint of a newer release returns to its queue unchanged, a quarter of an hour later and without a try', async () => {
  const { sent, dead, run } = batchWorld();
  expect(await run(queueMessage(NEWER_HINT, { origin: 'backfill', receiveCount: 7 }))).toEqual({
    failed: [],
  });
  expect(sent).toMatchObject([
    {
      body: NEWER_HINT,
      delaySeconds: NEWER_RELEASE_SECONDS,
      retry: { origin: 'backfill', tries: 0, attempts: 0, reason: 'newer-release' },
    },
  ]);
  for (let times = 1; times < 50; times++) await run(messageOf(sent.at(-1)!, `m${times}`));
  expect(sent.at(-1)).toMatchObject({ body: NEWER_HINT, retry: { tries: 0, id: 'm1' } });
  expect(dead).toEqual([]);
});

test('a hint that no release has read for ten days becomes a dead letter, before SQS deletes it', async () => {
  const { sent, dead, run } = batchWorld();
  await run(queueMessage(NEWER_HINT));
  const [piece] = sent;
  const old = { ...piece!, retry: { ...piece!.retry, waitingSinceMs: NOW - 10 * DAY_MS } };
  await run(messageOf(old, 'm2'));
  expect(dead).toMatchObject([
    {
      body: NEWER_HINT,
      letter: { reason: 'retries-exhausted', detail: expect.stringContaining('newer-release') },
    },
  ]);
});

test('of a message with several hints, only the one of a newer release returns', async () => {
  const { source, replica, sent, run } = batchWorld();
  source.put('k', Buffer.from('one'));
  await run(queueMessage(formatSeveral([NEWER_HINT, s3Event({ key: 'k', sequencer: '1' })])));
  expect(replica('replica').current('k')?.bytes.toString()).toBe('one');
  expect(sent.map(({ body }) => body)).toEqual([NEWER_HINT]);
});

const newer = newerAttributes({ 'last-reason': { dataType: 'String.2' } })!;

test('a message with attributes of a newer release stays the same message, and is not read for a quarter of an hour', async () => {
  const { source, replica, sent, dead, delays, run } = batchWorld();
  source.put('k', Buffer.from('one'));
  const message = queueMessage(s3Event({ key: 'k', sequencer: '1' }), { newer, receiveCount: 30 });
  expect(await run(message)).toEqual({ failed: ['m1'] });
  expect(delays).toEqual([['m1', NEWER_RELEASE_SECONDS]]);
  expect([sent, dead, replica('replica').current('k')]).toEqual([[], [], null]);
});

test('attributes of other senders are not taken for those of a newer release', () => {
  expect(newerAttributes({ 'last-reason': { dataType: 'String.1' } })).toBeNull();
  expect(newerAttributes({ color: { dataType: 'String.2' } })).toBeNull();
  expect(newerAttributes({ reason: { dataType: 'String' } })).toBeNull();
  expect(newerAttributes({ reason: { dataType: 'String.acme' } })).toBeNull();
});

test('a waiting message of a newer release waits until it is so old that SQS would delete it', async () => {
  const where = { rule: testRule(), destination: testDestination() };
  const waiting = (sentMs: number) => ({ ...queueMessage('{}', { sentMs, newer }), attributes: {} });
  const letBack: number[] = [];
  const sentTimes = [NOW - DAY_MS, NOW - 9 * DAY_MS, NOW - 11 * DAY_MS];
  const queues = {
    receive: async () => sentTimes.map(waiting),
    letBack: async (_where: unknown, messages: readonly { sentMs: number }[]) =>
      letBack.push(...messages.map(({ sentMs }) => sentMs)),
  };
  await letBackBatch(where, queues, NOW);
  expect(letBack).toEqual([NOW - 11 * DAY_MS]);
});

const rangeOf = (v: number): string =>
  JSON.stringify({ v, run: 'r', epoch: 1, from: '', hops: 0, fruitless: 0 });

/** Receives one message of a run. The records of the run and of its range have these schema numbers. */
const receiveRange = async (body: string, numbers: { run: number; range: number }) => {
  const later: string[] = [];
  const failures: unknown[] = [];
  const deps = {
    store: {
      load: async () => {
        assertKnown('run', numbers.run);
        return runRecord({ id: 'r' });
      },
      openRange: async () => {
        assertKnown('range', numbers.range);
        return null;
      },
      change: async (...change: unknown[]) => failures.push(change),
    },
    clock: { now: () => NOW },
    random: () => 0,
  };
  const ranges = {
    sendLater: async (text: string) => void later.push(text),
    retryLater: async () => undefined,
  };
  const log = { info: () => undefined, warn: () => undefined };
  // The other ports are not reached.
  const work = { deps, ranges, log } as unknown as Parameters<typeof workOnBatch>[1];
  const { failed } = await workOnBatch([queueMessage(body, { receiveCount: 11 })], work);
  return { failed, later, failures };
};

test.each([
  ['a message of a newer release', rangeOf(2), { run: 1, range: 1 }],
  ['the message of a range of a newer release', rangeOf(1), { run: 1, range: 2 }],
  ['the message of a run of a newer release', rangeOf(1), { run: 2, range: 1 }],
])('%s is sent again later, uses up no delivery and does not fail the run', async (_name, body, numbers) => {
  expect(await receiveRange(body, numbers)).toEqual({ failed: [], later: [body], failures: [] });
});
