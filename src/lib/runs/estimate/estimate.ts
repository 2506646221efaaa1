/**
 * The cost and duration of a run. Before the start they are estimated from listings. Afterwards they are calculated from the
 * run's own counters. Neither is taken from a bill; storage, KMS, log lines and taxes are left out.
 */
import type { ReplicationRule } from '../../model/rule.ts';
import type { CompareCounters, CopyCounters, RunSpec, RunEstimate } from '../run.ts';
import { READ_BYTES } from '../compare/read-both.ts';
import { BATCH, FUNCTION_GIGABYTES, PRICES } from './prices.ts';
import { NO_WORK, type Workload } from './workload.ts';

/** The settings of the configuration that determine the cost of a run. */
export interface RunSettings {
  versions: 'all' | 'latest';
  /** Maximum number of concurrent invocations of the replicate function that work on hints of runs. */
  concurrency: number;
  /** Maximum number of ranges that are listed concurrently. */
  listingConcurrency: number;
  /** Whether the destination bucket is in another region. Traffic between regions costs money. */
  isBetweenRegions: boolean;
  /**
   * The number of GET requests for tags and grants for each key whose attributes are compared, in addition to two HEAD requests;
   * null: attributes are not compared.
   */
  attributeGets: number | null;
  /** Into how many partitioned prefixes S3 has split the keys, on either side. No request tells; 1 is the safe assumption. */
  prefixes: number;
}

/** The part of the source that the run covers. */
export interface Estimated {
  work: Workload;
  basis: RunEstimate['basis'];
  errorShare: number | null;
}

const GIGABYTE = 1024 ** 3;
/**
 * Returns the number of GET requests for the tags and grants of both sides, as far as the rule replicates them. Assumes that
 * every object has tags.
 */
export const attributeGetsOf = (
  { attributes }: Pick<RunSpec, 'attributes'>,
  { tags, acl }: Pick<ReplicationRule, 'acl' | 'tags'>,
): number | null => {
  if (attributes === 'listed') return null;
  return (tags === 'replicate' ? 2 : 0) + (acl === 'replicate' ? 2 : 0);
};

/**
 * How long a batch takes. Its objects are processed concurrently, and each waits for five sequential responses of S3 and DynamoDB
 * (`docs/performance.md`).
 */
const BATCH_SECONDS = 0.25;
/** The network bandwidth of an execution environment: 625 Mbit/s. */
const BYTES_PER_SECOND = 75e6;
/** How long a page takes. ListObjectVersions responds in about 0.2 s, and the other side is listed concurrently. */
const PAGE_SECONDS = 0.25;
/** How long a closer look takes: two sequential responses of S3, and more if there are tags. */
const LOOK_SECONDS = 0.1;
/** How many keys get a closer look concurrently. */
const LOOKS_AT_ONCE = 32;
/**
 * How many table writes a page costs. Its transaction writes three items (the range, its counters and the run), and DynamoDB
 * charges each item of a transaction twice.
 */
const TABLE_WRITES_PER_PAGE = 6;
/**
 * How many requests a second S3 serves for each partitioned prefix: "at least 3,500 PUT/COPY/POST/DELETE or 5,500 GET/HEAD
 * requests per second per partitioned prefix" (S3 User Guide, "Optimizing Amazon S3 performance"). The guide names no number for
 * LIST.
 */
const WRITES_PER_SECOND = 3_500;
const READS_PER_SECOND = 5_500;
/** How long the time between two ticks is on average. */
const TICK_SECONDS = 30;
/** Minimum number of ticks of a run, even if the run has nothing to wait for. */
const LEAST_TICKS = 4;

/** Estimates a backfill, or a verify with repair, for an empty destination. Objects that are already replicated cost less. */
export const estimateBackfill = (
  { work, basis, errorShare }: Estimated,
  settings: RunSettings,
): RunEstimate =>
  // A missing key gets no closer look in the first listing. If attributes are compared, the key gets a closer look in the last
  // listing.
  calculate({ ...work, pages: pagesOf(work, 2) }, settings, {
    basis,
    errorShare,
    looks: looksOf(work, settings),
  });

/** Estimates a run that copies nothing. */
export const estimateVerify = (
  { work, basis, errorShare }: Estimated,
  settings: RunSettings,
): RunEstimate => ({
  ...calculate({ ...NO_WORK, pages: pagesOf(work, 1) }, settings, {
    basis,
    errorShare,
    looks: looksOf(work, settings),
  }),
  keys: work.keys,
  bytes: work.bytes,
});

/**
 * Adds the maximum cost of reading all versions on both sides from a machine outside AWS. Traffic within the region of a bucket is
 * free.
 */
export const withReading = (run: RunEstimate, { work }: Estimated): RunEstimate => {
  const gets = whole(2 * (work.versions + work.bytes / READ_BYTES));
  return {
    ...run,
    requests: {
      ...run.requests,
      get: (run.requests['get'] ?? 0) + gets,
      head: (run.requests['head'] ?? 0) + whole(2 * work.versions),
    },
    dollars: {
      ...run.dollars,
      s3: (run.dollars['s3'] ?? 0) + (gets + 2 * work.versions) * PRICES.s3Read,
      transfer:
        (run.dollars['transfer'] ?? 0) + ((2 * work.bytes) / GIGABYTE) * PRICES.transferToInternetPerGigabyte,
    },
  };
};

