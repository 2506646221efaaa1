/**
 * Simulates in model time that one of two destinations is away while messages for it arrive. Shows how the messages wait, what the
 * waiting costs, and how the messages drain. Circuits, waiting queues and their schedule are the deployed code.
 */
import { isolationWorld } from './isolation-world.ts';
import type { MemoryBucket } from './memory-buckets.ts';
import type { MemoryReceipts } from './memory-receipts.ts';

const MINUTE_MS = 60_000;
/** How long objects are written before the queues are checked again. */
const STEP_MS = 5_000;
/** How many objects are written each second for the destination that is away. */
const PER_SECOND = 1_000;
/** How many objects are written each second for the other destination while the messages drain. */
const OTHER_PER_SECOND = 6;

/** The calls and resources that were used during a period of model time. */
export interface Used {
  seconds: number;
  /** How often each operation was called, as `service:Operation`. */
  calls: Map<string, number>;
  schedule: { invocations: number; seconds: number };
  /** Maximum number of messages in flight in all queues at the end of a second. */
  inFlight: number;
}

export const outageWorld = () => {
  let lastMs = 0;
  const world = isolationWorld(['other', 'away'], {
    // Not all records are kept, because a million records would need a gigabyte.
    keeps({ rule, ending }) {
      if (rule === 'away' && ending === 'done') lastMs = world.time.now();
      return rule !== 'away' || (ending !== 'done' && ending !== 'wait');
    },
  });
  const { time, calls, schedule, slots, queues, health } = world;
  const replicated = countReplicas(world.replicas.get('away'), world.receipts);
  const isDrained = (): boolean =>
    queues.hidden.size === 0 &&
    [queues.live, queues.waitingFor.get('away')].every((messages) => messages?.length === 0);
  const during = async (work: () => Promise<void>): Promise<Used> => {
    const before = { ms: time.now(), calls: new Map(calls), ...schedule, slots: slots.length };
    await work();
    return {
      seconds: (time.now() - before.ms) / 1_000,
      calls: new Map([...calls].map(([name, count]) => [name, count - (before.calls.get(name) ?? 0)])),
      schedule: {
        invocations: schedule.invocations - before.invocations,
        seconds: (schedule.busyMs - before.busyMs) / 1_000,
      },
      inFlight: slots.slice(before.slots).reduce((most, { messages }) => Math.max(most, messages), 0),
    };
  };
  return {
    ...world,
    /** Makes the destination unavailable and writes objects for it. */
    begin: (objects: number) =>
      during(async () => {
        health.set('away', 'denied');
        const untilMs = time.now() + (objects / PER_SECOND) * 1_000;
        while (time.now() < untilMs)
          await world.write(PER_SECOND, Math.min(untilMs, time.now() + STEP_MS), ['away']);
        await time.runUntil(time.now() + 2.5 * MINUTE_MS);
      }),
    /** Lets time pass while no objects arrive. The destination either refuses its role or does not answer. */
    wait: (ms: number, how: 'denied' | 'hanging') =>
      during(async () => {
        health.set('away', how);
        await time.runUntil(time.now() + ms);
      }),
    /** Makes the destination healthy again. Writes objects for the other destination until no message waits. */
    async drain(): Promise<Drained> {
      const backMs = time.now();
      const used = await during(async () => {
        health.set('away', 'healthy');
        do {
          await world.write(OTHER_PER_SECOND, time.now() + STEP_MS, ['other']);
          replicated.count();
        } while (!isDrained());
        // The remaining messages are under way.
        await time.runUntil(time.now() + STEP_MS);
      });
      return { ...used, lastSeconds: (lastMs - backMs) / 1_000, replicated: replicated.count() };
    },
  };
};

interface Drained extends Used {
  /** The time until the last replica was written. */
  lastSeconds: number;
  /** How many objects have a replica. */
  replicated: number;
}

/** Counts replicas. Forgets replicas that it has already counted, and their receipts, because a million of them would need gigabytes. */
const countReplicas = (bucket: MemoryBucket | undefined, receipts: MemoryReceipts) => {
  const history: MemoryBucket['history'] = bucket?.history ?? new Map();
  let forgotten = 0;
  let seen: string[] = [];
  return {
    count(): number {
      for (const key of seen) if (history.delete(key)) forgotten += 1;
      seen = [...history.keys()];
      receipts.clear();
      return forgotten + seen.length;
    },
  };
};
