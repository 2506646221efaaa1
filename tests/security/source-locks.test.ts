/** Locks that are too long, too short or lifted at the source, where an uploader chooses them. */
import { describe, expect, test } from 'vitest';
import { ReplicationError } from '../../src/lib/model/errors.ts';
import type { ObjectLock, Retention } from '../../src/lib/model/ports.ts';
import { besideDefault } from '../../src/lib/replica/object-lock.ts';
import { oneKey } from '../model/one-key.ts';
import { testDestination } from '../model/settings.ts';
import { aWorld, DAY_MS } from '../runs/attributes-world.ts';

describe('an uploader who locks an object until 2120', () => {
  const until = (untilMs: number): ObjectLock => ({
    retention: { mode: 'COMPLIANCE', untilMs },
    legalHold: false,
  });
  const UNTIL_2120 = until(Date.parse('2120-01-01T00:00:00Z'));

  test('locks the replica for the longest time that the rule allows, which verify shows and repair does not pursue', async () => {
    const world = aWorld({ destination: { maxRetentionDays: 100 } });
    world.source.put('k', Buffer.from('one'));
    world.source.setLock('k', 0, UNTIL_2120);
    const wroteMs = world.clock.nowMs;
    await world.replicate();
    const lockMs = () => world.replica.current('k')?.state.lock.retention?.untilMs ?? 0;
    expect((lockMs() - wroteMs) / DAY_MS).toBeCloseTo(100, 1);
    for (let day = 0; day < 90; day += 30) {
      const { counted, listed } = await world.report();
      expect([counted.same, counted.locksCapped, listed]).toEqual([1, 1, ['lock-capped']]);
      expect(await world.repair()).toEqual([]);
      world.clock.nowMs += 30 * DAY_MS;
    }
    // The lock of the replica has ended, but the source version is still locked. This is a difference.
    world.clock.nowMs += 10 * DAY_MS;
    expect(await world.verify()).toBe('attributes');
    expect(await world.repair()).toHaveLength(1);
    expect((lockMs() - world.clock.nowMs) / DAY_MS).toBeCloseTo(100, 1);
    expect((await world.report()).listed).toEqual(['lock-capped']);
  });

  test('is refused if the rule says so, and hides no newer version', async () => {
    const destination = testDestination({ overMaxRetention: 'refuse' });
    for (const versions of ['latest', 'all'] as const) {
      const world = aWorld({ versions, destination });
      world.source.put('k', Buffer.from('one'));
      world.source.setLock('k', 0, UNTIL_2120);
      await expect(world.replicate()).rejects.toMatchObject({ reason: 'lock-too-long' });
      expect(world.content()).toBeUndefined();
      world.source.put('k', Buffer.from('two'));
      await world.replicate();
      expect(world.content()).toBe('two');
    }
  });

  test('does not lengthen the lock again and again', async () => {
    const world = aWorld({ destination: { maxRetentionDays: 100 } });
    world.source.put('k', Buffer.from('one'));
    await world.replicate();
    for (const year of [2120, 2121, 2122]) {
      world.source.setLock('k', 0, until(Date.parse(`${year}-01-01T00:00:00Z`)));
      await world.repair();
      world.clock.nowMs += 10 * DAY_MS;
    }
    const untilMs = world.replica.current('k')?.state.lock.retention?.untilMs ?? 0;
    expect((untilMs - world.clock.nowMs) / DAY_MS).toBeCloseTo(70, 1);
  });
});

test('a lock that the stack of the destination refuses, but the rule does not, is reported with the parameter to change', async () => {
  const world = oneKey();
  world.source.put('k', Buffer.from('one'));
  const untilMs = world.clock.nowMs + 10 * DAY_MS;
  world.source.setLock('k', 0, { retention: { mode: 'COMPLIANCE', untilMs } });
  const refuse = () =>
    Promise.reject(new ReplicationError('access-denied', 'PutObject: AccessDenied', { requestId: 'r' }));
  const written = world.look(undefined, {}, { destination: { put: refuse } });
  await expect(written).rejects.toMatchObject({
    reason: 'access-denied',
    message: expect.stringMatching(/COMPLIANCE mode until .* `MaxRetentionDays` .* `maxRetentionDays`/),
    requestId: 'r',
  });
});

test('who lifts a legal hold at the source does not lift it from the replica, which verify shows and repair does not pursue', async () => {
  const world = aWorld({});
  world.source.put('k', Buffer.from('one'));
  world.source.setLock('k', 0, { legalHold: true });
  await world.replicate();
  world.source.setLock('k', 0, { legalHold: false });
  const { counted, listed } = await world.report();
  expect([counted.same, counted.holdsKept, listed]).toEqual([1, 1, ['hold-kept']]);
  expect(await world.repair()).toEqual([]);
  await world.replicate();
  expect(world.replica.current('k')?.state.lock.legalHold).toBe(true);
});

test.each<[string, Retention | null, Retention | null]>([
  // Times are in days from now. The default retention is compliance mode for 30 days.
  ['none', null, null],
  ['a shorter one', { mode: 'COMPLIANCE', untilMs: 1 }, null],
  ['a shorter and weaker one', { mode: 'GOVERNANCE', untilMs: 1 }, null],
  ['a longer one', { mode: 'COMPLIANCE', untilMs: 40 }, { mode: 'COMPLIANCE', untilMs: 40 }],
  ['a longer, weaker one', { mode: 'GOVERNANCE', untilMs: 40 }, { mode: 'COMPLIANCE', untilMs: 40 }],
])('in a vault no source lock weakens the lock of the replica: %s', (_, source, asked) => {
  const inMs = (retention: Retention | null) =>
    retention && { ...retention, untilMs: retention.untilMs * DAY_MS };
  const lock = { retention: inMs(source), legalHold: true };
  const byDefault = { mode: 'COMPLIANCE', days: 30 } as const;
  expect(besideDefault(lock, byDefault, 0)).toEqual({ retention: inMs(asked), legalHold: true });
});
