import { expect, test } from 'vitest';
import { estimateLines } from '../../src/cli/runs/run-text.ts';
import {
  attributeGetsOf,
  estimateBackfill,
  estimateVerify,
  usedBy,
  withReading,
} from '../../src/lib/runs/estimate/estimate.ts';
import { NO_WORK } from '../../src/lib/runs/estimate/workload.ts';
import { compared, copied, RUN_SETTINGS } from './runs.ts';

const SETTINGS = { ...RUN_SETTINGS, versions: 'latest', isBetweenRegions: false } as const;
const known = { basis: 'listing', errorShare: 0 } as const;

const million = { ...NO_WORK, keys: 1e6, versions: 1e6, bytes: 16_384e6, pages: 1_000 };

test('a backfill of a million small objects costs three requests to S3 for each object', () => {
  const { requests, dollars, hours } = estimateBackfill({ work: million, ...known }, SETTINGS);
  expect(requests).toMatchObject({ list: 4_600, get: 1e6, put: 1e6, head: 1e6 });
  expect(dollars['s3']).toBeCloseTo(5 + 0.023 + 0.8, 2);
  // Each hint is sent, received and deleted, and each of these requests is made for ten hints at once.
  expect(requests['queue']).toBeGreaterThanOrEqual(3e5);
  expect(requests['queue']).toBeLessThan(3.02e5);
  expect(dollars['sqs']).toBeCloseTo(0.12, 2);
  expect(dollars['dynamodb']).toBeCloseTo((2.1e6 + 27_600) * 0.625e-6, 2);
  // There are 100,000 batches, each of which takes a quarter of a second. In addition, 16 GB are moved at 75
  // MB/s. Ten functions run at the same time.
  expect(hours).toBeCloseTo((25_000 + 218) / 10 / 3_600 + 62.5 / 3_600 / 2 + 120 / 3_600, 1);
  expect(dollars['lambda']).toBeCloseTo(0.02 + (25_218 + 500) * 1.7275 * 0.0000133334, 1);
});

test('a backfill of all versions also lists the history of each key', () => {
  const { requests } = estimateBackfill({ work: million, ...known }, { ...SETTINGS, versions: 'all' });
  expect(requests['list']).toBe(1_004_600);
});

test('an object in parts costs a GET and a PUT for each part, and two requests to begin and complete the upload', () => {
  const work = { ...NO_WORK, keys: 1, versions: 1, bytes: 5e9, multiparts: 1, parts: 500, pages: 1 };
  expect(estimateBackfill({ work, ...known }, SETTINGS).requests).toMatchObject({
    get: 500,
    put: 502,
    head: 4,
  });
});

test('an estimate names the bytes that may be read twice under Object Lock, and a verify reads none', () => {
  const work = { ...million, bytesInLargeParts: 5e9 };
  const estimate = estimateBackfill({ work, ...known }, SETTINGS);
  expect(estimateLines(estimate).join('\n')).toContain('up to 4.66 GiB in large parts are read twice');
  const verify = estimateVerify({ work, ...known }, SETTINGS);
  expect(estimateLines(verify).join('\n')).not.toContain('twice');
});

test('transfer between regions costs money, and transfer within one region does not', () => {
  const work = { ...NO_WORK, keys: 1, versions: 1, bytes: 1024 ** 4, pages: 1 };
  const dollarsOf = (isBetweenRegions: boolean) =>
    estimateBackfill({ work, ...known }, { ...SETTINGS, isBetweenRegions }).dollars['transfer'];
  expect([dollarsOf(true), dollarsOf(false)]).toEqual([20.48, 0]);
});

test('a higher concurrency takes less time and costs the same', () => {
  const one = estimateBackfill({ work: million, ...known }, SETTINGS);
  const ten = estimateBackfill({ work: million, ...known }, { ...SETTINGS, concurrency: 100 });
  expect(ten.hours).toBeLessThan(one.hours / 4);
  expect(ten.dollars['s3']).toBe(one.dollars['s3']);
});

test('no concurrency is faster than S3 serves the requests for one prefix, and more prefixes raise the limit', () => {
  const hoursWith = (concurrency: number, prefixes: number) =>
    estimateBackfill({ work: million, ...known }, { ...SETTINGS, concurrency, prefixes });
  // The source serves 5,500 reads a second, and each object takes two: its content and the fresh look.
  expect(hoursWith(1_000, 1).hours).toBeCloseTo((2e6 / 5_500 + 575 / 16 + 120) / 3_600, 2);
  expect(hoursWith(1_000, 2).hours).toBeCloseTo((2e6 / 11_000 + 575 / 16 + 120) / 3_600, 2);
  expect(estimateLines(hoursWith(1_000, 1)).join('\n')).toContain(
    '  limited by the requests that S3 serves per prefix; 3m 12s once S3 has split the keys into enough prefixes',
  );
  expect(estimateLines(hoursWith(10, 1)).join('\n')).not.toContain('limited');
});

