/** When the circuit of a destination opens and closes, and what becomes of messages meanwhile. */
import { expect, test } from 'vitest';
import {
  circuitsFor,
  FRESH_MS,
  HANGING_SHARE,
  KEYS_TO_OPEN,
  knowCircuits,
  SUSPICION_MS,
} from '../../src/lib/delivery/circuits.ts';
import { ReplicationError } from '../../src/lib/model/errors.ts';
import type { Reason } from '../../src/lib/model/reasons.ts';
import { circuitName } from '../../src/lib/model/rule.ts';
import { answersOf } from '../../src/lib/model/service-answers.ts';
import { createMemoryCircuitStore } from '../model/memory-circuits.ts';
import { testDestination, testRule } from '../model/settings.ts';

const SLOTS = 40;
const where = { rule: testRule(), destination: testDestination() };
const failureAt = (side: 'source' | 'destination', reason: Reason): ReplicationError =>
  Object.assign(new ReplicationError(reason, 'as told'), { side });

const circuitWorld = ({ deniesAll = true } = {}) => {
  const clock = { ms: 0, now: () => clock.ms };
  const store = createMemoryCircuitStore();
  const asked: string[] = [];
  const environment = (id: string) =>
    circuitsFor(
      knowCircuits({
        store,
        clock,
        slots: { live: SLOTS, backfill: SLOTS, transfer: SLOTS },
        environment: id,
        after: () => () => undefined,
      }),
      'live',
      {
        flush: async () => undefined,
        async deniesAll() {
          asked.push(id);
          return deniesAll;
        },
      },
    );
  const one = environment('one');
  /** Lets this many different keys fail, one every half second. */
  const fail = async (
    keys: number,
    reason: Reason = 'throttled',
    side: 'source' | 'destination' = 'destination',
  ) => {
    let last = failureAt(side, reason);
    for (let key = 0; key < keys; key++) {
      clock.ms += 500;
      last = await one.failed({ ...where, key: `k${key}` }, failureAt(side, reason));
    }
    return last;
  };
  const isOpen = async () => (await store.load()).open.size > 0;
  return { clock, store, asked, environment, one, fail, isOpen };
};

/** How many failures in a row, one every half second, take long enough for a circuit to open. */
const ENOUGH = SUSPICION_MS / 500 + 1;

test.each<Reason>(['throttled', 'service-error', 'no-answer', 'assume-role-denied', 'no-such-bucket'])(
  'failures of several keys in a row with %s open the circuit, and every environment avoids the destination',
  async (reason) => {
    const { environment, fail, isOpen } = circuitWorld();
    expect((await fail(ENOUGH, reason)).isAvoided).toBe(true);
    expect(await isOpen()).toBe(true);
    await expect(environment('cold').admit(where)).rejects.toMatchObject({
      isAvoided: true,
      reason,
    });
    const other = testDestination({ bucket: 'other' });
    await expect(environment('cold').admit({ ...where, destination: other })).resolves.toBeUndefined();
  },
);

test('one key that fails again and again opens no circuit', async () => {
  const { clock, one, isOpen } = circuitWorld();
  for (let tries = 0; tries < 50; tries++) {
    clock.ms += 1_000;
    const error = await one.failed({ ...where, key: 'k' }, failureAt('destination', 'throttled'));
    expect(error.isAvoided).toBe(false);
  }
  expect(await isOpen()).toBe(false);
});

test.each<[Reason, 'source' | 'destination']>([
  ['kms', 'destination'],
  ['lost-race', 'destination'],
  ['object-lock', 'destination'],
  ['throttled', 'source'],
  ['access-denied', 'source'],
])('failures with %s at the %s open no circuit and write nothing', async (reason, side) => {
  const { store, fail } = circuitWorld();
  expect((await fail(50, reason, side)).isAvoided).toBe(false);
  expect(store.writes).toEqual([]);
});

test('a prefix that is denied opens no circuit, and the destination is not asked every time', async () => {
  const { asked, fail, isOpen } = circuitWorld({ deniesAll: false });
  expect((await fail(50, 'access-denied')).isAvoided).toBe(false);
  expect(await isOpen()).toBe(false);
  expect(asked).toHaveLength(1);
});

