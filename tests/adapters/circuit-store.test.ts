/** The record of the circuits. Each test runs with the record in DynamoDB and with its model, because both must behave the same. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createCircuitStore } from '../../src/lib/aws/dynamodb/circuit-store.ts';
import type { CircuitStore } from '../../src/lib/delivery/circuits.ts';
import { createMemoryCircuitStore } from '../model/memory-circuits.ts';
import { startLocalTable } from './local-table.ts';

let table: Awaited<ReturnType<typeof startLocalTable>>;
beforeAll(async () => {
  table = await startLocalTable('receipts', { id: 'HASH' });
});
afterAll(() => table.stop());

const circuit = { sinceMs: 9_000, reason: 'throttled', detail: 'SlowDown' } as const;
const hanging = { destination: 'd1', pool: 'live', untilMs: 12_000 } as const;

describe.each<[string, () => CircuitStore]>([
  ['DynamoDB', () => createCircuitStore('receipts')],
  ['the model', createMemoryCircuitStore],
])('the record of the circuits in %s', (_, create) => {
  test('failures of different keys are counted, a circuit opens only while they stand, and a success forgets both', async () => {
    const store = create();
    expect((await store.load()).suspects.size).toBe(0);
    expect((await store.open('d1', circuit)).open.size).toBe(0);
    await store.suspect('d1', 'k1', 1_000);
    await store.suspect('d1', 'k1', 2_000);
    const { suspects } = await store.suspect('d1', 'k2', 3_000);
    expect([...suspects]).toEqual([['d1', { keys: 2, sinceMs: 1_000 }]]);
    expect([...(await store.open('d1', circuit)).open]).toEqual([['d1', circuit]]);
    expect([...(await store.open('d1', { ...circuit, sinceMs: 10_000 })).open]).toEqual([['d1', circuit]]);
    const closed = await store.close('d1');
    expect([closed.open.size, closed.suspects.size]).toEqual([0, 0]);
  });

  test('an environment that waits for an answer is in the record until the answer', async () => {
    const store = create();
    await store.hang('e1', hanging);
    expect([...(await store.hang('e2', { ...hanging, destination: 'd2' })).hanging.keys()]).toEqual([
      'e1',
      'e2',
    ]);
    await store.answered('e2');
    expect([...(await store.answered('unknown')).hanging]).toEqual([['e1', hanging]]);
    await store.answered('e1');
  });
});
