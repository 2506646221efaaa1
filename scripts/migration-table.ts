/**
 * Prints the table of docs/migrate.md. The table shows how long a backfill takes and how much it costs, by size, amount and concurrency.
 * `backfill start` would print the same hours and US$ for a source with these objects.
 */
import { type Estimated, estimateBackfill, estimateVerify } from '../src/lib/runs/estimate/estimate.ts';

const KIB = 1024;
const MIB = 1024 ** 2;
const GIB = 1024 ** 3;
const TERABYTE = 1e12;

/** The part size of the AWS CLI, which uploads larger objects in parts. */
const PART_BYTES = 8 * MIB;

const SIZES = [
  { name: '16 KiB', bytes: 16 * KIB },
  { name: '1 MiB', bytes: MIB },
  { name: '64 MiB', bytes: 64 * MIB },
  { name: '5 GiB', bytes: 5 * GIB },
];
const TERABYTES = [1, 10, 40, 100];

const FASTEST = { concurrency: 200, listingConcurrency: 128, prefixes: 1 };
/** `backfill.maximumConcurrency`, `backfill.listingConcurrency`, and the partitioned prefixes. The first is the default. */
const SPEEDS = [
  { concurrency: 10, listingConcurrency: 8, prefixes: 1 },
  { concurrency: 50, listingConcurrency: 32, prefixes: 1 },
  FASTEST,
  { ...FASTEST, prefixes: 4 },
];

const sourceOf = (objectBytes: number, bytes: number): Estimated => {
  const objects = Math.round(bytes / objectBytes);
  const multiparts = objectBytes > PART_BYTES ? objects : 0;
  return {
    work: {
      keys: objects,
      versions: objects,
      bytes,
      multiparts,
      parts: (multiparts * objectBytes) / PART_BYTES,
      bytesInLargeParts: 0,
      pages: objects / 1_000,
    },
    basis: 'listing',
    errorShare: 0,
  };
};

const rowOf = (size: (typeof SIZES)[number], terabytes: number): string[] => {
  const source = sourceOf(size.bytes, terabytes * TERABYTE);
  const settings = { ...FASTEST, versions: 'all', isBetweenRegions: false, attributeGets: null } as const;
  return [
    size.name,
    `${terabytes} TB`,
    shortened(source.work.keys),
    ...SPEEDS.map((speed) => hoursText(estimateBackfill(source, { ...settings, ...speed }).hours)),
    hoursText(estimateVerify(source, settings).hours),
    dollarsOf(estimateBackfill(source, settings)),
    dollarsOf(estimateBackfill(source, { ...settings, isBetweenRegions: true })),
  ];
};

const dollarsOf = ({ dollars }: ReturnType<typeof estimateBackfill>): string =>
  shortened(Object.values(dollars).reduce((sum, each) => sum + each, 0));

/** Two significant digits, as estimates deserve. */
const shortened = (amount: number): string => Number(amount.toPrecision(2)).toLocaleString('en-US');

const hoursText = (hours: number): string => (hours < 0.1 ? 'under 0.1' : shortened(hours));

const HEADINGS = [
  'size of an object',
  'in all',
  'objects',
  ...SPEEDS.map(
    ({ concurrency, prefixes }) =>
      `hours with ${concurrency}${prefixes === 1 ? '' : ` and ${prefixes} prefixes`}`,
  ),
  'hours of a verify',
  'US$ in one region',
  'US$ to another region',
];

const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;

console.log(
  [
    line(HEADINGS),
    line(HEADINGS.map((_, index) => (index === 0 ? '---' : '---:'))),
    ...SIZES.flatMap((size) => TERABYTES.map((terabytes) => line(rowOf(size, terabytes)))),
  ].join('\n'),
);
