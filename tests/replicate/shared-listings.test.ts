/** One listing of the source for all hints of a batch whose keys are neighbours. */
import { describe, expect, test } from 'vitest';
import type { QueueMessage } from '../../src/lib/delivery/deps.ts';
import { parseMessage } from '../../src/lib/hint/parse-message.ts';
import { assign } from '../../src/lib/hint/route.ts';
import { createSharedListings } from '../../src/lib/replicate/shared-listings.ts';
import { createMemoryBucket } from '../model/memory-buckets.ts';
import { memorySource } from '../model/memory-source.ts';
import { randomOf } from '../../bench/listing-keys.ts';

import { SEED } from '../model/seed.ts';
import { s3Event, testConfiguration, testDestination, testRule } from '../model/settings.ts';
import { batchWorld, queueMessage } from './batch-world.ts';

const BATCH = 10;

const historyWorld = (destinations = [testDestination()]) => {
  const world = batchWorld(
    testConfiguration(testRule({ versions: 'all', deletes: 'replicate', destinations })),
  );
  let events = 0;
  const event = (key: string, name?: string, versionId: string | null = null): QueueMessage => {
    const sequencer = String(++events);
    return queueMessage(s3Event({ key, sequencer, versionId, ...(name && { name }) }), {
      messageId: `m${events}`,
    });
  };
  /** The listings of the source. Its model counts each call twice, before and after the effect. */
  const listings = () => world.calls.filter((call) => /^source\.(history|neighbours)$/.test(call)).length / 2;
  const told = (key: string, bucket = 'replica') =>
    world
      .replica(bucket)
      .history.get(key)
      ?.map((entry) => (entry.kind === 'marker' ? '†' : entry.bytes.toString()));
  return { ...world, event, listings, told };
};

const shuffled = <T>(items: T[], random: () => number): T[] =>
  items
    .map((item) => ({ item, rank: random() }))
    .toSorted((one, other) => one.rank - other.rank)
    .map(({ item }) => item);

describe(`listings per new key (seed ${SEED})`, () => {
  const random = randomOf(SEED);

  test('new keys in the order of time take at most 0.2 listings each, even if batches take them from a queue in any order', async () => {
    const { source, event, run, listings, told } = historyWorld();
    const keys = Array.from({ length: 600 }, (_, at) => `log/2026/11/30/${String(at).padStart(6, '0')}.json`);
    for (const key of keys) source.put(key, Buffer.from('one'));
    // Each batch takes ten of the hundred oldest messages.
    const queue = keys.map((key) => event(key));
    while (queue.length > 0) {
      const oldest = shuffled(queue.slice(0, 100), random).slice(0, BATCH);
      for (const message of oldest) queue.splice(queue.indexOf(message), 1);
      expect(await run(...oldest)).toEqual({ failed: [] });
    }
    expect(listings() / keys.length).toBeLessThanOrEqual(0.2);
    for (const key of keys) expect(told(key)).toEqual(['one']);
  });

  test('random keys among many others take at most 1.05 listings each', async () => {
    const { source, event, run, listings } = historyWorld();
    const keys = Array.from({ length: 5_000 }, () => `data/${random().toString(36).slice(2)}`);
    for (const key of keys) source.put(key, Buffer.from('old'));
    const fresh = shuffled(keys, random).slice(0, 60);
    for (let at = 0; at < fresh.length; at += BATCH)
      expect(await run(...fresh.slice(at, at + BATCH).map((key) => event(key)))).toEqual({ failed: [] });
    expect(listings() / fresh.length).toBeLessThanOrEqual(1.05);
    expect(listings() / fresh.length).toBeGreaterThan(0.5);
  });

  test('new keys in several folders, and the destinations of a rule, share listings too', async () => {
    const { source, event, run, listings, told } = historyWorld([
      testDestination(),
      testDestination({ id: 'second', bucket: 'second' }),
    ]);
    const keys = ['a', 'b'].flatMap((folder) => [1, 2, 3, 4, 5].map((at) => `${folder}/${at}`));
    for (const key of keys) source.put(key, Buffer.from('one'));
    await run(...keys.map((key) => event(key)));
    expect(listings()).toBe(2);
    for (const key of keys) expect([told(key), told(key, 'second')]).toEqual([['one'], ['one']]);
  });
});

