import {
  addSeen,
  type Arrivals,
  type ArrivalStore,
  noArrivals,
  NOTHING_SEEN,
} from '../../src/lib/state/arrivals.ts';

/** Arrivals in memory, as `arrival-store.ts` keeps them in DynamoDB. */
export const memoryArrivals = (): ArrivalStore & { writes(): number } => {
  const minutes = new Map<string, Arrivals>();
  let kept = { live: noArrivals(), backfill: noArrivals() };
  let writes = 0;
  const sum = (all: readonly (Arrivals | undefined)[]): Arrivals => {
    const total = noArrivals();
    for (const { messages, seen } of all.filter((each) => each !== undefined)) {
      total.messages += messages;
      for (const [name, each] of seen)
        total.seen.set(name, addSeen(total.seen.get(name) ?? NOTHING_SEEN, each));
    }
    return total;
  };
  const nameOf = (queue: string, minuteMs: number): string => `${queue} ${minuteMs}`;
  return {
    writes: () => writes,
    async add(minuteMs, queue, arrivals) {
      writes += 1;
      const name = nameOf(queue, minuteMs);
      minutes.set(name, sum([minutes.get(name), arrivals]));
    },
    async load(minutesMs) {
      const of = (queue: string) => sum(minutesMs.map((minuteMs) => minutes.get(nameOf(queue, minuteMs))));
      return { live: of('live'), backfill: of('backfill') };
    },
    kept: async () => kept,
    async keep(arrivals) {
      kept = arrivals;
    },
  };
};
