/** Returns a function that reuses an answer for `ms` milliseconds. Simultaneous callers share one answer. An error is not reused. */
export const reusedFor = <Value>(
  ms: number,
  now: () => number,
  read: () => Promise<Value>,
): (() => Promise<Value>) => {
  let last: { atMs: number; value: Promise<Value> } | null = null;
  return async () => {
    if (last !== null && now() - last.atMs < ms) return await last.value;
    const mine = { atMs: now(), value: read() };
    last = mine;
    try {
      return await mine.value;
    } catch (error) {
      if (last === mine) last = null;
      throw error;
    }
  };
};
