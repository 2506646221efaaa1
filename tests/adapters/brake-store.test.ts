/** The record of the brakes. Each test runs with the record in DynamoDB and with its model, because both must behave the same. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createBrakeLedger } from '../../src/lib/aws/dynamodb/brake-ledger.ts';
import { createBrakeStore } from '../../src/lib/aws/dynamodb/brake-store.ts';
import type { BrakeLedger, BrakeStore, HeldKey } from '../../src/lib/model/brake.ts';
import { createMemoryBrakes } from '../model/memory-brakes.ts';
import { startLocalTable } from './local-table.ts';

let table: Awaited<ReturnType<typeof startLocalTable>>;
beforeAll(async () => {
  table = await startLocalTable('runs', { run: 'HASH', item: 'RANGE' });
});
afterAll(() => table.stop());

const heldIn = async (ledger: BrakeLedger, name: string): Promise<HeldKey[]> => {
  const found: HeldKey[] = [];
  for await (const each of ledger.held(name)) found.push(each);
  return found;
};

const held = { key: `ü${'k'.repeat(1_022)}`, heldMs: 5, change: 'delete', kind: 'extra' } as const;

describe.each<[string, () => BrakeStore & BrakeLedger]>([
  ['DynamoDB', () => ({ ...createBrakeStore('runs'), ...createBrakeLedger('runs') })],
  ['the model', createMemoryBrakes],
])('the record of the brakes in %s', (_, create) => {
  test('counts add up by slot, and slots that have left the window are removed', async () => {
    const store = create();
    await store.count('a/1', 1_000, { deletes: 2, expirations: 0, overwrites: 1 }, []);
    await store.count('a/1', 2_000, { deletes: 0, expirations: 4, overwrites: 0 }, []);
    const { slots } = await store.count('a/1', 2_000, { deletes: 3, expirations: 0, overwrites: 0 }, [1_000]);
    expect([...slots]).toEqual([[2_000, { deletes: 3, expirations: 4, overwrites: 0 }]]);
    expect((await store.load('a/1')).slots).toEqual(slots);
  });

  test('a brake closes once, keeps its reason until it is released, and then has counted nothing', async () => {
    const store = create();
    await store.counted('b/1', 70);
    await store.count('b/1', 1_000, { deletes: 2, expirations: 1, overwrites: 1 }, []);
    await store.close('b/1', { sinceMs: 1, why: 'first' });
    const record = await store.close('b/1', { sinceMs: 2, why: 'second' });
    expect(record).toMatchObject({ closed: { sinceMs: 1, why: 'first' }, keys: 70 });
    await store.release('b/1', record, { untilMs: 7, how: 'pass-on' });
    const released = { slots: new Map(), closed: null, keys: 70, releasedMs: 7, releasing: 'pass-on' };
    expect((await store.all()).get('b/1')).toEqual(released);
    await store.released('b/1', 6);
    expect(await store.load('b/1')).toEqual(released);
    await store.released('b/1', 7);
    expect(await store.load('b/1')).toEqual({ ...released, releasing: null });
  });

  test('the longest key is held, and a key that is held anew is neither sent nor forgotten', async () => {
    const store = create();
    expect(await store.heldMs('c/1', held.key)).toBeNull();
    await store.hold('c/1', held);
    expect(await store.heldMs('c/1', held.key)).toBe(5);
    const [first] = await heldIn(store, 'c/1');
    expect(first).toEqual({ ...held, sentMs: null });
    await store.hold('c/1', { ...held, heldMs: 6 });
    await store.sent('c/1', first!, 9);
    await store.forget('c/1', first!);
    const [second] = await heldIn(store, 'c/1');
    expect(second).toEqual({ ...held, heldMs: 6, sentMs: null });
    await store.sent('c/1', second!, 9);
    expect(await heldIn(store, 'c/1')).toEqual([{ ...held, heldMs: 6, sentMs: 9 }]);
    await store.forget('c/1', second!);
    expect(await heldIn(store, 'c/1')).toEqual([]);
  });
});
