/** A run within one process: so many workers at once, and whoever is idle takes over a part of what others have left. */
import type { Keyed } from './page.ts';
import type { Range } from './range.ts';
import {
  type Consume,
  createRangeWork,
  type RangeEnd,
  type RangeLimits,
  type RangePorts,
  type RangeWork,
} from './range-work.ts';
import { shareOut } from './share-out.ts';

export interface LocalRunOptions<E extends Keyed> {
  /** Those that are open; at the beginning `[wholeRange()]`. */
  ranges: readonly Range[];
  workers: number;
  ports: RangePorts<E>;
  limits: RangeLimits;
}

export interface LocalRun {
  /** True once nothing is left: told by the ledger. False: stopped, or out of time, or somebody else has the rest. */
  finished: Promise<boolean>;
  /** Ends soon, with everything consumed committed. */
  stop(): void;
}

/**
 * The share of requests that may be lost where ranges meet and where guesses were wrong, before it matters: they cost little
 * and the workers had nothing else to do.
 */
const LOSS = 0.4;

/** Fails with the first failure of a range, when all others have stopped. */
export const runLocally = <E extends Keyed>({
  ranges,
  workers,
  ports,
  limits,
}: LocalRunOptions<E>): LocalRun => {
  const waiting = [...ranges];
  const busy = new Set<RangeWork>();
  const pageSize = limits.pageSize ?? 1_000;
  let pages = 0;
  let lostPages = 0;
  let idle = workers;
  let isStopped = false;
  let hasEnded = false;
  let failure: { error: unknown } | null = null;
  const { promise: finished, resolve, reject } = Promise.withResolvers<boolean>();

  const stop = (): void => {
    isStopped = true;
    for (const work of busy) work.stop();
  };

  const fail = (error: unknown): void => {
    failure ??= { error };
    stop();
  };

  /** The more was lost, the more must be to gain, so that loss stays within bounds whatever the keys are like. */
  const minPages = (): number => 1 / Math.max(0, 1 - lostPages / (LOSS * pages + 2 * workers));

  const settle = (): void => {
    if (busy.size > 0 || idle < workers) return;
    if (failure !== null) reject(failure.error);
    else resolve(hasEnded);
  };

  const start = (range: Range): void => {
    const consume = ports.consumerOf(range);
    const consumeAndFill: Consume<E> = async (stretch, checkpoint) => {
      pages += 1;
      lostPages += 1 - stretch.entries.length / pageSize;
      // There is more to go by now.
      fill();
      return consume(stretch, checkpoint);
    };
    const work = createRangeWork(range, { ...ports, consumerOf: () => consumeAndFill }, limits);
    busy.add(work);
    idle -= 1;
    const end = (ending: RangeEnd | null): void => {
      if (ending?.kind === 'ended') hasEnded = true;
      busy.delete(work);
      idle += 1;
      fill();
      settle();
    };
    work.run().then(end, (error: unknown) => {
      fail(error);
      end(null);
    });
  };

  const startWaiting = (): void => {
    for (const range of waiting.splice(0, idle)) start(range);
  };

  const fill = (): void => {
    if (isStopped) return;
    startWaiting();
    if (idle > 0 && busy.size > 0)
      for (const { work, parts } of shareOut([...busy], idle, minPages())) cutOff(work, parts);
  };

  /** Those who will work on the parts are not idle from now on. */
  const cutOff = (work: RangeWork, parts: number): void => {
    idle -= parts - 1;
    const back = (children: Range[]): void => {
      idle += parts - 1;
      if (isStopped) return settle();
      waiting.push(...children);
      startWaiting();
      settle();
    };
    work.split(parts).then(back, (error: unknown) => {
      fail(error);
      back([]);
    });
  };

  fill();
  settle();
  return { finished, stop };
};
