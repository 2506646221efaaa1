/** The order in which a discard writes, closes and deletes. */
import { expect, test } from 'vitest';
import { discardMatching } from '../../src/lib/dead-letters/discard.ts';
import { EVERY_MESSAGE } from '../../src/lib/dead-letters/filter.ts';
import type { OperatorQueue, ReceivedMessage } from '../../src/lib/dead-letters/queue.ts';

const message = (id: string): ReceivedMessage => ({
  id,
  receiptHandle: id,
  body: id,
  attributes: {},
  sentMs: 0,
  movedBySqs: false,
});

test('a discard closes its export before it asks, and forgets letters before it deletes them', async () => {
  const order: string[] = [];
  const left = ['one', 'two'];
  const queue: OperatorQueue = {
    name: 'dead',
    liveName: 'live',
    region: 'r',
    state: async () => ({ visible: 2, inFlight: 0, delayed: 0, retentionMs: 0 }),
    receive: async () => left.splice(0, 1).map(message),
    changeVisibility: async () => undefined,
    sendBack: async () => [],
    forget: async () => void order.push('forget'),
    async remove(messages) {
      order.push('remove');
      return [...messages];
    },
  };
  const discarded = await discardMatching(queue, {
    filter: EVERY_MESSAGE,
    limit: 10,
    reader: { now: () => 0, interrupted: new AbortController().signal, sleep: async () => undefined },
    openExport: async () => ({
      write: async ({ id }) => void order.push(`write ${id}`),
      close: async () => void order.push('close'),
      remove: async () => void order.push('remove export'),
    }),
    confirm: async () => void order.push('ask'),
    onRead: () => undefined,
    onMessage: () => undefined,
    onDeleted: () => undefined,
  });
  expect(order).toEqual(['write one', 'write two', 'close', 'ask', 'forget', 'remove']);
  expect(discarded).toMatchObject({ deleted: 2, left: 0, failure: null });
});
