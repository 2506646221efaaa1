/** The speed of listings in simulated time. The load of the test machine has no influence on it. */
import { expect, test } from 'vitest';
import { commonPrefix, dates, nested, oneFolder, unicode, uniform, uuids } from '../../bench/listing-keys.ts';
import { PAGE_MS, simulateRanges } from '../../bench/listing-simulation.ts';

const WORKERS = 16;
const PAGES = 1_600;

test.each([
  ['uniform keys', uniform, 0.95],
  ['keys that are UUIDs', uuids, 0.95],
  ['keys of which one folder has 99.9 percent', oneFolder, 0.8],
  ['keys with a common prefix of 900 bytes', commonPrefix, 0.9],
  ['Unicode keys', unicode, 0.9],
  ['keys by date and hour', dates, 0.8],
  ['keys in folders that double in size', nested, 0.8],
] as const)('sixteen workers list %s nearly sixteen times as fast as one worker', async (_, make, share) => {
  const { seconds, requests } = await simulateRanges(make(PAGES * 1_000), WORKERS);
  const serialSeconds = (PAGES * PAGE_MS) / 1_000;
  expect(serialSeconds / seconds / WORKERS).toBeGreaterThanOrEqual(share);
  expect(requests / PAGES).toBeLessThanOrEqual(1.15);
});
