/** A clock whose time passes only when all work of the moment is done, so that a test of many minutes takes milliseconds. */
export interface ModelTime {
  now(): number;
  sleep(ms: number): Promise<void>;
  /** Calls back after `ms` milliseconds, unless the returned function is called before. */
  after(ms: number, callback: () => void): () => void;
  /** Lets time pass until the clock shows `ms`. */
  runUntil(ms: number): Promise<void>;
}

export const createModelTime = (): ModelTime => {
  const due = new Map<number, (() => void)[]>();
  /** The times in `due`. The next time is the last element. */
  const times: number[] = [];
  let nowMs = 0;
  const at = (ms: number, callback: () => void): void => {
    const there = due.get(ms);
    if (there !== undefined) return void there.push(callback);
    due.set(ms, [callback]);
    let [low, high] = [0, times.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((times[middle] ?? 0) > ms) low = middle + 1;
      else high = middle;
    }
    times.splice(low, 0, ms);
  };
  return {
    now: () => nowMs,
    sleep: (ms) => new Promise((resolve) => at(nowMs + Math.max(1, Math.ceil(ms)), resolve)),
    after(ms, callback) {
      let isWanted = true;
      at(nowMs + Math.max(1, Math.ceil(ms)), () => void (isWanted && callback()));
      return () => void (isWanted = false);
    },
    async runUntil(ms) {
      await idle();
      for (let next = times.at(-1); next !== undefined && next <= ms; next = times.at(-1)) {
        nowMs = next;
        times.pop();
        const callbacks = due.get(next) ?? [];
        due.delete(next);
        for (const callback of callbacks) callback();
        await idle();
      }
      nowMs = ms;
    },
  };
};

/** Resolves when all promises are settled that need no more time to pass. */
const idle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
