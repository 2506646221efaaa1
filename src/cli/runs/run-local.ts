/** Both buckets compared within this process, signed in as the operator is. */
import { countText } from '../../lib/text/amounts.ts';
import type { Hint } from '../../lib/hint/hint.ts';
import { createMemoryLedger } from '../../lib/listing/ledger.ts';
import type { ListedVersion } from '../../lib/listing/page.ts';
import { wholeRange } from '../../lib/listing/range.ts';
import type { Consume } from '../../lib/listing/stretch.ts';
import { runLocally } from '../../lib/listing/run-locally.ts';
import { createCloserLook } from '../../lib/runs/compare/closer-look.ts';
import { createCompareConsumer } from '../../lib/runs/compare/compare-consumer.ts';
import type { ReportRow } from '../../lib/runs/report/report-data.ts';
import { scopeOf } from '../../lib/runs/compare/scope.ts';
import { addCompared, type CompareCounters, NOTHING_COMPARED, type RunSpec } from '../../lib/runs/run.ts';
import type { CliIo } from '../terminal/io.ts';
import { interruptibleListings } from './interruptible-listing.ts';
import { createProgress } from '../terminal/progress.ts';
import type { RunPorts } from './run-ports.ts';
import type { StartRequest } from './run-request.ts';

export interface LocalComparison {
  counted: CompareCounters;
  /** False: interrupted. What was counted and handed on stands. */
  isComplete: boolean;
}

export interface LocalUse {
  /** Where hints go; null: nowhere, and a difference only counts when it stays for some seconds. */
  sendHints: ((hints: readonly Hint[]) => Promise<void>) | null;
  onRows(rows: readonly ReportRow[]): void;
}

export const compareLocally = async (
  spec: RunSpec,
  { configuration, workers, destinationProfile }: StartRequest,
  use: LocalUse,
  io: CliIo,
  ports: RunPorts,
): Promise<LocalComparison> => {
  const scope = scopeOf(configuration.replication, spec);
  // Calls under way are let come to their end: an interrupted run only begins no others.
  const { signal } = new AbortController();
  const { region } = configuration.deployment;
  const { listings, buckets } = ports.buckets({ region, destinationProfile, signal });
  const patient = interruptibleListings(io, 2 * workers);
  const listDestination = patient(listings.destination(scope.destination, spec.versions));
  const createdMs = io.now();
  const progress = createProgress(io);
  let counted = NOTHING_COMPARED;
  const consumerOf = () => {
    const consumer = createCompareConsumer({
      run: `local-${createdMs}`,
      epoch: 1,
      spec,
      scope,
      listing: use.sendHints === null ? 'checked' : 'compared',
      createdMs,
      listDestination,
      look: createCloserLook(scope, spec, { buckets, clock: io }),
      // There is no record of this run that work could be counted for.
      sendHints: async (hints) => use.sendHints?.(hints.map((hint) => ({ ...hint, run: null }))),
      report: async (rows) => {
        progress.end();
        use.onRows(rows);
      },
      sleep: (ms) => io.sleep(ms),
    });
    const count = () => {
      counted = addCompared(counted, consumer.taken());
      progress.update(progressText(counted, (io.now() - createdMs) / 1_000));
    };
    const consume: Consume<ListedVersion> = async (stretch, checkpoint) => {
      const carry = await consumer.consume(stretch, async (step) => {
        count();
        await checkpoint(step);
      });
      count();
      return carry;
    };
    return consume;
  };
  const run = runLocally<ListedVersion>({
    ranges: [wholeRange()],
    workers,
    limits: { prefix: scope.mapping.sourcePrefix },
    ports: {
      listPage: patient(listings.source(scope.rule, spec.versions)),
      consumerOf,
      ledger: createMemoryLedger([wholeRange()]),
      now: () => io.now(),
    },
  });
  if (io.interrupted.aborted) run.stop();
  io.interrupted.addEventListener('abort', () => run.stop(), { once: true });
  try {
    return { isComplete: await run.finished, counted };
  } catch (error) {
    if (io.interrupted.aborted) return { isComplete: false, counted };
    throw error;
  } finally {
    progress.end();
  }
};

const progressText = (counted: CompareCounters, seconds: number): string => {
  const { keys, same, extra, sourcePages, destinationPages } = counted;
  const rate = seconds > 0 ? `, ${countText(keys / seconds)}/s` : '';
  const pages = countText(sourcePages + destinationPages);
  return `comparing: ${countText(keys)} keys${rate}, ${countText(keys - same)} differ, ${countText(extra)} only at the destination, ${pages} pages`;
};
