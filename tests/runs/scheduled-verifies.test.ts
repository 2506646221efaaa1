/** Verifies that begin without a person. */
import { expect, test } from 'vitest';
import { localTime, minutesOf, zonedMs } from '../../src/lib/model/local-time.ts';
import type { VerifySchedule } from '../../src/lib/model/rule.ts';
import { firstDueMs, nextDueMs } from '../../src/lib/runs/verify-times.ts';
import { fortyKeys, NOW } from './histories.ts';
import { createWorld, type WorldOptions } from './run-world.ts';
import { numbers } from './random-numbers.ts';
import { aVerifySchedule } from './runs.ts';

const DAY_MS = 24 * 3_600_000;
/** Three in the morning after {@link NOW}, which is noon UTC. */
const FIRST = Date.parse('2026-11-23T03:00:00Z');

const worldWith = (fields: Partial<VerifySchedule> = {}, options: Partial<WorldOptions> = {}) =>
  createWorld({ ...fortyKeys(), random: numbers(1), rule: { verify: aVerifySchedule(fields) }, ...options });

type TestWorld = ReturnType<typeof worldWith>;
const NAME = 'rule/replica';

/** Lets the schedule run when it sees the rule for the first time, and then only at the time of day at which a verify is due. */
const untilDue = async (world: TestWorld, dueMs = FIRST): Promise<void> => {
  await world.nextMinute();
  world.sleepUntil(dueMs);
  await world.nextMinute();
};

const endRun = async (world: TestWorld): Promise<void> => {
  const id = [...world.store.runs.keys()].at(-1) ?? '';
  await world.untilStill(id);
};

test('a verify begins at its time of day, finds lost events, and the metric stays on until both sides agree', async () => {
  const world = worldWith({ everyDays: 1 });
  await world.nextMinute();
  world.sleepUntil(FIRST - 60_000);
  await world.nextMinute();
  expect(world.store.runs.size).toBe(0);
  await untilDue(world);
  const [run] = world.store.runs.values();
  expect(run).toMatchObject({
    spec: { kind: 'verify', repair: false, acceptLeftOut: true },
    phase: 'checking',
  });
  expect(run?.estimate?.keys).toBe(Object.keys(world.source).length);
  expect(world.verifies.values.at(-1)).toBe(0);
  await endRun(world);
  await world.nextMinute();
  expect(world.verifies.values.at(-1)).toBe(1);
  expect(world.verifies.records.get(NAME)?.verdict).toMatchObject({ agrees: false, run: run?.id });

  // The alarm ends after any run over the whole rule that repairs the difference.
  await world.untilStill((await world.start()).id);
  await world.nextMinute();
  expect(world.verifies.values.at(-1)).toBe(0);

  world.sleepUntil(FIRST + DAY_MS);
  await world.nextMinute();
  expect([...world.store.runs.values()].filter(({ spec }) => spec.scheduled !== undefined)).toHaveLength(2);
});

test('a scheduled start while another run works on the same keys is skipped, and says which run', async () => {
  const world = worldWith();
  await world.nextMinute();
  const { id } = await world.start({ prefix: 'k1' });
  world.sleepUntil(FIRST);
  await world.nextMinute();
  expect(world.store.runs.size).toBe(1);
  const record = world.verifies.records.get(NAME);
  expect(record).toMatchObject({ last: { kind: 'skipped', run: id }, dueMs: FIRST + 7 * DAY_MS });
  expect(record?.last?.detail).toContain(`run ${id} over the same keys`);
  expect(world.verifies.values.at(-1)).toBe(0);
});

test('two looks at the same time begin one verify', async () => {
  const world = worldWith();
  await world.nextMinute();
  world.sleepUntil(FIRST);
  const { tendRuns } = await import('../../src/lib/runs/tend-runs.ts');
  const reports = await Promise.all([tendRuns(world.deps()), tendRuns(world.deps())]);
  expect(reports.flatMap(({ verifies }) => verifies).map(({ kind }) => kind)).toEqual(['started']);
  expect(world.store.runs.size).toBe(1);
});

