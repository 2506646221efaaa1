/**
 * Measures parallel listing, compared with serial listing and alphabetic bisection. Also measures listing at S3's request rates, and the
 * memory that a comparison takes.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { type Figure, type Section, value } from './figure.ts';
import { evenly, KEY_SETS } from './listing-keys.ts';
import { measureListingFromLocalS3 } from './listing-local-s3.ts';
import { type Listed, PAGE_KEYS, PAGE_MS, simulateBisection, simulateRanges } from './listing-simulation.ts';

export async function* measureListing(isShort: boolean): AsyncGenerator<Section> {
  for (const workers of isShort ? [16] : [16, 64]) yield await simulateSets(workers, isShort ? 50 : 100);
  yield* measureListingFromLocalS3(isShort);
  yield await simulateAtRates(isShort ? 2e6 : 1e9);
  yield await measureComparison(isShort ? 5e5 : 1e7);
}

const simulateSets = async (workers: number, pagesEach: number): Promise<Section> => {
  const size = workers * pagesEach * PAGE_KEYS;
  const serialSeconds = ((size / PAGE_KEYS) * PAGE_MS) / 1_000;
  const figures: Figure[] = [value('serial listing', 'keys/s', size / serialSeconds)];
  for (const { name, make, aim } of KEY_SETS) {
    const keys = make(size);
    const ours = await simulateRanges(keys, workers);
    const bisection = await simulateBisection(keys, workers);
    const share = ({ seconds }: Listed): number => (serialSeconds / seconds / workers) * 100;
    const perPage = ({ requests }: Listed): number => requests / (size / PAGE_KEYS);
    figures.push(
      value(`${name}: ranges`, 'keys/s', size / ours.seconds),
      value(`${name}: of the ideal speed-up`, '%', share(ours), aim),
      value(`${name}: requests per 1,000 keys`, '', perPage(ours), '≤ 1.15'),
      value(`${name}: bisection, of the ideal speed-up`, '%', share(bisection)),
      value(`${name}: bisection, requests per 1,000 keys`, '', perPage(bisection)),
    );
  }
  return {
    title: `Listing ${size / 1e6} million keys, ${workers} workers, simulated at ${PAGE_MS} ms per page`,
    figures,
  };
};

/** "5,500 GET/HEAD requests per second per partitioned prefix" (S3 User Guide, "Best practices design patterns"). */
const S3_READS_PER_SECOND = 5_500;

const simulateAtRates = async (size: number): Promise<Section> => {
  const figures: Figure[] = [];
  const keys = evenly(size);
  for (const { name, workers, partitionOf } of [
    { name: 'one partition', workers: 512, partitionOf: () => '' },
    { name: 'sixteen partitions', workers: 1_024, partitionOf: (key: string) => key.slice(0, 1) },
  ]) {
    const rates = { requestsPerSecond: S3_READS_PER_SECOND, partitionOf };
    const { seconds, requests, throttled } = await simulateRanges(keys, workers, rates);
    figures.push(
      value(`${name}, ${workers} workers: time to the end`, 's', seconds),
      value(`${name}: answered with SlowDown`, '% of requests', (throttled / requests) * 100),
      value(`${name}: requests per 1,000 keys`, '', requests / (size / PAGE_KEYS), '≤ 1.15'),
    );
  }
  return {
    title: `Listing ${size / 1e6} million keys, simulated at ${PAGE_MS} ms per page and S3's ${S3_READS_PER_SECOND} requests a second for each partition`,
    figures,
  };
};

interface Compared {
  same: number;
  different: number;
  seconds: number;
  peakRssBytes: number;
}

const measureComparison = async (size: number): Promise<Section> => {
  const child = fork(fileURLToPath(new URL('listing-memory-process.ts', import.meta.url)), [String(size)], {
    // With these heap sizes, garbage is collected soon. Node chooses similar sizes itself on a machine with little memory.
    execArgv: ['--max-semi-space-size=8', '--max-old-space-size=128'],
  });
  const ended = once(child, 'exit');
  const [compared]: [Compared] = (await once(child, 'message')) as [Compared];
  await ended;
  if (compared.same + compared.different !== size) throw new Error('keys were lost in the comparison');
  return {
    title: `Comparing two generated listings of ${size / 1e6} million keys, a heap of 128 MB`,
    figures: [
      value('peak RSS', 'MB', compared.peakRssBytes / 1e6, '< 256'),
      value('keys compared', 'keys/s', size / compared.seconds),
      value('differences found', '', compared.different),
    ],
  };
};
