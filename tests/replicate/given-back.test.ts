/** Messages that are returned to their queue, because a later delivery may succeed. */
import { expect, test } from 'vitest';
import { s3Event } from '../model/settings.ts';
import { batchWorld, NOW, queueMessage } from './batch-world.ts';

test('a throttled message alone goes back to the queue, with a delay that grows with its receive count', async () => {
  const { source, replica, failing, delays, run } = batchWorld();
  source.put('k', Buffer.from('one'));
  failing.set('replica', 'throttled');
  const body = s3Event({ key: 'k', sequencer: '1' });
  expect(
    await run(queueMessage(body), queueMessage('{"Event":"s3:TestEvent"}', { messageId: 'm2' })),
  ).toEqual({
    failed: ['m1'],
  });
  await run(queueMessage(body, { receiveCount: 6 }));
  expect(delays[1]![1]).toBeGreaterThan(delays[0]![1]);
  failing.clear();
  expect(await run(queueMessage(body))).toEqual({ failed: [] });
  expect(replica('replica').current('k')?.bytes.toString()).toBe('one');
});

test('a message for which no time is left goes back to the queue without a delay', async () => {
  const { source, delays, state, run } = batchWorld();
  source.put('k', Buffer.from('one'));
  state.deadlineMs = NOW;
  expect(await run(queueMessage(s3Event({ key: 'k' })))).toEqual({ failed: ['m1'] });
  expect(delays).toEqual([['m1', 0]]);
});

test('a message that never had enough time starts again as a new message after its last receive', async () => {
  const { source, replica, delays, dead, sent, state, run } = batchWorld();
  source.put('k', Buffer.from('one'));
  state.deadlineMs = NOW;
  expect(await run(queueMessage(s3Event({ key: 'k', sequencer: '1' }), { receiveCount: 12 }))).toEqual({
    failed: [],
  });
  expect({ delays, dead }).toEqual({ delays: [], dead: [] });
  state.deadlineMs = NOW + 900_000;
  await run(queueMessage(sent[0]!.body, { messageId: 'm2', earlier: sent[0]!.letter }));
  expect(replica('replica').current('k')?.bytes.toString()).toBe('one');
});

test('a message goes back to the queue if the dead-letter queue refuses it', async () => {
  const { source, failing, dead, state, run } = batchWorld();
  source.put('k', Buffer.from('one'));
  failing.set('replica', 'access-denied');
  state.deadLetterQueueFails = true;
  const body = s3Event({ key: 'k', sequencer: '1' });
  expect(await run(queueMessage(body))).toEqual({ failed: ['m1'] });
  state.deadLetterQueueFails = false;
  expect(await run(queueMessage(body))).toEqual({ failed: [] });
  expect(dead).toHaveLength(1);
});
