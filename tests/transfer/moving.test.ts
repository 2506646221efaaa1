/**
 * Objects of any size that many invocations transfer. The messages may be delivered more than once and in any
 * order.
 */
import { describe, expect, test } from 'vitest';
import { openGate } from '../model/memory-source.ts';
import { once } from '../model/one-key.ts';
import { s3Event } from '../model/settings.ts';
import { GIB, MIB } from '../model/transfer-world.ts';
import { LARGE, expectReplicated, failing, sizeOf, uniform, worldWith } from './one-object.ts';

const BOTH = ['all', 'latest'] as const;

describe.each(BOTH)('a transfer in mode %s', (versions) => {
  const rule = { versions };

  test.each([
    ['equal parts', LARGE, GIB / 2],
    ['parts of any size', [3, 10, 1, 7, 7, 7, 2, 9, 1], GIB / 2],
    ['10,000 parts', uniform(10_000, 1), 16 * MIB],
    ['parts with a larger last one', [2, 2, 2, 2, 2, 2, 5], GIB / 2],
    ['50 TB', uniform(10_000, 1), 5 * GIB],
  ])('an object of %s keeps its parts, and no byte is moved twice', async (_, sizes, unitBytes) => {
    const bytesPerSecond = unitBytes === 5 * GIB ? 4 * GIB : 80 * MIB;
    const world = await worldWith({ rule, unitBytes, bytesPerSecond, concurrency: 20 }, sizes);
    world.transfers.rates.set('replica stream', bytesPerSecond);
    await world.drain();
    expectReplicated(world);
    expect(world.replica.current('k')?.parts.map(({ length }) => length)).toEqual(sizes);
    expect(world.moved.bytes).toBe(sizeOf(world));
    expect(world.records.filter(({ ending }) => ending === 'done')).toMatchObject([
      { outcome: 'transferring', bytes: 0 },
      { outcome: 'replicated', bytes: sizeOf(world), proof: 'etag' },
    ]);
  });

  test('the loss of every receipt makes no byte move twice', async () => {
    const world = await worldWith({ rule });
    await world.replicate();
    const late = structuredClone(world.transfers.sent);
    await world.work();
    world.receipts.clear();
    world.transfers.sent.push(...late);
    await world.drain();
    expectReplicated(world);
    expect(world.moved.bytes).toBe(sizeOf(world));
  });

  test('tags that are set during a transfer are on the replica', async () => {
    const world = await worldWith({ rule });
    await world.replicate();
    world.source.setTags('k', 0, { colour: 'red' });
    await world.drain();
    expect(world.replica.current('k')?.tags).toEqual({ colour: 'red' });
  });
});

describe.each(BOTH)('messages of a transfer in mode %s', (versions) => {
  const rule = { versions };

  test('duplicate, late and repeated range messages move no byte twice and do not multiply', async () => {
    const world = await worldWith({ rule });
    await world.replicate();
    const { sent } = world.transfers;
    const copies = sent.length;
    sent.push(...structuredClone(sent), ...structuredClone(sent));
    const late = structuredClone(sent.slice(0, 3));
    await world.drain();
    sent.push(...late);
    await world.drain();
    expectReplicated(world);
    expect(world.moved.bytes).toBe(sizeOf(world));
    expect(world.records.filter((each) => each.ending === 'range' && !each.duplicate)).toHaveLength(copies);
  });

  test('a duplicate of a part range that is being moved is given back to the queue', async () => {
    const world = await worldWith({ rule });
    await world.replicate();
    const { sent } = world.transfers;
    sent.unshift(structuredClone(sent[0]!));
    world.gate = once('destination.uploadPart', 'before', () => world.work());
    await world.drain();
    expectReplicated(world);
    expect(world.moved.bytes).toBe(sizeOf(world));
  });

  test('the remaining range messages of an earlier attempt are dropped', async () => {
    const world = await worldWith({ rule });
    await world.replicate();
    const early = structuredClone(world.transfers.sent);
    world.gate = failing('destination.uploadPart', 'no-such-bucket');
    await world.work();
    await world.work();
    world.gate = openGate;
    world.deliver(world.dead.pop()!.body);
    await world.replicate();
    world.transfers.sent.push(...early);
    const workOn = (attempt: number): Promise<boolean> =>
      world.work(world.ranges.visible.findIndex(({ body }) => body.includes(`"attempt":${attempt}`)));
    world.gate = once('destination.uploadPart', 'before', async () => {
      while (world.ranges.visible.some(({ body }) => body.includes('"attempt":0'))) await workOn(0);
    });
    // This hint finds nothing to replicate. It sends the part ranges of the new attempt to the queue.
    await world.replicate();
    world.moved.bytes = 0;
    await workOn(1);
    await world.drain();
    expectReplicated(world);
    expect(world.moved.bytes).toBe(sizeOf(world));
  });
});

describe.each(BOTH)('two functions at the same transfer in mode %s', (versions) => {
  const rule = { versions };

  test('one of two functions that begin a transfer at once succeeds, and the other leaves nothing behind', async () => {
    const world = await worldWith({ rule });
    world.deliver(s3Event({ key: 'k', sequencer: 'other' }));
    world.gate = once('transfers.begin', 'before', () => world.replicate());
    await world.replicate();
    expect({ uploads: world.replica.uploads.size, records: world.transfers.records.size }).toEqual({
      uploads: 1,
      records: 1,
    });
    await world.drain();
    expectReplicated(world);
    expect(world.moved.bytes).toBe(sizeOf(world));
  });

  test('one of two functions that finish a transfer at once succeeds, and the other accepts the result', async () => {
    const world = await worldWith({ rule });
    await world.replicate();
    while (await world.work());
    world.deliver(s3Event({ key: 'k', sequencer: 'other' }));
    world.gate = once('destination.completeUpload', 'before', () => world.replicate());
    await world.drain();
    expectReplicated(world);
  });
});
