/**
 * Counts pending work in the functions: the messages that each invocation receives, and once a minute the messages in the queues.
 */
import type { KnownCircuits } from '../delivery/circuits.ts';
import type { TransferDeps } from '../delivery/deps.ts';
import type { Reporter } from '../delivery/outcome.ts';
import { attempted, reportFailure } from '../delivery/failure.ts';
import type { Origin } from '../delivery/retry.ts';
import { asReplicationError } from '../model/errors.ts';
import { ruleDestinations } from '../model/rule.ts';
import { type ArrivalCollector, collectArrivals } from '../state/arrivals.ts';
import { countPending } from '../state/count-pending.ts';
import { createArrivalStore } from './dynamodb/arrival-store.ts';
import type { Environment } from './environment.ts';
import { translateError } from './errors.ts';
import type { MeteredReporter } from './reporter.ts';
import { countsOf } from './sqs/queue-counts.ts';
import { messagesIn } from './sqs/queues.ts';
import { waitingUrlOf } from './sqs/waiting-queues.ts';

export interface PendingWork {
  /**
   * The collector for the queue from which an invocation has received its messages; null: messages of this queue are not divided
   * among destinations.
   */
  collector(pool: Origin | null): ArrivalCollector | null;
  ofInvocation(reporter: MeteredReporter, collector: ArrivalCollector | null): InvocationPending;
}

/** The functions that an invocation uses to count pending work. */
export interface InvocationPending {
  /** Called when all messages of the invocation are settled. */
  received(messages: number): Promise<void>;
  /** Adds the pending work of all destinations to the metrics. Never throws. */
  countPending(): Promise<void>;
}

export const createPendingWork = (
  { sqs, clock, variable }: Environment,
  { configuration, transfers }: Pick<TransferDeps, 'configuration' | 'transfers'>,
  known: KnownCircuits,
): PendingWork => {
  const arrivals = createArrivalStore(variable('IDEMPOTENCY_TABLE'));
  const urls = { live: variable('LIVE_QUEUE_URL'), backfill: variable('BACKFILL_QUEUE_URL') };
  const waitingUrl = waitingUrlOf(urls.live, variable('WAITING_QUEUES'));
  const collectors = {
    live: collectArrivals('live', arrivals, clock),
    backfill: collectArrivals('backfill', arrivals, clock),
  };
  const sources = {
    arrivals,
    queue: async (queue: keyof typeof urls) => {
      try {
        return await countsOf(sqs, urls[queue]);
      } catch (error) {
        throw translateError(error, `GetQueueAttributes of the ${queue} queue`);
      }
    },
    waiting: async (where: Parameters<typeof waitingUrl>[0]) =>
      await messagesIn(sqs, waitingUrl(where), 'waiting'),
    transfers: transfers.store.all,
    circuits: known.current,
  };
  return {
    collector: (pool) => (pool === null || pool === 'transfer' ? null : collectors[pool]),
    ofInvocation: (reporter, collector) => ({
      received: async (messages) => await collector?.received(messages),
      async countPending() {
        try {
          for (const { where, pending } of await countPending(
            ruleDestinations(configuration),
            sources,
            clock.now(),
          )) {
            const { rule, destination } = where;
            const place = {
              rule: rule.id,
              sourceBucket: rule.source.bucket,
              destinationBucket: destination.bucket,
            };
            reporter.pending(place, pending);
          }
        } catch (error) {
          // Waiting messages return to their queue even after this failure.
          const failure = { error: asReplicationError(error), assignment: null };
          reportFailure('retry', failure, attempted(1), { reporter });
        }
      },
    }),
  };
};

/** Returns a reporter that also passes each record to the collector. */
export const collecting = <Kind extends Reporter>(
  reporter: Kind,
  collector: ArrivalCollector | null,
): Kind =>
  collector === null
    ? reporter
    : {
        ...reporter,
        report(record) {
          reporter.report(record);
          collector.collect(record);
        },
      };
