import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createDueHeap } from '../../src/sqs/due-heap.ts';
import { contentOf } from '../../src/sqs/message-content.ts';
import { createMessageStore, type Message } from '../../src/sqs/message-store.ts';

test('a due heap returns its entries in the order of their times', () => {
  fc.assert(
    fc.property(fc.array(fc.integer()), (times) => {
      const heap = createDueHeap<number>();
      for (const time of times) heap.add(time, time);
      heap.retain((time) => time % 3 !== 0);
      const kept = times.filter((time) => time % 3 !== 0);
      expect(heap.size()).toBe(kept.length);
      const taken = kept.map(() => heap.take()?.value);
      expect(taken).toEqual(kept.toSorted((a, b) => a - b));
      expect(heap.firstDueMs()).toBe(Infinity);
    }),
  );
});

type Step =
  | { do: 'add'; delayMs: number }
  | { do: 'take'; limit: number; hideMs: number }
  | { do: 'delete' | 'show'; which: number }
  | { do: 'wait'; milliseconds: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constant('add' as const), delayMs: fc.nat({ max: 50 }) }),
  fc.record({
    do: fc.constant('take' as const),
    limit: fc.integer({ min: 1, max: 10 }),
    hideMs: fc.nat({ max: 50 }),
  }),
  fc.record({ do: fc.constantFrom('delete' as const, 'show' as const), which: fc.nat({ max: 20 }) }),
  fc.record({ do: fc.constant('wait' as const), milliseconds: fc.nat({ max: 60 }) }),
);

test('under any sequence of steps each message is hidden for its time, and none is lost or received twice at once', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      let now = 0;
      const store = createMessageStore({ now: () => now }, () => 1e9);
      /** A simple model of the store: for each message, the time at which it becomes visible. */
      const model = new Map<Message, number>();
      const isHeld = (message: Message): boolean => (model.get(message) ?? 0) > now;
      const pick = (which: number): Message | undefined => [...model.keys()][which % Math.max(1, model.size)];
      for (const next of steps) {
        if (next.do === 'wait') now += next.milliseconds;
        if (next.do === 'add') {
          const message = store.add({ content: contentOf('x'), senderId: 's', delayMs: next.delayMs });
          model.set(message, now + next.delayMs);
        }
        if (next.do === 'take') {
          const visible = [...model.keys()].filter((message) => !isHeld(message));
          const taken = store.take(next.limit, next.hideMs, () => false);
          expect(taken.every((message) => visible.includes(message))).toBe(true);
          expect(new Set(taken).size).toBe(Math.min(next.limit, visible.length));
          for (const message of taken) model.set(message, now + next.hideMs);
        }
        const message = next.do === 'delete' || next.do === 'show' ? pick(next.which) : undefined;
        if (message && next.do === 'delete') {
          store.delete(message);
          model.delete(message);
        }
        if (message && next.do === 'show' && store.find(message.id)?.state === 'in-flight') {
          store.setVisibleAt(message, now);
          model.set(message, now);
        }
        const { visible, delayed, inFlight } = store.counts();
        expect(visible).toBe([...model.keys()].filter((held) => !isHeld(held)).length);
        expect(visible + delayed + inFlight).toBe(model.size);
      }
    }),
    { numRuns: 500 },
  );
});
