/** An object of any size, moved by many invocations: one example for each thing that may not go wrong. */
import { describe, expect, test } from 'vitest';
import { openGate } from '../model/memory-source.ts';
import { once } from '../model/one-key.ts';
import { s3Event } from '../model/settings.ts';
import { GIB, MIB, type TransferWorld } from '../model/transfer-world.ts';
import {
  LARGE,
  dying,
  expectReplicated,
  failing,
  put,
  sizeOf,
  sweepFor,
  uniform,
  worldWith,
} from './one-object.ts';

describe.each(['all', 'latest'] as const)('in mode %s', (versions) => {
  const rule = { versions };

  test.each([
    ['equal parts', LARGE, GIB / 2],
    ['parts of any size', [3, 10, 1, 7, 7, 7, 2, 9, 1], GIB / 2],
    ['10,000 parts', uniform(10_000, 1), 16 * MIB],
    ['a last part that is larger', [2, 2, 2, 2, 2, 2, 5], GIB / 2],
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

  test.each([
    ['before the upload is created', 'destination.createUpload', 'before', 0],
    ['after the upload was created', 'destination.createUpload', 'after', 1],
    ['before the record is written', 'transfers.begin', 'before', 1],
    ['after the record was written', 'transfers.begin', 'after', 0],
    ['after the ranges were sent', 'transfers.send', 'after', 0],
    ['before a part is stored', 'destination.uploadPart', 'before', 0],
    ['after a part was stored', 'destination.uploadPart', 'after', 0],
    ['before the finishing hint', 'hints.send', 'before', 0],
    ['after the finishing hint', 'hints.send', 'after', 0],
    ['before it is completed', 'destination.completeUpload', 'before', 0],
    ['after it was completed', 'destination.completeUpload', 'after', 0],
    ['before the record is removed', 'transfers.end', 'before', 0],
    ['after the record was removed', 'transfers.end', 'after', 0],
  ] as const)('a function that dies %s costs next to nothing', async (_, call, point, orphans) => {
    const world = await worldWith({ rule, gate: dying(call, point) });
    await world.drain();
    expect(world.replica.uploads.size).toBe(orphans);
    await sweepFor(world, 26);
    expectReplicated(world);
    expect(world.moved.bytes).toBeLessThanOrEqual(sizeOf(world) + 4 * GIB);
  });

  test('duplicate, late and repeated messages move nothing again and do not multiply', async () => {
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

  test('a duplicate that comes while the range is worked on is given back', async () => {
    const world = await worldWith({ rule });
    await world.replicate();
    const { sent } = world.transfers;
    sent.unshift(structuredClone(sent[0]!));
    world.gate = once('destination.uploadPart', 'before', () => world.work());
    await world.drain();
    expectReplicated(world);
    expect(world.moved.bytes).toBe(sizeOf(world));
  });

  test('what is left of an earlier attempt is let go', async () => {
    const world = await worldWith({ rule });
    await world.replicate();
    const early = structuredClone(world.transfers.sent);
    world.gate = failing('destination.uploadPart', 'access-denied');
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
    // Nothing to do, but SQS has given out what is in the queue.
    await world.replicate();
    world.moved.bytes = 0;
    await workOn(1);
    await world.drain();
    expectReplicated(world);
    expect(world.moved.bytes).toBe(sizeOf(world));
  });

  test('of two who begin it at once one does, and the other leaves nothing behind', async () => {
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

  test('of two who finish it at once one does, and the other sees it', async () => {
    const world = await worldWith({ rule });
    await world.replicate();
    while (await world.work());
    world.deliver(s3Event({ key: 'k', sequencer: 'other' }));
    world.gate = once('destination.completeUpload', 'before', () => world.replicate());
    await world.drain();
    expectReplicated(world);
  });

  test.each([
    [
      'an answer to Complete that is lost',
      failing('destination.completeUpload', 'connection-lost', 1, 'after'),
    ],
    ['a conflict when it is completed (409)', failing('destination.completeUpload', 'lost-race', 1)],
    ['a part that arrives damaged', failing('destination.uploadPart', 'bad-checksum', 1)],
    [
      'credentials that expire in the middle of a part',
      failing('destination.uploadPart', 'expired-credentials', 1),
    ],
    ['S3 asking to slow down again and again', failing('destination.uploadPart', 'throttled', 9)],
    ['a version that seems to be gone, and is not', failing('source.read', 'lost-race', 1)],
    [
      'an upload that seems to be gone while parts are stored',
      failing('destination.uploadPart', 'lost-race', 1),
    ],
  ])('%s is survived', async (_, gate) => {
    const world = await worldWith({ rule, gate });
    await world.drain();
    expectReplicated(world);
    // Each try sends a part, or one of those under way, once more.
    expect(world.moved.bytes).toBeLessThanOrEqual(sizeOf(world) + 12 * GIB);
    expect(world.calls.filter((call) => call === 'destination.createUpload')).toHaveLength(1);
  });

  test('what somebody writes to the key meanwhile (412) is replaced, on condition that it is still that', async () => {
    const world = await worldWith({ rule });
    await world.replicate();
    while (await world.work());
    world.gate = once('destination.completeUpload', 'before', async () => {
      world.replica.put('k', Buffer.from('theirs'));
    });
    await world.drain();
    expectReplicated(world, 2);
    expect(world.moved.bytes).toBe(sizeOf(world));
  });

  test('with the table lost in the middle it begins anew, and the old upload is aborted a day later', async () => {
    const world = await worldWith({ rule });
    await world.replicate();
    await world.work();
    world.transfers.records.clear();
    await world.drain();
    expect(world.replica.uploads.size).toBe(1);
    await sweepFor(world, 26);
    expectReplicated(world);
  });

  test('with its upload gone it begins anew at the next look', async () => {
    const world = await worldWith({ rule });
    await world.replicate();
    await world.work();
    world.replica.uploads.clear();
    world.ranges.visible.length = 0;
    world.deliver(s3Event({ key: 'k', sequencer: 'other' }));
    await world.drain();
    expectReplicated(world);
  });

  test('what is left of a transfer whose end nobody wrote down does not change how the next version is copied', async () => {
    const world = await worldWith({ rule });
    await world.replicate();
    const [[id, record] = []] = structuredClone([...world.transfers.records]);
    await world.drain();
    world.transfers.records.set(id!, record!);
    const { versionId } = world.source.put('k', Buffer.alloc(4, 'x'));
    world.deliver(s3Event({ key: 'k', versionId, sequencer: 'next', sizeBytes: 2 * GIB }));
    await world.drain();
    expect(world.replica.current('k')?.state.etag).toBe(world.source.current('k')?.state.etag);
    await sweepFor(world, 1);
    expectReplicated(world, 2);
  });

  test('with every receipt lost nothing is moved twice', async () => {
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

  test('a source that is deleted for good is given up', async () => {
    const world = await worldWith({ rule });
    await world.replicate();
    await world.work();
    world.source.forget('k', 0);
    await world.drain();
    const { replica, transfers, dead } = world;
    expect([replica.history.size, replica.uploads.size, transfers.records.size, dead.length]).toEqual([
      0, 0, 0, 0,
    ]);
  });

  test('tags given while it was on its way are on the replica', async () => {
    const world = await worldWith({ rule });
    await world.replicate();
    world.source.setTags('k', 0, { colour: 'red' });
    await world.drain();
    expect(world.replica.current('k')?.tags).toEqual({ colour: 'red' });
  });
});

describe('a newer version while the transfer runs', () => {
  const halfway = async (versions: 'all' | 'latest', newer: number[]): Promise<TransferWorld> => {
    const world = await worldWith({ rule: { versions } });
    await world.replicate();
    await world.work();
    put(world, newer, 1);
    await world.drain();
    return world;
  };

  test.each([
    ['large', LARGE],
    ['small', [2]],
  ])('waits for its turn in mode all (%s)', async (_, newer) => {
    const world = await halfway('all', newer);
    expectReplicated(world, 2);
    const [first] = world.source.versions('k');
    expect(world.replica.versions('k')[0]?.bytes.equals(first!.bytes)).toBe(true);
    expect(world.records.flatMap((each) => ('outcome' in each ? [each.outcome] : []))).toContain(
      'replicated',
    );
  });

  test.each([
    ['large', LARGE],
    ['small', [2]],
  ])('takes its place in mode latest (%s)', async (_, newer) => {
    const world = await halfway('latest', newer);
    expectReplicated(world, 1);
    expect(world.moved.bytes).toBeLessThan(sizeOf(world) + 20 * GIB);
  });

  test('comes when all parts of the older one are there, which is then not taken for it', async () => {
    const world = await worldWith({ rule: { versions: 'latest' } });
    await world.replicate();
    while (await world.work());
    put(world, LARGE, 1);
    await world.drain();
    expectReplicated(world, 1);
  });

  test('is not thrown away by somebody who looked before it was written', async () => {
    const world = await worldWith({ rule: { versions: 'latest' } });
    world.gate = once('transfers.load', 'before', async () => {
      put(world, LARGE, 1);
      await world.replicate();
      await world.work();
    });
    await world.drain();
    expectReplicated(world, 1);
    expect(world.moved.bytes).toBe(sizeOf(world));
  });
});
