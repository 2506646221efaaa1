/** The invocations of a function in model time: slots that take batches from the live queue, and environments that come and go. */
import type { QueueMessage } from '../../src/lib/delivery/deps.ts';
import type { createModelQueues } from './model-queues.ts';
import type { ModelTime } from './model-time.ts';

/** The default of `stack.maximumConcurrency`. */
export const SLOTS = 50;

/** The slots and messages in use at the end of a second. */
export interface SlotsInUse {
  all: number;
  long: number;
  /** The number of messages in flight in all queues. */
  messages: number;
}

interface Clockwork {
  time: ModelTime;
  queues: ReturnType<typeof createModelQueues>;
  called(operation: string): void;
}

interface Setting {
  invocationsOfEnvironment: number;
  batch: number;
  windowMs: number;
  longMs: number;
  readyMs(slot: number): number;
}

/**
 * Handles batches as long as slots are free. Each slot has its own environment. Returns a list that grows by one entry at the end of each
 * second.
 */
export const runSlots = (
  { time, queues, called }: Clockwork,
  handle: (batch: QueueMessage[], environment: string) => Promise<void>,
  setting: Setting,
): SlotsInUse[] => {
  const { invocationsOfEnvironment, batch: most, windowMs, longMs, readyMs } = setting;
  const slots = Array.from({ length: SLOTS }, (_, slot) => ({
    slot,
    busySinceMs: null as number | null,
    messages: 0,
    invocations: 0,
  }));
  let isOver = true;
  /** Takes a full batch immediately, and an incomplete one at the end of the window. */
  const poll = (): void => {
    for (;;) {
      const free = slots.find(({ slot, busySinceMs }) => busySinceMs === null && time.now() >= readyMs(slot));
      if (free === undefined || queues.live.length === 0) return;
      if (windowMs > 0 && queues.live.length < most && !isOver) return;
      void invoke(free, queues.live.splice(0, most));
      isOver = false;
    }
  };
  if (windowMs > 0)
    every(time, windowMs, () => {
      isOver = true;
      poll();
    });
  const invoke = async (slot: (typeof slots)[number], batch: QueueMessage[]): Promise<void> => {
    slot.busySinceMs = time.now();
    slot.messages = batch.length;
    const id = `${slot.slot}-${Math.floor(slot.invocations++ / invocationsOfEnvironment)}`;
    called('sqs:ReceiveMessage');
    called('sqs:DeleteMessageBatch');
    await handle(batch, id);
    slot.busySinceMs = null;
    slot.messages = 0;
    poll();
  };
  for (const { slot } of slots) if (readyMs(slot) > 0) time.after(readyMs(slot), poll);
  queues.onArrival(poll);
  const inUse: SlotsInUse[] = [];
  every(time, 1_000, () => {
    const forMs = slots.flatMap(({ busySinceMs }) =>
      busySinceMs === null ? [] : [time.now() - busySinceMs],
    );
    const messages = slots.reduce((sum, slot) => sum + slot.messages, queues.hidden.size);
    inUse.push({ all: forMs.length, long: forMs.filter((ms) => ms > longMs).length, messages });
  });
  return inUse;
};

/** Runs `work` at each interval. */
export const every = (time: ModelTime, ms: number, work: () => void): void =>
  void time.after(ms, () => {
    work();
    every(time, ms, work);
  });
