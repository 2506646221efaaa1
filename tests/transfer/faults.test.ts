/** Calls that fail while a large object is transferred. */
import { describe, expect, test } from 'vitest';
import { once } from '../model/one-key.ts';
import { s3Event } from '../model/settings.ts';
import { GIB } from '../model/transfer-world.ts';
import { dying, expectReplicated, failing, sizeOf, sweepFor, worldWith } from './one-object.ts';

const BOTH = ['all', 'latest'] as const;

describe.each(BOTH)('crashes during a transfer in mode %s', (versions) => {
  const rule = { versions };

  test.each([
    ['before the upload is created', 'destination.createUpload', 'before', 0],
    ['after the upload was created', 'destination.createUpload', 'after', 1],
    ['before the record is written', 'transfers.begin', 'before', 1],
    ['after the record was written', 'transfers.begin', 'after', 0],
    ['after the ranges were sent', 'transfers.send', 'after', 0],
    ['before a part is stored', 'destination.uploadPart', 'before', 0],
    ['after a part was stored', 'destination.uploadPart', 'after', 0],
    ['before the finishing hint is sent', 'hints.send', 'before', 0],
    ['after the finishing hint was sent', 'hints.send', 'after', 0],
    ['before the upload is completed', 'destination.completeUpload', 'before', 0],
    ['after the upload was completed', 'destination.completeUpload', 'after', 0],
    ['before the record is removed', 'transfers.end', 'before', 0],
    ['after the record was removed', 'transfers.end', 'after', 0],
  ] as const)(
    'a transfer survives a function that crashes %s, and moves few bytes twice',
    async (_, call, point, orphans) => {
      const world = await worldWith({ rule, gate: dying(call, point) });
      await world.drain();
      expect(world.replica.uploads.size).toBe(orphans);
      await sweepFor(world, 26);
      expectReplicated(world);
      expect(world.moved.bytes).toBeLessThanOrEqual(sizeOf(world) + 4 * GIB);
    },
  );
});

describe.each(BOTH)('failing calls during a transfer in mode %s', (versions) => {
  const rule = { versions };

  test.each([
    [
      'a lost answer to CompleteMultipartUpload',
      failing('destination.completeUpload', 'connection-lost', 1, 'after'),
    ],
    ['a conflict at CompleteMultipartUpload (409)', failing('destination.completeUpload', 'lost-race', 1)],
    ['a part that arrives damaged', failing('destination.uploadPart', 'bad-checksum', 1)],
    ['credentials that expire during a part', failing('destination.uploadPart', 'expired-credentials', 1)],
    ['repeated throttling by S3', failing('destination.uploadPart', 'throttled', 9)],
    ['a version that seems to be gone but exists', failing('source.read', 'lost-race', 1)],
    ['an upload that seems to be gone but exists', failing('destination.uploadPart', 'lost-race', 1)],
  ])('a transfer survives %s', async (_, gate) => {
    const world = await worldWith({ rule, gate });
    await world.drain();
    expectReplicated(world);
    // Each failure makes the transfer send a part again: the part that failed, or another one that was under
    // way.
    expect(world.moved.bytes).toBeLessThanOrEqual(sizeOf(world) + 12 * GIB);
    expect(world.calls.filter((call) => call === 'destination.createUpload')).toHaveLength(1);
  });
});

describe.each(BOTH)('losses during a transfer in mode %s', (versions) => {
  const rule = { versions };

  test('an object that somebody writes to the key during a transfer (412) is replaced, and no byte is moved twice', async () => {
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

  test('a transfer whose record is lost begins again, and its old upload is aborted a day later', async () => {
    const world = await worldWith({ rule });
    await world.replicate();
    await world.work();
    world.transfers.records.clear();
    await world.drain();
    expect(world.replica.uploads.size).toBe(1);
    await sweepFor(world, 26);
    expectReplicated(world);
  });

  test('a transfer whose upload is gone begins again with the next hint', async () => {
    const world = await worldWith({ rule });
    await world.replicate();
    await world.work();
    world.replica.uploads.clear();
    world.ranges.visible.length = 0;
    world.deliver(s3Event({ key: 'k', sequencer: 'other' }));
    await world.drain();
    expectReplicated(world);
  });

  test('a record that outlived its transfer does not change how the next version is copied', async () => {
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

  test('the transfer of a source version that is permanently deleted is given up', async () => {
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
});
