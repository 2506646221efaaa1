/** Lists all ranges within one process with several workers. An idle worker takes over a part of another worker's range. */
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
  /** The open ranges. At the start of a run this is `[wholeRange()]`. */
  ranges: readonly Range[];
  workers: number;
  ports: RangePorts<E>;
  limits: RangeLimits;
}

export interface LocalRun {
  /**
   * Resolves to true if the ledger reported that no range is left open. Resolves to false if the run was stopped, its time was
   * over, or another process has the rest.
   */
  finished: Promise<boolean>;
  /** Ends the run soon: no further pages are requested. Everything that was consumed is committed first. */
  stop(): void;
}

/**
 * How large a share of the capacity of all pages may stay empty before ranges are split less often. Pages are partly empty at the
 * ends of ranges and after wrong estimates. The extra requests cost little, and the workers that make them would otherwise be
 * idle.
 */
const ACCEPTED_LOSS = 0.4;

interface WorkerPool {
  readonly workers: number;
  readonly waiting: Range[];
  readonly busy: Set<RangeWork>;
  /** The number of workers that have no range and for which no range is being cut off. */
  idle: number;
  /** `pages` is the number of consumed pages. `lostPages` is how much of their total capacity was empty, also in pages. */
  pages: number;
  lostPages: number;
  isStopped: boolean;
  /** Whether the ledger reported that no range is left open. */
  hasEnded: boolean;
  /** The first failure of a range. */
  failure: { error: unknown } | null;
  readonly finished: PromiseWithResolvers<boolean>;
  /** Creates the work on a range. */
  begin(range: Range): RangeWork;
}

/**
 * Starts a run. The promise of the returned run rejects with the first failure of a range, after the work on all other ranges has
 * ended.
 */
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

/**
 * Wraps a consumer, and counts each page before the consumer gets it. Each page also improves the estimates of the remaining pages,
 * so idle workers are then offered parts of the ranges again.
 */
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

/** Gives idle workers the waiting ranges first, then parts of the ranges that other workers work on. */
const fill = (pool: WorkerPool): void => {
  const { busy, isStopped } = pool;
  if (isStopped) return;
  startWaiting(pool);
  if (pool.idle > 0 && busy.size > 0)
    for (const { work, parts } of shareOut([...busy], pool.idle, minimumPages(pool)))
      cutOff(pool, work, parts);
};

/**
 * Returns the minimum size of a part that is worth a split, in pages. The size increases with the share of lost pages, so that
 * the loss stays bounded, whatever the keys are like.
 */
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

/**
 * Cuts `parts - 1` parts off the range for idle workers. Until the parts exist, the workers meant for them do not count as idle.
 */
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
