/** Compares both buckets in this process, with the credentials of the operator. */
import type { Hint } from '../../lib/hint/hint.ts';
import { createMemoryLedger } from '../../lib/listing/ledger.ts';
import type { ListedVersion, ListPage } from '../../lib/listing/page.ts';
import { wholeRange } from '../../lib/listing/range.ts';
import { runLocally } from '../../lib/listing/run-locally.ts';
import type { Consume } from '../../lib/listing/stretch.ts';
import { createBudget } from '../../lib/model/concurrency.ts';
import type { Buckets } from '../../lib/model/ports.ts';
import { proveBy, type ProvePair } from '../../lib/runs/compare/basis.ts';
import { createCloserLook } from '../../lib/runs/compare/closer-look.ts';
import { createCompareConsumer } from '../../lib/runs/compare/compare-consumer.ts';
import { proveByReading } from '../../lib/runs/compare/read-both.ts';
import { scopeOf } from '../../lib/runs/compare/scope.ts';
import type { ReportRow } from '../../lib/runs/report/report-data.ts';
import { addCompared, type CompareCounters, NOTHING_COMPARED, type RunSpec } from '../../lib/runs/run.ts';
import { countText } from '../../lib/text/amounts.ts';
import { createProgress } from '../terminal/progress.ts';
import { interruptibleListings } from './interruptible-listing.ts';
import type { StartCommand } from './run-request.ts';

export interface LocalComparison {
  counted: CompareCounters;
  /** False if the comparison was interrupted. The counters and the hints that were sent until then are still valid. */
  isComplete: boolean;
}

export interface LocalUse {
  /**
   * Sends hints for the keys that differ. If it is null, no hints are sent, and a key counts as different only if the difference persists
   * for some seconds.
   */
  sendHints: ((hints: readonly Hint[]) => Promise<void>) | null;
  onRows(rows: readonly ReportRow[]): void;
}

export const compareLocally = async (
  spec: RunSpec,
  { request, io, ports }: StartCommand,
  use: LocalUse,
): Promise<LocalComparison> => {
  const { configuration, workers, destinationProfile, reading } = request;
  const scope = scopeOf(configuration.replication, spec);
  // This signal never aborts. After an interruption no new calls are started, but the calls that are already running may finish.
  const { signal } = new AbortController();
  const { region } = configuration.deployment;
  const { listings, buckets } = await ports.buckets({ region, destinationProfile, signal });
  const patient = interruptibleListings(io, 2 * workers);
  const createdMs = io.now();
  const progress = createProgress(io);
  let counted = NOTHING_COMPARED;
  const consumerOf = countingConsumers(
    {
      run: `local-${createdMs}`,
      epoch: 1,
      spec,
      scope,
      listing: use.sendHints === null ? 'checked' : 'compared',
      createdMs,
      listDestination: patient(listings.destination(scope.destination, spec.versions)),
      look: createCloserLook(scope, spec, {
        buckets,
        clock: io,
        prove: proofFor(request, buckets, { io, ports }),
        reading,
      }),
      // This run has no record in the table of runs, so the replicate function must not count its work for a run.
      reading,
      sendHints: async (hints) => use.sendHints?.(hints.map((hint) => ({ ...hint, run: null }))),
      report: async (rows) => {
        progress.end();
        use.onRows(rows);
      },
      sleep: (ms) => io.sleep(ms),
    },
    (more) => {
      counted = addCompared(counted, more);
      progress.update(progressText(counted, (io.now() - createdMs) / 1_000));
    },
  );
  const listPage = patient(listings.source(scope.rule, spec.versions));
  try {
    const isComplete = await listSource(
      { listPage, consumerOf, workers, prefix: scope.mapping.sourcePrefix },
      io,
    );
    return { isComplete, counted };
  } catch (error) {
    if (io.interrupted.aborted) return { isComplete: false, counted };
    throw error;
  } finally {
    progress.end();
  }
};

const proofFor = (
  { configuration, reading, workers }: StartCommand['request'],
  buckets: Buckets,
  { io, ports }: Pick<StartCommand, 'io' | 'ports'>,
): ProvePair => {
  const prove = proveBy(ports.receipts(configuration.deployment));
  if (reading === 'none') return prove;
  return proveByReading(prove, reading, { buckets, clock: io, budget: createBudget(workers) });
};

/** Returns a function that makes a consumer for each range. `onCounted` receives the counters of each step. */
const countingConsumers =
  (
    options: Parameters<typeof createCompareConsumer>[0],
    onCounted: (counters: CompareCounters) => void,
  ): (() => Consume<ListedVersion>) =>
  () => {
    const consumer = createCompareConsumer(options);
    return async (stretch, checkpoint) => {
      const carry = await consumer.consume(stretch, async (step) => {
        onCounted(consumer.taken());
        await checkpoint(step);
      });
      onCounted(consumer.taken());
      return carry;
    };
  };

/** Lists the source. Resolves to false when the listing was interrupted before its end. */
const listSource = async (
  {
    listPage,
    consumerOf,
    workers,
    prefix,
  }: {
    listPage: ListPage<ListedVersion>;
    consumerOf: () => Consume<ListedVersion>;
    workers: number;
    prefix: string;
  },
  io: StartCommand['io'],
): Promise<boolean> => {
  const run = runLocally<ListedVersion>({
    ranges: [wholeRange()],
    workers,
    limits: { prefix },
    ports: { listPage, consumerOf, ledger: createMemoryLedger([wholeRange()]), now: () => io.now() },
  });
  if (io.interrupted.aborted) run.stop();
  io.interrupted.addEventListener('abort', () => run.stop(), { once: true });
  return await run.finished;
};

const progressText = (counted: CompareCounters, seconds: number): string => {
  const { keys, same, presumed, extra, sourcePages, destinationPages } = counted;
  const rate = seconds > 0 ? `, ${countText(keys / seconds)}/s` : '';
  const pages = countText(sourcePages + destinationPages);
  return `comparing: ${countText(keys)} keys${rate}, ${countText(keys - same - presumed)} differ, ${countText(extra)} only at the destination, ${pages} pages`;
};
