/** Compares two generated listings and reports the peak memory to the parent process. */
import { createComparison } from '../src/lib/listing/comparison.ts';
import { createMemoryLedger } from '../src/lib/listing/ledger.ts';
import type { ListedVersion, ListPage } from '../src/lib/listing/page.ts';
import { wholeRange } from '../src/lib/listing/range.ts';
import { runLocally } from '../src/lib/listing/run-locally.ts';

const size = Number(process.argv[2] ?? '1000');
/** How many keys there are for each key that is missing at the destination. */
const MISSING_EVERY = 1_000;

const keyOf = (rank: number): string => `data/${String(rank).padStart(10, '0')}/object`;
const rankBehind = (key: string): number => {
  // The key after which a page begins need not exist, and it may have fewer than ten digits.
  const digits = /^data\/(\d*)/.exec(key)?.[1] ?? '';
  let rank = key === '' ? 0 : Math.max(0, Number(digits.padEnd(10, '0').slice(0, 10)));
  while (rank > 0 && keyOf(rank - 1) > key) rank -= 1;
  while (rank < size && keyOf(rank) <= key) rank += 1;
  return rank;
};
const entryOf = (rank: number): ListedVersion => ({
  key: keyOf(rank),
  kind: 'object',
  versionId: null,
  isLatest: true,
  etag: `"${String(rank).padStart(32, '0')}"`,
  sizeBytes: rank,
  lastModifiedMs: 0,
  storageClass: 'STANDARD',
});
const listing =
  (isThere: (rank: number) => boolean): ListPage<ListedVersion> =>
  async ({ after, maxKeys }) => {
    const entries: ListedVersion[] = [];
    let rank = after.key === '' ? 0 : Math.min(size, rankBehind(after.key));
    for (; rank < size && entries.length < maxKeys; rank += 1) if (isThere(rank)) entries.push(entryOf(rank));
    const last = entries.at(-1);
    return { entries, next: rank < size && last !== undefined ? { key: last.key, versionId: null } : null };
  };

const listSource = listing(() => true);
const listDestination = listing((rank) => rank % MISSING_EVERY !== 7);
let same = 0;
let different = 0;
const startMs = performance.now();
const run = runLocally({
  ranges: [wholeRange()],
  workers: 16,
  limits: { prefix: '' },
  ports: {
    listPage: listSource,
    ledger: createMemoryLedger([wholeRange()]),
    now: Date.now,
    consumerOf: () =>
      createComparison({
        mapping: { sourcePrefix: '', destinationPrefix: '' },
        listDestination,
        report: async ({ differences, sameKeys }) => {
          same += sameKeys;
          different += differences.length;
        },
      }),
  },
});
await run.finished;
process.send?.({
  same,
  different,
  seconds: (performance.now() - startMs) / 1_000,
  // Node reports maxRSS in kibibytes. On Linux this value equals VmHWM.
  peakRssBytes: process.resourceUsage().maxRSS * 1_024,
});
process.disconnect();
