/** How a transfer is divided into part ranges. */
import { expect, test } from 'vitest';
import { MIB } from '../model/transfer-world.ts';
import { expectReplicated, sizeOf, uniform, worldWith } from './one-object.ts';

test('part ranges are cut to the measured rate, and there are at least as many as concurrent functions', async () => {
  const world = await worldWith({ concurrency: 4 }, uniform(400, 1));
  world.transfers.rates.set('replica stream', 10 * MIB);
  await world.replicate();
  const { sent } = world.transfers;
  // At 10 MiB/s, five minutes are enough for slightly less than 3 GiB. The next smaller whole number of parts
  // is five, because each part has half a gibibyte.
  expect(sent[0]).toMatchObject({ firstPart: 1, lastPart: 5 });
  expect(sent).toHaveLength(80);
  const few = await worldWith({ concurrency: 20 });
  await few.replicate();
  expect(few.transfers.sent).toHaveLength(20);
});

test('a part range that does not end in time is given back as the same message, and no byte is moved twice', async () => {
  const world = await worldWith({ bytesPerSecond: 5 * MIB, concurrency: 1 });
  await world.replicate();
  const sent = world.transfers.sent.length;
  await world.drain();
  expectReplicated(world);
  expect(world.transfers.sent).toEqual([]);
  const done = world.records.filter((each) => each.ending === 'range');
  expect(done.length).toBeGreaterThan(sent);
  expect(world.moved.bytes).toBe(sizeOf(world));
});