test('an invocation that dies after the start of a verify does not make the schedule skip it', async () => {
  const world = worldWith();
  await world.nextMinute();
  world.sleepUntil(FIRST);
  const { beginVerifies } = await import('../../src/lib/runs/scheduled-verifies.ts');
  const deps = world.deps();
  const died = new Error('died');
  let puts = 0;
  const verifies: typeof deps.verifies = {
    all: deps.verifies.all,
    put: async (...given) => {
      puts += 1;
      if (puts === 2) throw died;
      return await deps.verifies.put(...given);
    },
  };
  await expect(beginVerifies({ ...deps, verifies })).rejects.toBe(died);
  expect(world.store.runs.size).toBe(1);
  world.sleepUntil(FIRST + 16 * 60_000);
  const run = [...world.store.runs.keys()][0];
  expect(await beginVerifies(world.deps())).toMatchObject([{ kind: 'started', run }]);
  expect(world.store.runs.size).toBe(1);
});

test.each([
  [{ maxRequests: 1 }, 'where maxRequests is 1'],
  [{ maxDollars: 0.000001 }, 'where maxDollars is'],
])(
  'a verify whose estimate is above %j is refused with the reason, and raises the alarm',
  async (budget, words) => {
    const world = worldWith(budget);
    await untilDue(world);
    expect(world.store.runs.size).toBe(0);
    const record = world.verifies.records.get(NAME);
    expect(record?.last).toMatchObject({ kind: 'refused', run: null });
    expect(record?.last?.detail).toContain(words);
    await world.nextMinute();
    expect(world.verifies.values.at(-1)).toBe(1);
  },
);

test('a verify that uses more than its estimate is stopped at its budget, and makes room for others', async () => {
  // The keys of the destination are not in the estimate.
  const extra = Object.fromEntries(Array.from({ length: 400 }, (_, n) => [`k${n}x`, ['v']]));
  const { source } = fortyKeys();
  const world = worldWith(
    { maxRequests: 25 },
    { source, replica: extra, pageSize: 3, listingConcurrency: 2 },
  );
  await untilDue(world);
  const [run] = world.store.runs.values();
  expect(run?.phase, JSON.stringify(world.verifies.records.get(NAME)?.last)).toBe('checking');
  world.requests.pages = 0;
  world.requests.onPage = async () => {
    if (world.requests.pages % 20 === 0) await world.nextMinute();
  };
  await world.untilStill(run?.id ?? '');
  const stopped = world.store.runs.get(run?.id ?? '');
  expect(stopped).toMatchObject({ phase: 'cancelled', failure: { reason: 'over-budget' } });
  await world.nextMinute();
  expect(world.verifies.values.at(-1)).toBe(1);
  expect(world.verifies.records.get(NAME)?.verdict?.detail).toContain('where maxRequests is 25');
  await expect(world.start()).resolves.toMatchObject({ phase: 'comparing' });
});

test('without a schedule nothing is read or counted', async () => {
  const world = worldWith({}, { rule: {} });
  await untilDue(world);
  expect(world.verifies.records.size + world.verifies.values.length).toBe(0);
});

test('times of day follow the clocks of the time zone', () => {
  const berlin = aVerifySchedule({ everyDays: 1, timeZone: 'Europe/Berlin' });
  expect(new Date(firstDueMs(berlin, NOW)).toISOString()).toBe('2026-11-23T02:00:00.000Z');
  // On March 28, 2027 the clocks of Berlin skip the hour from two to three.
  const before = Date.parse('2027-03-27T02:00:00Z');
  expect(new Date(nextDueMs(berlin, before, before)).toISOString()).toBe('2027-03-28T01:00:00.000Z');
  // Verifies that were missed while nothing ran are left out.
  expect(nextDueMs(aVerifySchedule(), FIRST, FIRST + 30 * DAY_MS)).toBe(FIRST + 35 * DAY_MS);
  for (const zone of ['Asia/Kathmandu', 'America/St_Johns', 'Pacific/Kiritimati', 'UTC']) {
    const ms = zonedMs({ year: 2027, month: 2, day: 29 }, 90, zone);
    expect(localTime(ms, zone)).toEqual({ year: 2027, month: 3, day: 1, minutes: 90 });
  }
  expect([minutesOf('03:00'), minutesOf('24:00'), minutesOf('24:01'), minutesOf('3:00')]).toEqual([
    180,
    1_440,
    null,
    null,
  ]);
});