test('where keys are no neighbours, fewer and fewer batches wait for a listing that nobody can share', async () => {
  const neighbourhoods = new Map();
  const tries: string[] = [];
  const source = memorySource(
    createMemoryBucket('enabled', () => 0),
    async (point, call) => {
      if (point === 'before') tries.push(call);
    },
  );
  const configuration = testConfiguration(testRule({ versions: 'all' }));
  for (let batch = 0; batch < 200; batch++) {
    const listings = createSharedListings({
      buckets: { source: () => source, destination: () => expect.fail() },
      clock: { now: () => 0, sleep: async () => undefined },
      neighbourhoods,
    });
    const assignments = ['k1', 'k2'].flatMap((key) =>
      parseMessage(s3Event({ key })).flatMap((part) =>
        part.kind === 'hint' ? assign(configuration, part.hint) : [],
      ),
    );
    listings.expect(assignments);
    for (const assignment of assignments) expect(await listings.take(assignment)).toBeNull();
  }
  // After each miss, more batches do not try: first 1, then 3, 7, 15, and from then on 31.
  expect(tries).toEqual(Array(10).fill('source.neighbours'));
});

describe('a shared listing that is older than the work', () => {
  test('another function replicated a newer version and a delete after the listing: neither is lost, and the order stays', async () => {
    const { source, event, run, told, hooks } = historyWorld();
    for (const key of ['k1', 'k2']) source.put(key, Buffer.from('one'));
    let isListed = false;
    hooks.source = async (point, call) => {
      if (call !== 'source.neighbours' || point !== 'after' || isListed) return;
      isListed = true;
      for (const key of ['k1', 'k2']) source.put(key, Buffer.from('two'));
      source.remove('k2');
      await run(event('k1'));
      await run(event('k2', 'ObjectRemoved:DeleteMarkerCreated'));
    };
    expect(await run(event('k1'), event('k2'))).toEqual({ failed: [] });
    expect(isListed).toBe(true);
    expect(told('k1')).toEqual(['one', 'two']);
    // The first version may be shown again for a moment, but the key ends deleted and has both versions in their order.
    const ofDeleted = told('k2') ?? [];
    expect(ofDeleted.at(-1)).toBe('†');
    expect(ofDeleted.join()).toMatch(/one,two,†/);
  });

  test('versions that are written after the listing are found by the fresh look', async () => {
    const { source, event, run, told, hooks } = historyWorld();
    for (const key of ['k1', 'k2']) source.put(key, Buffer.from('one'));
    let isListed = false;
    hooks.source = async (point, call) => {
      if (call !== 'source.neighbours' || point !== 'after' || isListed) return;
      isListed = true;
      source.put('k1', Buffer.from('two'));
      source.remove('k2');
    };
    await run(event('k1'), event('k2'));
    expect(told('k1')).toEqual(['one', 'two']);
    expect(told('k2')).toEqual(['one', '†']);
  });

  test('the second hint of a key lists it again', async () => {
    const { source, event, run, calls } = historyWorld();
    for (const key of ['k1', 'k2']) source.put(key, Buffer.from('one'));
    const older = source.versions('k1')[0]?.id;
    source.put('k1', Buffer.from('two'));
    await run(event('k1'), event('k2'), event('k1', 'ObjectTagging:Put', older));
    expect(calls.filter((call) => call === 'source.neighbours').length / 2).toBe(1);
    expect(calls.filter((call) => call === 'source.history').length / 2).toBe(1);
  });
});

test('if the shared listing fails, each key is listed alone', async () => {
  const { source, event, run, told, hooks } = historyWorld();
  for (const key of ['k1', 'k2']) source.put(key, Buffer.from('one'));
  hooks.source = async (_point, call) => {
    if (call === 'source.neighbours') throw new Error('reset');
  };
  expect(await run(event('k1'), event('k2'))).toEqual({ failed: [] });
  expect([told('k1'), told('k2')]).toEqual([['one'], ['one']]);
});

test('a key that the shared listing does not have, or that has many versions, is listed alone', async () => {
  const { source, event, run, told, records } = historyWorld();
  source.put('k1', Buffer.from('one'));
  for (let version = 0; version < 60; version++) source.put('k2', Buffer.from(String(version)));
  expect(await run(event('gone'), event('k1'), event('k2'))).toEqual({ failed: [] });
  expect(told('k1')).toEqual(['one']);
  expect(told('k2')).toHaveLength(60);
  expect(records).toContainEqual(expect.objectContaining({ key: 'gone', outcome: 'source-gone' }));
});
