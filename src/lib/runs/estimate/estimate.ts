/**
 * What a run costs and how long it takes: before the start from what was counted in listings, afterwards from the run's own
 * counters. Reckoned either way, not read off a bill: storage, KMS, log lines and taxes are left out.
 */
import type { ReplicationRule } from '../../model/rule.ts';
import type { CompareCounters, CopyCounters, RunSpec, RunEstimate } from '../run.ts';
import { NO_WORK, type Workload } from './workload.ts';

/** What the configuration says about how a run is done. */
export interface RunSettings {
  versions: 'all' | 'latest';
  /** Invocations of the replicate function that work on hints at once. */
  concurrency: number;
  /** Ranges listed at once. */
  listingConcurrency: number;
  /** Is the destination bucket in another region? Bytes between regions are paid for. */
  isBetweenRegions: boolean;
  /** Of each key whose attributes are looked at: GET requests for tags and grants, besides two HEADs. Null: listings have to do. */
  attributeGets: number | null;
}

/** Of the source, all that the run is about. */
export interface Estimated {
  work: Workload;
  basis: RunEstimate['basis'];
  errorShare: number | null;
}

/** US$ in us-east-1, as AWS's price lists had them in 2026. */
const PRICES = {
  s3Write: 0.005 / 1_000,
  s3Read: 0.0004 / 1_000,
  sqs: 0.4 / 1e6,
  invocation: 0.2 / 1e6,
  gigabyteSecond: 0.0000133334,
  tableWrite: 0.625 / 1e6,
  transferPerGigabyte: 0.02,
} as const;

const GIGABYTE = 1024 ** 3;
/** Tags, and grants, of both sides; as if every object had tags. */
export const attributeGetsOf = (
  { attributes }: Pick<RunSpec, 'attributes'>,
  { acl }: Pick<ReplicationRule, 'acl'>,
): number | null => {
  if (attributes === 'listed') return null;
  return acl === 'replicate' ? 4 : 2;
};

const FUNCTION_GIGABYTES = 1_769 / 1_024;
/** Messages of a batch, for SQS and for an invocation. */
const BATCH = 10;
/** Five answers of S3 and DynamoDB one after the other, for all objects of a batch at once (`docs/performance.md`). */
const BATCH_SECONDS = 0.25;
/** The network of an environment: 625 Mbit/s. */
const BYTES_PER_SECOND = 75e6;
/** ListObjectVersions answers in about 0.2 s; the other side is listed at the same time. */
const PAGE_SECONDS = 0.25;
/** Two answers of S3 one after the other, and more where there are tags; so many keys at once. */
const LOOK_SECONDS = 0.1;
const LOOKS_AT_ONCE = 32;
/** Of a transaction each item counts twice: the range, what it counted, the run. */
const TABLE_WRITES_PER_PAGE = 6;
/** Between two looks at the run as a whole, and how many are needed where there is nothing to wait for. */
const TICK_SECONDS = 30;
const LEAST_TICKS = 4;

/** Of a backfill, or a verify with repair, that finds nothing at the destination. What is there already costs less. */
export const estimateBackfill = (
  { work, basis, errorShare }: Estimated,
  settings: RunSettings,
): RunEstimate =>
  // What is missing at first is looked at when it was copied.
  reckon({ ...work, pages: pagesOf(work, 2) }, settings, {
    basis,
    errorShare,
    looks: looksOf(work, settings),
  });

/** Of a run that copies nothing. */
export const estimateVerify = (
  { work, basis, errorShare }: Estimated,
  settings: RunSettings,
): RunEstimate => ({
  ...reckon({ ...NO_WORK, pages: pagesOf(work, 1) }, settings, {
    basis,
    errorShare,
    looks: looksOf(work, settings),
  }),
  keys: work.keys,
  bytes: work.bytes,
});