test('a bucket that denies everything opens the circuit', async () => {
  const { fail, isOpen } = circuitWorld();
  await fail(ENOUGH, 'access-denied');
  expect(await isOpen()).toBe(true);
});

test('a success of any environment in between keeps the circuit closed', async () => {
  const { clock, environment, one, isOpen } = circuitWorld();
  const other = environment('other');
  for (let key = 0; key < 50; key++) {
    clock.ms += 500;
    await one.failed({ ...where, key: `k${key}` }, failureAt('destination', 'throttled'));
    await other.admit(where);
    if (key % (FRESH_MS / 500) === 0) await other.succeeded(where.destination);
  }
  expect(await isOpen()).toBe(false);
});

test('one success closes the circuit, and further successes write nothing', async () => {
  const { clock, store, environment, one, fail } = circuitWorld();
  await fail(ENOUGH);
  await one.succeeded(where.destination);
  const { length } = store.writes;
  await one.succeeded(where.destination);
  clock.ms += FRESH_MS;
  await expect(environment('cold').admit(where)).resolves.toBeUndefined();
  expect(store.writes).toHaveLength(length);
});

test('invocations that wait for answers take only a share of the slots, over all destinations', async () => {
  const { store, environment } = circuitWorld();
  const others = testDestination({ bucket: 'other' });
  const hang = (id: number, destination = where.destination) =>
    store.hang(`e${id}`, { destination: circuitName(destination), pool: 'live', untilMs: 12_000 });
  const limit = SLOTS * HANGING_SHARE;
  for (let id = 1; id < limit; id++) await hang(id, others);
  await expect(environment('e0').admit(where)).resolves.toBeUndefined();
  await hang(limit);
  await expect(environment('cold').admit(where)).rejects.toMatchObject({ reason: 'no-answer' });
  await expect(
    environment('cold').admit({ ...where, destination: testDestination({ bucket: 'third' }) }),
  ).resolves.toBeUndefined();
});

test('a record that cannot be read or written stops nothing', async () => {
  const down = async () => Promise.reject(new ReplicationError('service-error', 'no table'));
  const circuits = circuitsFor(
    knowCircuits({
      store: {
        load: down,
        suspect: down,
        open: down,
        close: down,
        hang: down,
        answered: down,
        keepAnswers: down,
      },
      clock: { now: () => 0 },
      slots: { live: 1, backfill: 1, transfer: 1 },
      environment: 'e',
      after: () => () => undefined,
    }),
    'live',
    { flush: async () => undefined, deniesAll: async () => true },
  );
  await circuits.admit(where);
  await circuits.succeeded(where.destination);
  for (let key = 0; key < KEYS_TO_OPEN * 2; key++) {
    const error = failureAt('destination', 'throttled');
    expect(await circuits.failed({ ...where, key: `k${key}` }, error)).toBe(error);
  }
});

test('nothing is replicated to a service that nobody has asked, or that does not do what the rule needs', async () => {
  const store = createMemoryCircuitStore();
  let nowMs = 0;
  const circuits = circuitsFor(
    knowCircuits({
      store,
      clock: { now: () => (nowMs += FRESH_MS) },
      slots: { live: 1, backfill: 1, transfer: 1 },
      environment: 'e',
      after: () => () => undefined,
    }),
    'live',
    { flush: async () => undefined, deniesAll: async () => true },
  );
  const destination = {
    ...testDestination(),
    roleArn: null,
    externalId: null,
    account: null,
    service: { endpoint: 'https://minio.example.com', addressing: 'path', secretArn: 'arn' },
    conditionalWrites: 'required',
  } as const;
  const service = { ...where, destination };
  await expect(circuits.admit(service)).rejects.toMatchObject({
    reason: 'unasked-service',
    disposition: 'retry',
  });
  const kept = { isVersioned: false, askedMs: 1, left: [] };
  await store.keepAnswers(circuitName(destination), { ...kept, answers: answersOf(() => 'yes') });
  await circuits.admit(service);
  const ignores = answersOf((question) => (question === 'refusesStale' ? 'no' : 'yes'));
  await store.keepAnswers(circuitName(destination), { ...kept, answers: ignores });
  await expect(circuits.admit(service)).rejects.toMatchObject({
    reason: 'unfit-service',
    disposition: 'quarantine',
  });
  await circuits.admit({ ...where, destination: { ...destination, conditionalWrites: 'none' } });
});
