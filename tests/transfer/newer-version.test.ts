/** A newer version of the object that is written while a transfer moves the older one. */
import { describe, expect, test } from 'vitest';
import { once } from '../model/one-key.ts';
import { GIB, type TransferWorld } from '../model/transfer-world.ts';
import { LARGE, expectReplicated, put, sizeOf, worldWith } from './one-object.ts';

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
  ])('in mode all a newer version waits for the transfer of the older one (%s)', async (_, newer) => {
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
  ])('in mode latest a newer version replaces the transfer of the older one (%s)', async (_, newer) => {
    const world = await halfway('latest', newer);
    expectReplicated(world, 1);
    expect(world.moved.bytes).toBeLessThan(sizeOf(world) + 20 * GIB);
  });

  test('a newer version that arrives after all parts of the older one is not replaced by those parts', async () => {
    const world = await worldWith({ rule: { versions: 'latest' } });
    await world.replicate();
    while (await world.work());
    put(world, LARGE, 1);
    await world.drain();
    expectReplicated(world, 1);
  });

  test('the transfer of a newer version is not removed by a function that has read the older one', async () => {
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
