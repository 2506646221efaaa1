/** Transfers that cannot succeed until a person acts. */
import { expect, test } from 'vitest';
import { ReplicationError } from '../../src/lib/model/errors.ts';
import { Crash } from '../model/memory-receipts.ts';
import { openGate } from '../model/memory-source.ts';
import type { TransferWorld } from '../model/transfer-world.ts';
import { HOUR_MS, expectReplicated, failing, sizeOf, sweepFor, worldWith } from './one-object.ts';

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