/** What a run used, as far as its counters tell: an object in parts counts as if it were in one piece. */
export const usedBy = (
  run: {
    compared: CompareCounters | null;
    copied: CopyCounters | null;
    checked: CompareCounters | null;
    beganMs: number;
    endedMs: number;
  },
  settings: Pick<RunSettings, 'versions' | 'isBetweenRegions' | 'attributeGets'>,
): RunEstimate => {
  const looks = [run.compared, run.checked].filter((counters) => counters !== null);
  const sum = (name: keyof CompareCounters): number =>
    looks.reduce((all, counters) => all + counters[name], 0);
  const work: Workload = {
    keys: run.copied === null ? 0 : run.copied.done + run.copied.failed,
    versions: run.copied?.copies ?? 0,
    bytes: run.copied?.bytes ?? 0,
    multiparts: 0,
    parts: 0,
    pages: sum('sourcePages') + sum('destinationPages'),
  };
  const hours = (run.endedMs - run.beganMs) / 3_600_000;
  // How much went on at once is in the hours already.
  const atOnce = { concurrency: 1, listingConcurrency: 1 };
  return reckon(
    work,
    { ...settings, ...atOnce },
    { basis: 'listing', errorShare: 0, hours, looks: sum('looks') },
  );
};

const looksOf = ({ keys }: Workload, { attributeGets }: RunSettings): number =>
  attributeGets === null ? 0 : keys;

/** Both sides, so many times. */
const pagesOf = ({ pages }: Workload, times: number): number =>
  2 * times * Math.max(1, pages * REQUESTS_PER_PAGE);

/** Where parts of a listing meet, pages are not full. */
const REQUESTS_PER_PAGE = 1.15;

const reckon = (
  { keys, versions, bytes, multiparts, parts, pages }: Workload,
  settings: RunSettings,
  known: Pick<RunEstimate, 'basis' | 'errorShare'> & { hours?: number; looks: number },
): RunEstimate => {
  const pieces = versions - multiparts + parts;
  const copySeconds = (keys / BATCH) * BATCH_SECONDS + bytes / BYTES_PER_SECOND;
  const { looks } = known;
  const listSeconds = (pages / 2) * PAGE_SECONDS + (looks * LOOK_SECONDS) / LOOKS_AT_ONCE;
  const hours = known.hours ?? hoursOf(copySeconds, listSeconds, settings);
  const ticks = Math.max(LEAST_TICKS, (hours * 3_600) / TICK_SECONDS);
  const ranges = Math.min(pages, 2 * settings.listingConcurrency);
  const requests = {
    // The history of each key is listed where all versions travel.
    list: whole(pages + (settings.versions === 'all' ? keys : 0)),
    get: whole(pieces + looks * (settings.attributeGets ?? 0)),
    // Begun and completed, besides the parts.
    put: whole(pieces + 2 * multiparts),
    // The look afterwards; of an object in parts, both sides before and the layout.
    head: whole(keys + 3 * multiparts + 2 * looks),
    // Sent, received and deleted, a batch each time.
    queue: whole(3 * (keys / BATCH + ranges + ticks)),
    table: whole(2 * keys + keys / BATCH + TABLE_WRITES_PER_PAGE * pages),
    invocations: whole(keys / BATCH + ranges + ticks),
  };
  const { list, get, put, head, table, invocations } = requests;
  const dollars = {
    s3: (list + put) * PRICES.s3Write + (get + head) * PRICES.s3Read,
    sqs: requests.queue * PRICES.sqs,
    lambda:
      invocations * PRICES.invocation +
      (copySeconds + listSeconds) * FUNCTION_GIGABYTES * PRICES.gigabyteSecond,
    dynamodb: table * PRICES.tableWrite,
    transfer: settings.isBetweenRegions ? (bytes / GIGABYTE) * PRICES.transferPerGigabyte : 0,
  };
  const { basis, errorShare } = known;
  return { keys: Math.round(keys), bytes: Math.round(bytes), requests, dollars, hours, basis, errorShare };
};

/** Hints are worked on while others are still found; the last look is for itself. */
const hoursOf = (copySeconds: number, listSeconds: number, settings: RunSettings): number => {
  const listing = listSeconds / settings.listingConcurrency;
  const copying = copySeconds / settings.concurrency;
  const seconds = copying === 0 ? listing : Math.max(copying, listing / 2) + listing / 2;
  return (seconds + LEAST_TICKS * TICK_SECONDS) / 3_600;
};

/** Sums of fractions must not become one more. */
const whole = (amount: number): number => Math.max(0, Math.ceil(amount - 1e-6));
