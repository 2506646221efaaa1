/** Compares both buckets in this process, with the credentials of the operator. */
import type { Hint } from '../../lib/hint/hint.ts';
import { createMemoryLedger } from '../../lib/listing/ledger.ts';
import type { ListedVersion, ListPage } from '../../lib/listing/page.ts';
import { wholeRange } from '../../lib/listing/range.ts';
import { runLocally } from '../../lib/listing/run-locally.ts';
import type { Consume } from '../../lib/listing/stretch.ts';
import { createBudget } from '../../lib/model/concurrency.ts';
import type { Buckets } from '../../lib/model/ports.ts';
import type { ReplicationConfiguration } from '../../lib/model/rule.ts';
import type { VersionReceipts } from '../../lib/replica/version-receipt.ts';
import { proveBy, type ProvePair, type Reading } from '../../lib/runs/compare/basis.ts';
import { createCloserLook } from '../../lib/runs/compare/closer-look.ts';
import { createCompareConsumer } from '../../lib/runs/compare/compare-consumer.ts';
import { proveByReading } from '../../lib/runs/compare/read-both.ts';
import { scopeOf } from '../../lib/runs/compare/scope.ts';
import type { Listings } from '../../lib/runs/ports.ts';
import type { ReportRow } from '../../lib/runs/report/report-data.ts';
import { addCompared, type CompareCounters, NOTHING_COMPARED, type RunSpec } from '../../lib/runs/run.ts';
import { countText } from '../../lib/text/amounts.ts';
import type { CliIo } from '../terminal/io.ts';
import { interruptibleListings } from './interruptible-listing.ts';

export interface LocalComparison {
  counted: CompareCounters;
  /** False if the comparison was interrupted. The counters and the hints that were sent until then are still valid. */
  isComplete: boolean;
}

/** The two sides of the comparison, and the means to compare them. */
export interface LocalSides {
  spec: RunSpec;
  configuration: ReplicationConfiguration;
  /** How many ranges are listed at once. */
  workers: number;
  reading: Reading;
  listings: Listings;
  buckets: Buckets;
  receipts: Pick<VersionReceipts, 'find'>;
}

export interface LocalUse {
  /**
   * Takes the hints for the keys that differ. If it is null, no hints are made, and a key counts as different only if the difference persists
   * for some seconds.
   */
  sendHints: ((hints: readonly Hint[]) => Promise<void>) | null;
  onRows(rows: readonly ReportRow[]): void;
  onCounted(counted: CompareCounters): void;
}

export const compareLocally = async (
  { spec, configuration, workers, reading, listings, buckets, receipts }: LocalSides,
  io: CliIo,
  { sendHints, onRows, onCounted }: LocalUse,
): Promise<LocalComparison> => {
  const scope = scopeOf(configuration, spec);
  const patient = interruptibleListings(io, 2 * workers);
  const createdMs = io.now();
  let counted = NOTHING_COMPARED;
  const prove = proofFor({ receipts, reading, workers, buckets }, io);
  const consumerOf = countingConsumers(
    {
      run: `local-${createdMs}`,
      epoch: 1,
      spec,
      scope,
      listing: sendHints === null ? 'checked' : 'compared',
      createdMs,
      listDestination: patient(listings.destination(scope.destination, spec.versions)),
      look: createCloserLook(scope, spec, { buckets, clock: io, prove, reading }),
      reading,
      // The hints name no run, because this comparison has no record in which their outcomes could be counted.
      sendHints: async (hints) => await sendHints?.(hints.map((hint) => ({ ...hint, run: null }))),
      report: async (rows) => onRows(rows),
      sleep: (ms) => io.sleep(ms),
    },
    (more) => {
      counted = addCompared(counted, more);
      onCounted(counted);
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
  }
};

const proofFor = (
  { receipts, reading, workers, buckets }: Pick<LocalSides, 'receipts' | 'reading' | 'workers' | 'buckets'>,
  io: CliIo,
): ProvePair => {
  const prove = proveBy(receipts);
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
  io: CliIo,
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

export const comparingText = (counted: CompareCounters, seconds: number): string => {
  const { keys, same, presumed, extra, sourcePages, destinationPages } = counted;
  const rate = seconds > 0 ? `, ${countText(keys / seconds)}/s` : '';
  const pages = countText(sourcePages + destinationPages);
  return `comparing: ${countText(keys)} keys${rate}, ${countText(keys - same - presumed)} differ, ${countText(extra)} only at the destination, ${pages} pages`;
};
