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
  run<T>(weight: number, work: () => Promise<T>, owner?: string): Promise<T>;
}

/**
 * Creates a budget. The running work of one owner never takes more than `ofOne` together, so hanging work leaves room for other owners.
 * If an owner has no room left, the work of other owners overtakes its waiting work.
 */
export const createBudget = (capacity: number, ofOne: number = capacity): Budget => {
  let used = 0;
  const usedBy = new Map<string, number>();
  let waiting: Waiting[] = [];
  const take = (owner: string, weight: number): void => {
    used += weight;
    usedBy.set(owner, (usedBy.get(owner) ?? 0) + weight);
  };
  const hasShare = ({ owner, weight }: Waiting): boolean => (usedBy.get(owner) ?? 0) + weight <= ofOne;
  const admit = (): void => {
    for (;;) {
      const first = waiting.find(hasShare);
      if (first === undefined || used + first.weight > capacity) return;
      waiting = waiting.filter((each) => each !== first);
      take(first.owner, first.weight);
      first.start();
    }
  };
  return {
    async run(weight, work, owner = '') {
      // Work that is heavier than its whole share runs alone. Otherwise it would never run.
      const share = Math.min(weight, ofOne);
      await new Promise<void>((start) => {
        waiting.push({ owner, weight: share, start });
        admit();
      });
      try {
        return await work();
      } finally {
        take(owner, -share);
        admit();
      }
    },
  };
};

interface Waiting {
  owner: string;
  weight: number;
  start: () => void;
}
