import type { Clock } from '../src/lib/model/ports.ts';

/** A clock whose time passes only when no other work is left, so that hours are simulated in seconds. */
export interface SimulatedClock extends Clock {
  /** Lets time pass until the promise is settled. */
  runUntil<T>(done: Promise<T>): Promise<T>;
}

interface Sleeper {
  atMs: number;
  order: number;
  wake: () => void;
}

export const createSimulatedClock = (): SimulatedClock => {
  let nowMs = 0;
  let count = 0;
  const sleepers: Sleeper[] = [];
  return {
    now: () => nowMs,
    sleep: (ms) =>
      new Promise((wake) => {
        push(sleepers, { atMs: nowMs + Math.max(0, ms), order: count++, wake });
      }),
    async runUntil(done) {
      let isDone = false;
      const settled = (): void => {
        isDone = true;
      };
      done.then(settled, settled);
      for (;;) {
        // All promises that the last event settles, directly or indirectly, are handled before time passes.
        await new Promise((drained) => setImmediate(drained));
        if (isDone) return done;
        const next = pop(sleepers);
        if (next === undefined) throw new Error('everything waits and nothing will happen');
        nowMs = next.atMs;
        next.wake();
        while (sleepers[0]?.atMs === nowMs) pop(sleepers)?.wake();
      }
    },
  };
};

/** Inserts a sleeper into a binary heap. The first element of the heap is the sleeper that wakes next. */
const push = (heap: Sleeper[], sleeper: Sleeper): void => {
  let at = heap.length;
  for (let up = (at - 1) >> 1; at > 0; at = up, up = (at - 1) >> 1) {
    const parent = heap[up];
    if (parent === undefined || isBefore(parent, sleeper)) break;
    heap[at] = parent;
  }
  heap[at] = sleeper;
};

const pop = (heap: Sleeper[]): Sleeper | undefined => {
  const top = heap[0];
  const last = heap.pop();
  if (top === undefined || last === undefined || top === last) return top;
  let at = 0;
  for (;;) {
    let down = 2 * at + 1;
    const right = heap[down + 1];
    const left = heap[down];
    if (left === undefined) break;
    let child = left;
    if (right !== undefined && isBefore(right, left)) {
      down += 1;
      child = right;
    }
    if (isBefore(last, child)) break;
    heap[at] = child;
    at = down;
  }
  heap[at] = last;
  return top;
};

const isBefore = (one: Sleeper, other: Sleeper): boolean =>
  one.atMs < other.atMs || (one.atMs === other.atMs && one.order < other.order);
