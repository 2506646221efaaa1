/** A key with many versions, each of which has a hint: what the hints cost while the versions are replicated, in model time. */
import { expect, test } from 'vitest';
import { randomOf } from '../../bench/listing-keys.ts';
import { listStack, unknownStack } from '../../src/lib/converge/stack-listing.ts';
import type { HistoryEntry } from '../../src/lib/model/ports.ts';
import { PROPERTY_SEED } from '../e2e/support/seed.ts';
import { createMemoryBucket } from '../model/memory-buckets.ts';
import { memorySource, openGate } from '../model/memory-source.ts';
import { testRule, testTask } from '../model/settings.ts';
import { changeStack, replicateStack } from '../model/stack-world.ts';

test('the hints of a key with many versions cost a few calls each, however many versions there are', async () => {
  const few = await replicateStack(250);
  const many = await replicateStack(1_000);
  for (const { versions, replicas, calls, dead, exhausted } of [few, many]) {
    expect(replicas).toEqual(versions);
    expect([dead, exhausted]).toEqual([[], []]);
    expect(calls('s3:source.history')).toBeLessThan(3 * versions.length);
    expect(calls('s3:destination.put')).toBeLessThan(3 * versions.length);
  }
  expect(many.calls('s3:source.history')).toBeLessThan(5 * few.calls('s3:source.history'));
});

test(`a key with many versions that is written, deleted and expired while it is replicated ends as its source (seed ${PROPERTY_SEED})`, async () => {
  const { hints, ended, dead, shown, versions, replicas } = await changeStack(randomOf(PROPERTY_SEED));
  expect([ended, dead, shown[1]]).toEqual([hints, [], shown[0]]);
  expect(replicas).toEqual(expect.arrayContaining(versions));
  expect(replicas).toEqual(replicas.toSorted((one, other) => one - other));
});

/** Lists the versions of a key twice, with a change in between. The key has 200 versions. `listed` is how many entries were listed. */
const listedTwice = async ({
  change = () => undefined as unknown,
  versioning = 'enabled' as 'enabled' | 'suspended',
  laterMs = 0,
}) => {
  const time = { ms: 0 };
  const clock = { now: () => time.ms, sleep: async () => undefined };
  const bucket = createMemoryBucket('enabled', clock.now);
  for (let version = 0; version < 200; version++) bucket.put('k', Buffer.from(String(version)));
  bucket.versioning = versioning;
  if (versioning === 'suspended') bucket.put('k', Buffer.from('null version'));
  const known = memorySource(bucket, openGate);
  let listed = 0;
  const source = {
    ...known,
    async history(key: string, until?: (entry: HistoryEntry) => boolean) {
      const entries = await known.history(key, until);
      listed += entries.length;
      return entries;
    },
  };
  const context = { source, clock, stack: unknownStack() };
  const task = testTask({ rule: testRule({ versions: 'all' }) });
  await listStack(task, context, () => false);
  change();
  time.ms += laterMs;
  listed = 0;
  return {
    bucket,
    list: (until: (entry: HistoryEntry) => boolean = () => false) => listStack(task, context, until),
    listed: () => listed,
  };
};

test('a key with many versions is listed again only as far as what was listed before', async () => {
  const { bucket, list, listed } = await listedTwice({});
  bucket.put('k', Buffer.from('new'));
  bucket.remove('k');
  expect(await list()).toEqual(bucket.list('k'));
  expect(listed()).toBe(3);
});

test('a listing of a key with many versions ends early, and continues when more is asked for', async () => {
  const { bucket, list, listed } = await listedTwice({});
  bucket.put('k', Buffer.from('new'));
  const all = bucket.list('k');
  expect(await list(({ versionId }) => versionId === all[0]?.versionId)).toEqual(all.slice(0, 1));
  expect(await list(({ versionId }) => versionId === all[9]?.versionId)).toEqual(all.slice(0, 10));
  expect(listed()).toBe(1 + 1 + 10);
});

test.each([
  ['after five minutes', { laterMs: 5 * 60_000 + 1 }],
  ['with a null version', { versioning: 'suspended' as const }],
])('%s, a key with many versions is listed from the beginning', async (_when, setting) => {
  const { bucket, list, listed } = await listedTwice(setting);
  expect(await list()).toEqual(bucket.list('k'));
  expect(listed()).toBe(bucket.list('k').length);
});
