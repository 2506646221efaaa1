/** Failed pieces of messages that are sent again, because a later attempt may succeed. */
import { expect, test } from 'vitest';
import { fromRetryAttributes, type Retry, toRetryAttributes } from '../../src/lib/delivery/retry.ts';
import type { Reason } from '../../src/lib/model/reasons.ts';
import { messageOf, type SentPiece } from '../model/memory-retries.ts';
import { s3Event, testConfiguration, testDestination, testRule } from '../model/settings.ts';
import { batchWorld, NOW, queueMessage } from './batch-world.ts';

const event = s3Event({ key: 'k', sequencer: '1' });
const HOUR_MS = 3_600_000;

const failing = (reason: Reason = 'throttled') => {
  const world = batchWorld();
  world.source.put('k', Buffer.from('one'));
  world.failing.set('replica', reason);
  return world;
};

test('a throttled message is acknowledged and sent again with its history, after a short delay', async () => {
  const { replica, failing: reasons, delays, sent, run } = failing();
  expect(
    await run(queueMessage(event), queueMessage('{"Event":"s3:TestEvent"}', { messageId: 'm2' })),
  ).toEqual({ failed: [] });
  expect(delays).toEqual([]);
  expect(sent).toMatchObject([
    {
      retry: {
        id: 'm1',
        origin: 'live',
        tries: 1,
        attempts: 1,
        firstSeenMs: NOW - 5_000,
        waitingSinceMs: NOW,
        firstFailedMs: NOW,
        reason: 'throttled',
      },
    },
  ]);
  expect(sent[0]!.delaySeconds).toBeGreaterThan(0);
  reasons.clear();
  await run(messageOf(sent[0]!, 'm3'));
  expect(replica('replica').current('k')?.bytes.toString()).toBe('one');
});

test('after four short delays a failing message waits in the queue of its destination', async () => {
  const { sent, run } = failing();
  await run(queueMessage(event));
  for (let tries = 1; tries < 6; tries++) await run(messageOf(sent.at(-1)!, `m${tries}`));
  const delays = sent.map(({ delaySeconds }) => delaySeconds);
  expect(delays.slice(4)).toEqual([null, null]);
  for (const [index, delay] of delays.slice(0, 4).entries())
    expect(delay).toBeLessThanOrEqual(5 * 2 ** index);
});

test('a message is sent again for one destination only, and what was done is not repeated', async () => {
  const {
    source,
    failing: reasons,
    sent,
    calls,
    run,
  } = batchWorld(
    testConfiguration(
      testRule({
        destinations: ['one', 'two', 'three'].map((bucket) => testDestination({ id: bucket, bucket })),
      }),
    ),
  );
  source.put('k', Buffer.from('one'));
  reasons.set('two', 'throttled').set('three', 'throttled');
  await run(queueMessage(event));
  expect(sent.map(({ body }) => (JSON.parse(body) as { destination: string }).destination)).toEqual([
    'two',
    'three',
  ]);
  reasons.clear();
  calls.length = 0;
  await run(messageOf(sent[0]!, 'm2'), messageOf(sent[1]!, 'm3'));
  expect(calls.filter((call) => call === 'destination.put')).toHaveLength(2);
});

test('if the function dies after it sent a hint without identity again, the second attempt counts as a duplicate', async () => {
  const { source, failing: reasons, sent, records, run } = batchWorld();
  source.put('k', Buffer.from('one'));
  reasons.set('replica', 'throttled');
  const message = queueMessage(JSON.stringify({ 's3-replicator': 'hint', bucket: 'source', key: 'k' }));
  await run(message);
  reasons.clear();
  await run(message);
  await run(messageOf(sent[0]!, 'm2'));
  expect(records.map((record) => ('duplicate' in record ? record.duplicate : record.ending))).toEqual([
    'retry',
    false,
    true,
  ]);
});

/** Returns a message that has failed before. */
const tried = (piece: SentPiece, history: Partial<Retry>) =>
  messageOf({ ...piece, retry: { ...piece.retry, ...history } }, 'm2');

test('a message is exhausted after twelve failures and two hours, but not by failures alone', async () => {
  const { sent, dead, run } = failing();
  await run(queueMessage(event));
  const [piece] = sent;
  await run(tried(piece!, { tries: 200, waitingSinceMs: NOW - HOUR_MS }));
  await run(tried(piece!, { tries: 10, waitingSinceMs: NOW - 48 * HOUR_MS }));
  expect(dead).toEqual([]);
  await run(tried(piece!, { tries: 11, attempts: 13, waitingSinceMs: NOW - 2 * HOUR_MS }));
  expect(dead.map(({ letter }) => letter)).toMatchObject([
    { reason: 'retries-exhausted', attempts: 14, firstSeenMs: NOW - 5_000 },
  ]);
});