test('parts are written no faster than S3 takes writes for one prefix', () => {
  const work = { ...NO_WORK, keys: 1, versions: 1, bytes: 0, multiparts: 1, parts: 1e6, pages: 1 };
  const { hours } = estimateBackfill({ work, ...known }, SETTINGS);
  expect(hours).toBeCloseTo((1e6 / 3_500 + 120) / 3_600, 2);
});

test('attributes are compared no faster than S3 serves reads for one prefix', () => {
  const settings = { ...SETTINGS, listingConcurrency: 128, attributeGets: 4 };
  const { hours } = estimateVerify({ work: million, ...known }, settings);
  expect(hours).toBeCloseTo((3e6 / 5_500 + 120) / 3_600, 2);
});

test('a verify lists both sides once and copies nothing', () => {
  const estimate = estimateVerify({ work: million, ...known }, SETTINGS);
  expect(estimate).toMatchObject({ keys: 1e6, bytes: 16_384e6 });
  expect(estimate.requests).toMatchObject({ list: 2_300, get: 0, put: 0, head: 0 });
  expect(estimate.dollars['s3']).toBeCloseTo(0.0115, 5);
});

test('comparing attributes costs two HEAD requests per key, and the tags and grants of both sides', () => {
  const settings = {
    ...SETTINGS,
    attributeGets: attributeGetsOf({ attributes: 'all' }, { tags: 'replicate', acl: 'replicate' }),
  };
  const plain = estimateVerify({ work: million, ...known }, SETTINGS);
  const verify = estimateVerify({ work: million, ...known }, settings);
  expect(verify.requests).toMatchObject({ list: 2_300, get: 4e6, put: 0, head: 2e6 });
  expect((verify.dollars['s3'] ?? 0) - (plain.dollars['s3'] ?? 0)).toBeCloseTo(6 * 0.4, 5);
  expect(verify.hours).toBeGreaterThan(plain.hours);
  const backfill = estimateBackfill({ work: million, ...known }, settings);
  expect(backfill.requests).toMatchObject({ get: 1e6 + 4e6, head: 1e6 + 2e6 });
  expect(attributeGetsOf({ attributes: 'all' }, { tags: 'replicate', acl: 'ignore' })).toBe(2);
  expect(attributeGetsOf({ attributes: 'all' }, { tags: 'ignore', acl: 'ignore' })).toBe(0);
});

test('an estimate from a sample states its possible error', () => {
  const sampled = { work: million, basis: 'sample', errorShare: 0.2 } as const;
  expect(estimateBackfill(sampled, SETTINGS)).toMatchObject({ basis: 'sample', errorShare: 0.2 });
});

test('the usage of a run is calculated like the estimate, from the counters and the actual duration of the run', () => {
  const used = usedBy(
    {
      compared: compared({ sourcePages: 1_000, destinationPages: 3, looks: 7 }),
      copied: copied({ done: 1e6, copies: 1e6, bytes: 16_384e6 }),
      checked: compared({ sourcePages: 1_000, destinationPages: 1_000 }),
      beganMs: 0,
      endedMs: 1_800_000,
    },
    SETTINGS,
  );
  expect(used).toMatchObject({ keys: 1e6, bytes: 16_384e6, hours: 0.5 });
  expect(used.requests).toMatchObject({ list: 3_003, get: 1e6, put: 1e6, head: 1_000_014 });
});

test('reading both sides costs two GETs and two HEADs for each object, and at most the traffic of both to the internet', () => {
  const work = { ...million, bytes: 1024 ** 4 };
  const verify = estimateVerify({ work, ...known }, SETTINGS);
  const { requests, dollars } = withReading(verify, { work, ...known });
  expect(requests).toMatchObject({ get: 2e6 + 2 * 4_096, head: 2e6 });
  expect(dollars['s3']).toBeCloseTo((verify.dollars['s3'] ?? 0) + 1.6, 1);
  expect(dollars['transfer']).toBeCloseTo(2 * 1_024 * 0.09, 1);
});
