/** Idempotency records in the local DynamoDB when responses are lost, invocations die, or two deliveries run at the same time. */
import type { Context } from 'aws-lambda';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { Receipts } from '../../src/lib/delivery/deps.ts';
import { PASSED_OVER, type Receipt } from '../../src/lib/delivery/outcome.ts';
import { operationOf } from '../e2e/support/operations.ts';
import { testDestination } from '../model/settings.ts';
import { startLocalTable } from './local-table.ts';

let table: Awaited<ReturnType<typeof startLocalTable>>;
let receipts: Receipts;
beforeAll(async () => {
  table = await startLocalTable('receipts', { id: 'HASH' });
  const { createReceiptStore } = await import('../../src/lib/aws/dynamodb/receipts.ts');
  const context: Partial<Context> = { getRemainingTimeInMillis: () => 400_000 };
  receipts = createReceiptStore('receipts')(context as Context);
});
afterAll(async () => {
  await table.stop();
});
afterEach(() => {
  table.aws.faults.plan = undefined;
});

const done =
  (bytes: number): (() => Promise<Receipt>) =>
  () =>
    Promise.resolve({ ...PASSED_OVER, bytes });
/** The work of an invocation that dies, or that never ends. */
const never = (): Promise<Receipt> => new Promise(() => undefined);

/** Begins work that never ends, and resolves when its record is in progress. */
const die = (key: string, message: string, delivery: number): Promise<void> =>
  new Promise((begun, failed) => {
    const work = (): Promise<Receipt> => {
      begun();
      return never();
    };
    receipts.once(key, { message, delivery }, work).catch(failed);
  });

/** Loses the responses of the next `times` PutItem requests. Returns a function that says how many were lost. */
const losePuts = (times: number): (() => number) => {
  let lost = 0;
  table.aws.faults.plan = (request) => {
    if (operationOf(request) !== 'dynamodb:PutItem' || lost >= times) return undefined;
    lost += 1;
    return { kind: 'reset-after' };
  };
  return () => lost;
};

test('a delivery recognises its own record when the response to PutItem was lost', async () => {
  const lost = losePuts(2);
  const ran = await receipts.once('lost', { message: 'm', delivery: 1 }, done(1));
  expect(lost()).toBe(2);
  expect(ran).toMatchObject({ duplicate: false, receipt: { bytes: 1 } });
});

test('a message whose responses were all lost takes its record over at its next delivery', async () => {
  losePuts(3);
  const first = receipts.once('all lost', { message: 'm', delivery: 1 }, done(1));
  await expect(first).rejects.toMatchObject({ reason: 'connection-lost' });
  const second = await receipts.once('all lost', { message: 'm', delivery: 2 }, done(2));
  expect(second).toMatchObject({ duplicate: false, receipt: { bytes: 2 } });
});

test('the next delivery of a message takes over the record of one that died, and a different message waits for it', async () => {
  await die('died', 'm', 1);
  const other = receipts.once('died', { message: 'other', delivery: 9 }, done(9));
  await expect(other).rejects.toMatchObject({ reason: 'in-progress' });
  expect(await receipts.once('died', { message: 'm', delivery: 2 }, done(2))).toMatchObject({
    duplicate: false,
  });
  const late = await receipts.once('died', { message: 'other', delivery: 9 }, done(9));
  expect(late).toEqual({ duplicate: true, receipt: { ...PASSED_OVER, bytes: 2 } });
});

test('an earlier delivery that still runs does not take the record back, and may end after the later one', async () => {
  let end = (_receipt: Receipt): void => undefined;
  const first = receipts.once(
    'both',
    { message: 'm', delivery: 1 },
    () => new Promise((resolve) => (end = resolve)),
  );
  await expect.poll(() => end.length).toBe(1);
  await die('both', 'm', 2);
  const again = receipts.once('both', { message: 'm', delivery: 1 }, done(1));
  await expect(again).rejects.toMatchObject({ reason: 'in-progress' });
  end({ ...PASSED_OVER, bytes: 1 });
  expect(await first).toMatchObject({ duplicate: false, receipt: { bytes: 1 } });
  const third = await receipts.once('both', { message: 'm', delivery: 3 }, done(3));
  expect(third).toMatchObject({ duplicate: true, receipt: { bytes: 1 } });
});

test('a message on which eight deliveries have died is quarantined, and starts afresh after its redrive', async () => {
  for (let delivery = 1; delivery <= 8; delivery++) await die('deadly', 'm', delivery);
  const ninth = receipts.once('deadly', { message: 'm', delivery: 9 }, done(9));
  await expect(ninth).rejects.toMatchObject({ reason: 'crashed-or-timed-out', disposition: 'quarantine' });
  const redriven = await receipts.once('deadly', { message: 'redriven', delivery: 1 }, done(1));
  expect(redriven).toMatchObject({ duplicate: false });
});

test('an orderly failure ends the count of deliveries that died', async () => {
  for (let delivery = 1; delivery <= 5; delivery++) await die('orderly', 'm', delivery);
  const failed = receipts.once('orderly', { message: 'm', delivery: 6 }, () =>
    Promise.reject(new Error('no')),
  );
  await expect(failed).rejects.toThrow('no');
  for (let delivery = 7; delivery <= 12; delivery++) await die('orderly', 'm', delivery);
  expect(await receipts.once('orderly', { message: 'm', delivery: 13 }, done(1))).toMatchObject({
    duplicate: false,
  });
});

test('the receipt of a version is found by its version id alone, and a replica without an id of its own has none', async () => {
  const { createVersionReceipts } = await import('../../src/lib/aws/dynamodb/version-receipts.ts');
  const versions = createVersionReceipts('receipts');
  const destination = testDestination();
  const receipt = { from: 'source', proof: 'computed' } as const;
  await versions.keep(destination, 'k', 'v1', receipt);
  await versions.keep(destination, 'k', 'null', receipt);
  expect(await versions.find(destination, 'k', 'v1')).toEqual(receipt);
  for (const id of ['v2', 'null', null]) expect(await versions.find(destination, 'k', id)).toBeNull();
  expect(await versions.find(destination, 'other', 'v1')).toBeNull();
});

test('without its table nothing has a receipt, and nothing else fails', async () => {
  const { createVersionReceipts } = await import('../../src/lib/aws/dynamodb/version-receipts.ts');
  const lost: unknown[] = [];
  const versions = createVersionReceipts('missing', { onLost: (error) => void lost.push(error) });
  await versions.keep(testDestination(), 'k', 'v1', { from: 'source', proof: 'computed' });
  expect(lost).toHaveLength(1);
  expect(await versions.find(testDestination(), 'k', 'v1')).toBeNull();
});
