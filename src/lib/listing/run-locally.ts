/** Lists all ranges within one process with several workers; an idle worker takes over a part of what another one has left. */
import type { Keyed } from './page.ts';
import type { Range } from './range.ts';
import {
  createRangeWork,
  MAX_PAGE_KEYS,
  type RangeEnd,
  type RangeLimits,
  type RangePorts,
  type RangeWork,
} from './range-work.ts';
import { shareOut } from './share-out.ts';
import type { Consume } from './stretch.ts';

export interface LocalRunOptions<E extends Keyed> {
  /** The ranges that are open; at the start of a run `[wholeRange()]`. */
  ranges: readonly Range[];
  workers: number;
  ports: RangePorts<E>;
  limits: RangeLimits;
}

export interface LocalRun {
  /** True: the ledger says that nothing is left. False: stopped, out of time, or another worker has the rest. */
  finished: Promise<boolean>;
  /** Ends the run soon, with everything that was consumed committed. */
  stop(): void;
}

/**
 * The share of requests that may be lost at the ends of ranges and to wrong estimates before splitting becomes cautious: such
 * requests cost little, and the workers would have been idle.
 */
const ACCEPTED_LOSS = 0.4;

interface WorkerPool {
  readonly workers: number;
  readonly waiting: Range[];
  readonly busy: Set<RangeWork>;
  /** Workers with no range, and none on its way to them. */
  idle: number;
  /** Pages that were consumed, and the part of their capacity that was empty. */
  pages: number;
  lostPages: number;
  isStopped: boolean;
  /** The ledger said that nothing is left. */
  hasEnded: boolean;
  /** The first failure of a range. */
  failure: { error: unknown } | null;
  readonly finished: PromiseWithResolvers<boolean>;
  /** Begins to work on a range. */
  begin(range: Range): RangeWork;
}

/** Rejects with the first failure of a range, once all others have stopped. */
export const runLocally = <E extends Keyed>({
  ranges,
  workers,
  ports,
  limits,
}: LocalRunOptions<E>): LocalRun => {
  const pool: WorkerPool = {
    workers,
    waiting: [...ranges],
    busy: new Set(),
    idle: workers,
    pages: 0,
    lostPages: 0,
    isStopped: false,
    hasEnded: false,
    failure: null,
    finished: Promise.withResolvers(),
    begin: (range) => {
      const consume = countingPages(pool, limits, ports.consumerOf(range));
      return createRangeWork(range, { ...ports, consumerOf: () => consume }, limits);
    },
  };
  fill(pool);
  settleIfIdle(pool);
  return { finished: pool.finished.promise, stop: () => stopAll(pool) };
};

/** Each page shows more of what is left, so it is the moment to share the rest. */
const countingPages =
  <E extends Keyed>(
    pool: WorkerPool,
    { pageSize = MAX_PAGE_KEYS }: RangeLimits,
    consume: Consume<E>,
  ): Consume<E> =>
  async (stretch, checkpoint) => {
    pool.pages += 1;
    pool.lostPages += 1 - stretch.entries.length / pageSize;
    fill(pool);
    return consume(stretch, checkpoint);
  };

/** Gives idle workers the waiting ranges first, then parts of the ranges that others work on. */
const fill = (pool: WorkerPool): void => {
  const { busy, isStopped } = pool;
  if (isStopped) return;
  startWaiting(pool);
  if (pool.idle > 0 && busy.size > 0)
    for (const { work, parts } of shareOut([...busy], pool.idle, minimumPages(pool)))
      cutOff(pool, work, parts);
};

/** The more pages were lost, the more a split must gain, so that the loss stays bounded whatever the keys are like. */
const minimumPages = ({ pages, lostPages, workers }: WorkerPool): number =>
  1 / Math.max(0, 1 - lostPages / (ACCEPTED_LOSS * pages + 2 * workers));

const startWaiting = (pool: WorkerPool): void => {
  for (const range of pool.waiting.splice(0, pool.idle)) start(pool, range);
};

const start = (pool: WorkerPool, range: Range): void => {
  const work = pool.begin(range);
  pool.busy.add(work);
  pool.idle -= 1;
  const end = (ending: RangeEnd | null): void => {
    if (ending?.kind === 'ended') pool.hasEnded = true;
    pool.busy.delete(work);
    pool.idle += 1;
    fill(pool);
    settleIfIdle(pool);
  };
  work.run().then(end, (error: unknown) => {
    failPool(pool, error);
    end(null);
  });
};

/** The workers that will take over the parts are not idle from now on. */
const cutOff = (pool: WorkerPool, work: RangeWork, parts: number): void => {
  pool.idle -= parts - 1;
  const back = (children: Range[]): void => {
    pool.idle += parts - 1;
    if (!pool.isStopped) {
      pool.waiting.push(...children);
      startWaiting(pool);
    }
    settleIfIdle(pool);
  };
  work.split(parts).then(back, (error: unknown) => {
    failPool(pool, error);
    back([]);
  });
};

const failPool = (pool: WorkerPool, error: unknown): void => {
  pool.failure ??= { error };
  stopAll(pool);
};

const stopAll = (pool: WorkerPool): void => {
  pool.isStopped = true;
  for (const work of pool.busy) work.stop();
};

const settleIfIdle = ({ busy, idle, workers, failure, finished, hasEnded }: WorkerPool): void => {
  if (busy.size > 0 || idle < workers) return;
  if (failure !== null) finished.reject(failure.error);
  else finished.resolve(hasEnded);
};