/**
 * Calculates the work, requests and cost of a run from its counters. An object copied in parts counts as if it had been copied
 * whole.
 */
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
    bytesInLargeParts: 0,
    pages: sum('sourcePages') + sum('destinationPages'),
  };
  const hours = (run.endedMs - run.beganMs) / 3_600_000;
  // The measured hours already account for concurrency.
  const atOnce = { concurrency: 1, listingConcurrency: 1, prefixes: 1 };
  return calculate(
    work,
    { ...settings, ...atOnce },
    { basis: 'listing', errorShare: 0, hours, looks: sum('looks') },
  );
};

const looksOf = ({ keys }: Workload, { attributeGets }: RunSettings): number =>
  attributeGets === null ? 0 : keys;

/** Returns the number of requests that list all pages of both sides `times` times. */
const pagesOf = ({ pages }: Workload, times: number): number =>
  2 * times * Math.max(1, pages * REQUESTS_PER_PAGE);

/**
 * How many requests a full page of entries takes on average. It is more than one, because pages at the ends of ranges are not
 * full.
 */
const REQUESTS_PER_PAGE = 1.15;

const calculate = (
  { keys, versions, bytes, multiparts, parts, bytesInLargeParts, pages }: Workload,
  settings: RunSettings,
  known: Pick<RunEstimate, 'basis' | 'errorShare'> & { hours?: number; looks: number },
): RunEstimate => {
  const pieces = versions - multiparts + parts;
  const copySeconds = (keys / BATCH) * BATCH_SECONDS + bytes / BYTES_PER_SECOND;
  const { looks } = known;
  const listSeconds = (pages / 2) * PAGE_SECONDS + (looks * LOOK_SECONDS) / LOOKS_AT_ONCE;
  const load: Load = {
    copySeconds,
    listSeconds,
    // The source serves the content and the fresh look, and for an object in parts also its state and its layout.
    copyReads: pieces + keys + 2 * multiparts,
    copyWrites: pieces + 2 * multiparts,
    // Each side serves half of the requests of a closer look.
    lookReads: looks * (1 + (settings.attributeGets ?? 0) / 2),
  };
  const hours = known.hours ?? hoursOf(load, settings);
  const hoursOnceSplit = known.hours ?? hoursOf(load, { ...settings, prefixes: Infinity });
  const ticks = Math.max(LEAST_TICKS, (hours * 3_600) / TICK_SECONDS);
  const ranges = Math.min(pages, 2 * settings.listingConcurrency);
  const requests = {
    // If all versions are replicated, the history of each key is listed.
    list: whole(pages + (settings.versions === 'all' ? keys : 0)),
    get: whole(pieces + looks * (settings.attributeGets ?? 0)),
    // An upload is also created and completed, so it takes two requests in addition to its parts.
    put: whole(pieces + 2 * multiparts),
    // Each copy needs one request for the fresh look. An object in parts needs three more: two for both sides before the copy,
    // and one for the part layout. A closer look needs two requests.
    head: whole(keys + 3 * multiparts + 2 * looks),
    // Each message is sent, received and deleted. All three happen in batches.
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
  return {
    keys: Math.round(keys),
    bytes: Math.round(bytes),
    bytesReadTwice: Math.round(bytesInLargeParts),
    requests,
    dollars,
    hours,
    ...(hoursOnceSplit < hours ? { hoursOnceSplit } : {}),
    basis,
    errorShare,
  };
};

/** What the phases of a run have to do: seconds of one worker, and requests that one bucket has to serve. */
interface Load {
  copySeconds: number;
  listSeconds: number;
  copyReads: number;
  copyWrites: number;
  lookReads: number;
}

/**
 * Calculates how many hours a run takes. Hints are processed while the first listing is still under way, so both together take as
 * long as the slower of the two. The last listing comes afterwards. Both steps take at least as long as S3 needs to serve the
 * requests for its prefixes.
 */
const hoursOf = (load: Load, { concurrency, listingConcurrency, prefixes }: RunSettings): number => {
  const reads = READS_PER_SECOND * prefixes;
  const listing = Math.max(load.listSeconds / listingConcurrency, load.lookReads / reads);
  const copying = Math.max(
    load.copySeconds / concurrency,
    load.copyReads / reads,
    load.copyWrites / (WRITES_PER_SECOND * prefixes),
  );
  const seconds = load.copySeconds === 0 ? listing : Math.max(copying, listing / 2) + listing / 2;
  return (seconds + LEAST_TICKS * TICK_SECONDS) / 3_600;
};

/** Rounds up. Because of the tolerance, a rounding error in a sum of fractions does not add one. */
const whole = (amount: number): number => Math.max(0, Math.ceil(amount - 1e-6));
