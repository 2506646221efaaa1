/** Transfers that cannot succeed until a person acts. */
import { expect, test } from 'vitest';
import { ReplicationError } from '../../src/lib/model/errors.ts';
import { Crash } from '../model/memory-receipts.ts';
import { openGate } from '../model/memory-source.ts';
import type { TransferWorld } from '../model/transfer-world.ts';
import { HOUR_MS, expectReplicated, failing, sizeOf, sweepFor, worldWith } from './one-object.ts';

const uploadsOf = ({ calls }: TransferWorld): number =>
  calls.filter((call) => call === 'destination.createUpload').length;

const denied = async (): Promise<TransferWorld> => {
  const world = await worldWith({ gate: failing('destination.uploadPart', 'access-denied') });
  await world.drain();
  return world;
};

test('many failing part ranges make one dead letter, and the parts that are stored are kept', async () => {
  const world = await denied();
  expect(world.dead).toMatchObject([{ reason: 'access-denied' }]);
  expect([world.replica.uploads.size, world.transfers.records.size]).toEqual([1, 1]);
});

test('a failed transfer resumes where it stopped when its dead letter is redriven', async () => {
  const world = await worldWith();
  await world.replicate();
  await world.work();
  const before = world.moved.bytes;
  world.gate = failing('destination.uploadPart', 'access-denied');
  await world.drain();
  world.gate = openGate;
  world.moved.bytes = 0;
  world.deliver(world.dead.pop()!.body);
  await world.drain();
  expectReplicated(world);
  expect(world.moved.bytes).toBe(sizeOf(world) - before);
});

test.each([
  ['kms', 'after'],
  ['access-denied', 'before'],
] as const)(
  'a transfer that failed as %s %s its first part begins anew when it is redriven, because its bucket may have changed',
  async (reason, when) => {
    const world = await worldWith();
    await world.replicate();
    if (when === 'after') await world.work();
    world.gate = failing('destination.uploadPart', reason);
    await world.drain();
    expect(world.dead).toMatchObject([{ reason }]);
    world.gate = openGate;
    world.moved.bytes = 0;
    world.deliver(world.dead.pop()!.body);
    await world.drain();
    expectReplicated(world);
    expect(world.moved.bytes).toBe(sizeOf(world));
    expect(uploadsOf(world)).toBe(2);
  },
);

test.each([
  ['small', [Buffer.from('n')]],
  ['large', [Buffer.alloc(8, 'n'), Buffer.alloc(8, 'o'), Buffer.alloc(3, 'p')]],
])(
  'a version that is archived while its parts are moved does not block a newer, %s one',
  async (_size, newer) => {
    const world = await worldWith({ rule: { versions: 'all' } });
    await world.replicate();
    await world.work();
    expect(world.moved.bytes).toBeGreaterThan(0);
    world.source.seal('k', 0, 'archived');
    await world.drain();
    expect(world.dead).toMatchObject([{ reason: 'archived' }]);
    world.source.put('k', newer);
    world.deliver(world.dead.pop()!.body);
    await world.drain();
    expect(world.replica.versions('k').map(({ bytes }) => bytes)).toEqual([Buffer.concat(newer)]);
    // The version that was passed over has a dead letter of its own.
    expect(world.dead).toMatchObject([{ reason: 'archived' }]);
  },
);

test('a transfer whose first part S3 refuses tries its next plan, and only the refusal of the last plan needs a person', async () => {
  const world = await worldWith({ rule: { copy: 'server-side' }, readable: true });
  world.gate = async (point, call) => {
    if (point === 'before' && call === 'destination.copyPart' && uploadsOf(world) < 2)
      throw new ReplicationError('invalid-request', 'as told');
  };
  await world.drain();
  expectReplicated(world);
  expect(uploadsOf(world)).toBe(2);
  const refused = await worldWith({ rule: { copy: 'server-side' }, readable: true });
  refused.gate = failing('destination.copyPart', 'invalid-request');
  await refused.drain();
  expect(refused.dead).toMatchObject([{ reason: 'invalid-request' }]);
  expect(uploadsOf(refused)).toBe(2);
});

test('the sweep repeats the hint that was to begin a refused transfer anew', async () => {
  const world = await worldWith({ rule: { copy: 'server-side' }, readable: true });
  let isLost = false;
  world.gate = async (point, call) => {
    if (point !== 'before' || uploadsOf(world) > 1) return;
    if (call === 'destination.copyPart') throw new ReplicationError('invalid-request', 'as told');
    if (call !== 'hints.send' || isLost) return;
    isLost = true;
    throw new Crash();
  };
  await world.replicate();
  await world.work();
  world.ranges.visible.length = 0;
  world.ranges.resting.length = 0;
  await world.sweep();
  await world.drain();
  expectReplicated(world);
});

test('a failure is reported even if the function crashed between the record and the dead-letter queue', async () => {
  const world = await worldWith();
  await world.replicate();
  let dies = true;
  world.gate = async (point, call) => {
    if (call === 'destination.uploadPart') throw new ReplicationError('access-denied', 'as told');
    if (call !== 'deadLetterQueue.send' || point !== 'before' || !dies) return;
    dies = false;
    throw new Crash();
  };
  await world.drain();
  expect(world.dead).toMatchObject([{ reason: 'access-denied' }]);
});

test('a failed transfer is aborted after six days, and its dead letter begins it again', async () => {
  const world = await denied();
  await sweepFor(world, 24 * 6 + 1);
  expect([world.replica.uploads.size, world.transfers.records.size]).toEqual([0, 0]);
  expect(world.dead).toHaveLength(1);
  world.gate = openGate;
  world.deliver(world.dead.pop()!.body);
  await world.drain();
  expectReplicated(world);
});

test('a transfer that never moves needs a person after the sweep has restarted it five times', async () => {
  const world = await worldWith();
  await world.replicate();
  for (let hour = 0; hour < 4; hour++) {
    world.transfers.sent.length = 0;
    world.clock.nowMs += HOUR_MS;
    await world.sweep();
  }
  expect(world.dead).toEqual([]);
  world.transfers.sent.length = 0;
  world.clock.nowMs += HOUR_MS;
  await world.sweep();
  expect(world.dead).toMatchObject([{ reason: 'retries-exhausted' }]);
});

test('a transfer whose upload somebody removes again and again is given up, and a redrive of its dead letter begins anew', async () => {
  const world = await worldWith();
  world.gate = async (point, call) => {
    if (call === 'destination.uploadPart' && point === 'before') world.replica.uploads.clear();
  };
  await world.drain();
  // Each part range of the last transfer has asked for a new one.
  expect(new Set(world.dead.map(({ reason }) => reason))).toEqual(new Set(['no-progress']));
  expect(uploadsOf(world)).toBe(9);
  world.gate = openGate;
  for (const { body } of world.dead.splice(0)) world.deliver(body);
  await world.drain();
  expectReplicated(world);
});
