/** The records of dead letters in the local DynamoDB. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { KnownLetters } from '../../src/lib/delivery/known-letters.ts';
import { startLocalTable } from './local-table.ts';

let table: Awaited<ReturnType<typeof startLocalTable>>;
let letters: KnownLetters;
let nowMs = Date.parse('2026-11-22T12:00:00Z');
beforeAll(async () => {
  table = await startLocalTable('letters', { id: 'HASH' });
  const { createKnownLetters } = await import('../../src/lib/aws/dynamodb/known-letters.ts');
  letters = createKnownLetters('letters', () => nowMs);
});
afterAll(() => table.stop());

const of = (key: string, destination = 'archive') => ({ rule: 'r', destination, bucket: 'b', key });

test('a letter is known for its key and destination, until it is forgotten', async () => {
  await letters.keep(of('k/é'));
  expect(await letters.has(of('k/é'))).toBe(true);
  expect(await letters.has(of('k/é', 'second'))).toBe(false);
  expect(await letters.has(of('k/'))).toBe(false);
  await letters.forget([of('k/é'), of('never there')]);
  expect(await letters.has(of('k/é'))).toBe(false);
});

test('a letter is not known any longer than SQS keeps it, although DynamoDB keeps its record longer', async () => {
  await letters.keep(of('old'));
  nowMs += 14 * 24 * 3_600_000 - 1_000;
  expect(await letters.has(of('old'))).toBe(true);
  nowMs += 2_000;
  expect(await letters.has(of('old'))).toBe(false);
});
