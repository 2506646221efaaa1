/** Limits how much work runs at the same time. */

/**
 * Maps the items, with at most `limit` calls of `map` running at the same time. After the first failure no new call starts. The
 * failure is thrown only when the running calls have ended, so that no work continues in the background.
 */
export const mapConcurrently = async <T, R>(
  items: readonly T[],
  limit: number,
  map: (item: T, index: number) => Promise<R>,
): Promise<R[]> => {
  const results: R[] = [];
  let next = 0;
  let failure: { error: unknown } | null = null;
  const worker = async (): Promise<void> => {
    for (let index = next++; index < items.length && failure === null; index = next++) {
      try {
        results[index] = await map(items[index]!, index);
      } catch (error) {
        failure ??= { error };
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, worker));
  if (failure !== null) throw (failure as { error: unknown }).error;
  return results;
};

/**
 * Runs work while the weights of all running work add up to no more than a capacity. Work that does not fit yet waits. Waiting
 * work starts in the order in which it was given.
 */
export interface Budget {
  run<T>(weight: number, work: () => Promise<T>): Promise<T>;
}

export const createBudget = (capacity: number): Budget => {
  let used = 0;
  const waiting: { weight: number; start: () => void }[] = [];
  const admit = (): void => {
    for (let first = waiting[0]; first !== undefined && used + first.weight <= capacity; first = waiting[0]) {
      waiting.shift();
      used += first.weight;
      first.start();
    }
  };
  return {
    async run(weight, work) {
      // Work that is heavier than the whole budget runs alone. Otherwise it would never run.
      const share = Math.min(weight, capacity);
      await new Promise<void>((start) => {
        waiting.push({ weight: share, start });
        admit();
      });
      try {
        return await work();
      } finally {
        used -= share;
        admit();
      }
    },
  };
};