test('a message that waited for ten days is quarantined with the reason of its last failure', async () => {
  const { sent, dead, run } = failing();
  await run(queueMessage(event));
  await run(tried(sent[0]!, { tries: 3, waitingSinceMs: NOW - 240 * HOUR_MS }));
  expect(dead[0]?.letter).toMatchObject({ reason: 'retries-exhausted' });
  expect(dead[0]?.letter.detail).toContain('throttled');
});

test('a failure with another reason begins its own time, which later failures with this reason keep', async () => {
  const { failing: reasons, sent, run } = failing();
  await run(queueMessage(event));
  const history = { firstFailedMs: NOW - 60_000, waitingSinceMs: NOW - 60_000 };
  await run(tried(sent[0]!, history));
  reasons.set('replica', 'lost-race');
  await run(tried(sent[0]!, history));
  expect(sent.slice(1).map(({ retry }) => [retry.firstFailedMs, retry.waitingSinceMs])).toEqual([
    [NOW - 60_000, NOW - 60_000],
    [NOW, NOW - 60_000],
  ]);
});

test.each(['access-denied', 'assume-role-denied', 'kms'] as const)(
  'a message that is refused as %s is tried again for two minutes from its first failure, however old it is',
  async (reason) => {
    const { sent, dead, run } = failing(reason);
    await run(queueMessage(event, { sentMs: NOW - 24 * HOUR_MS }));
    const [piece] = sent;
    expect(piece).toMatchObject({ retry: { firstFailedMs: NOW } });
    await run(tried(piece!, { firstFailedMs: NOW - 119_000 }));
    // A failure with another reason has two minutes of its own.
    await run(tried(piece!, { firstFailedMs: NOW - HOUR_MS, reason: 'throttled' }));
    expect(dead).toEqual([]);
    await run(tried(piece!, { firstFailedMs: NOW - 120_000 }));
    expect(dead).toMatchObject([{ letter: { reason } }]);
    // After a redrive, the two minutes begin anew.
    await run(queueMessage(dead[0]!.body, { messageId: 'm3', earlier: dead[0]!.letter }));
    expect([sent.length, dead.length]).toEqual([4, 1]);
  },
);

test('a message for which no time is left is sent again without a delay, and not without end', async () => {
  const { source, replica, sent, dead, state, run } = batchWorld();
  source.put('k', Buffer.from('one'));
  state.deadlineMs = NOW;
  expect(await run(queueMessage(event))).toEqual({ failed: [] });
  expect(sent).toMatchObject([{ delaySeconds: 0, retry: { tries: 1 } }]);
  await run(tried(sent[0]!, { tries: 98 }));
  expect(dead).toEqual([]);
  await run(tried(sent[0]!, { tries: 99 }));
  expect(dead).toMatchObject([{ letter: { reason: 'retries-exhausted' } }]);
  state.deadlineMs = NOW + 900_000;
  await run(messageOf(sent[0]!, 'm3'));
  expect(replica('replica').current('k')?.bytes.toString()).toBe('one');
});

test('a message stays in its queue if SQS refuses to take it again, or refuses its dead letter', async () => {
  const { failing: reasons, sent, dead, delays, state, run } = failing();
  state.retriesFail = true;
  expect(await run(queueMessage(event))).toEqual({ failed: ['m1'] });
  reasons.set('replica', 'no-such-bucket');
  state.deadLetterQueueFails = true;
  expect(await run(queueMessage(event))).toEqual({ failed: ['m1'] });
  expect(delays).toHaveLength(2);
  state.deadLetterQueueFails = false;
  expect(await run(queueMessage(event))).toEqual({ failed: [] });
  expect([sent.length, dead.length]).toEqual([0, 1]);
});

test('message attributes preserve the history, and there are at most ten of them', async () => {
  const { sent, run } = failing();
  await run(queueMessage(event));
  const { retry } = sent[0]!;
  const attributes = toRetryAttributes({ ...retry, detail: 'ключ\u0000 denied' });
  expect(fromRetryAttributes(attributes)).toEqual({ ...retry, detail: 'ключ? denied' });
  expect(Object.keys(attributes).length).toBeLessThanOrEqual(10);
  expect(fromRetryAttributes(toRetryAttributes({ ...retry, firstFailedMs: null }))?.firstFailedMs).toBeNull();
});
