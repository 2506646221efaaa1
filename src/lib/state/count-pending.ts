/** Counts the pending work of all destinations, once a minute, for the metrics. */
import type { Transfer } from '../copy/transfer/transfer.ts';
import type { CircuitRecord } from '../delivery/circuits.ts';
import { circuitName, type RuleDestination } from '../model/rule.ts';
import { type ArrivalStore, pairName, recentArrivals, SHARED_QUEUES, type SharedQueue } from './arrivals.ts';
import type { Pending, QueueCounts } from './deployment-state.ts';
import { pendingWork } from './pending.ts';

/** Every function throws only ReplicationError. */
export interface PendingSources {
  queue(queue: SharedQueue): Promise<QueueCounts>;
  waiting(where: RuleDestination): Promise<number>;
  transfers(): AsyncIterable<Transfer>;
  circuits(): Promise<CircuitRecord>;
  arrivals: ArrivalStore;
}

export const countPending = async (
  pairs: readonly RuleDestination[],
  sources: PendingSources,
  nowMs: number,
): Promise<{ where: RuleDestination; pending: Pending }[]> => {
  const [live, backfill, waiting, circuits, arrivals] = await Promise.all([
    sources.queue('live'),
    sources.queue('backfill'),
    Promise.all(pairs.map(async (where) => [nameOf(where), await sources.waiting(where)] as const)),
    sources.circuits(),
    recentArrivals(sources.arrivals, nowMs),
  ]);
  if (SHARED_QUEUES.some((queue) => arrivals[queue].messages > 0)) await sources.arrivals.keep(arrivals);
  const transfers: Transfer[] = [];
  for await (const transfer of sources.transfers()) transfers.push(transfer);
  const backlog = {
    queues: { live, backfill },
    arrivals,
    transfers,
    waiting: new Map(waiting),
    avoidedSinceMs: avoidedSince(pairs, circuits),
  };
  const pending = pendingWork(backlog, pairs, nowMs);
  return pairs.flatMap((where) => {
    const found = pending.get(nameOf(where));
    return found === undefined ? [] : [{ where, pending: found }];
  });
};

const nameOf = ({ rule, destination }: RuleDestination): string => pairName(rule.id, destination.id);

/** Returns when the functions began to avoid each destination; 0: they do not avoid it. The keys are those of {@link pairName}. */
export const avoidedSince = (
  pairs: readonly RuleDestination[],
  { open }: Pick<CircuitRecord, 'open'>,
): Map<string, number> =>
  new Map(
    pairs.map((where) => [nameOf(where), open.get(circuitName(where.destination))?.sinceMs ?? 0] as const),
  );
