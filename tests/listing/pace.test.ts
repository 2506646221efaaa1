import { expect, test } from 'vitest';
import { createSimulatedClock } from '../../bench/listing-clock.ts';
import { ReplicationError } from '../../src/lib/model/errors.ts';
import { createPace } from '../../src/lib/listing/pace.ts';
import { patientListing } from '../../src/lib/listing/patient-listing.ts';

const throttled = (): ReplicationError => new ReplicationError('throttled', 'SlowDown');
const request = { prefix: '', after: { key: '', versionId: null }, maxKeys: 1_000 };

test('the number of concurrent requests rises to the limit, and falls only once for all requests that were sent before a SlowDown', async () => {
  const clock = createSimulatedClock();
  const pace = createPace({ clock, most: 64, initial: 4 });
  const round = (count: number, fails: boolean) =>
    clock.runUntil(
      Promise.allSettled(
        Array.from({ length: count }, () =>
          pace.run(async () => {
            await clock.sleep(50);
            if (fails) throw throttled();
          }),
        ),
      ),
    );
  await round(60, false);
  expect(pace.limit).toBe(64);
  await round(64, true);
  expect(pace.limit).toBe(51);
  await round(51, true);
  expect(pace.limit).toBe(40);
  await round(100, false);
  expect(pace.limit).toBe(43);
});

test('the number of concurrent requests never exceeds the number that the pace allows', async () => {
  const clock = createSimulatedClock();
  const pace = createPace({ clock, most: 8, initial: 8 });
  let underWay = 0;
  let most = 0;
  const one = () =>
    pace.run(async () => {
      underWay += 1;
      most = Math.max(most, underWay);
      await clock.sleep(10);
      underWay -= 1;
    });
  await clock.runUntil(Promise.all(Array.from({ length: 100 }, one)));
  expect(most).toBe(8);
});

test('a rate limit is kept, however many concurrent requests are allowed', async () => {
  const clock = createSimulatedClock();
  const pace = createPace({ clock, most: 100, initial: 100, requestsPerSecond: 50 });
  await clock.runUntil(Promise.all(Array.from({ length: 200 }, () => pace.run(() => clock.sleep(1)))));
  expect(clock.now()).toBeGreaterThanOrEqual(3_900);
  expect(clock.now()).toBeLessThan(4_100);
});

test('a listing retries after SlowDown, but fails at once if access is denied', async () => {
  const clock = createSimulatedClock();
  let calls = 0;
  const listing = (failure: ReplicationError, times: number, deadlineMs?: number) =>
    patientListing(
      async () => {
        calls += 1;
        if (calls <= times) throw failure;
        return { entries: [], next: null };
      },
      {
        clock,
        pace: createPace({ clock, most: 4 }),
        random: () => 0.5,
        ...(deadlineMs !== undefined && { deadlineMs }),
      },
    );
  await clock.runUntil(listing(throttled(), 30)(request));
  expect(calls).toBe(31);
  calls = 0;
  await expect(
    clock.runUntil(listing(new ReplicationError('access-denied', 'no'), 1)(request)),
  ).rejects.toThrow('no');
  expect(calls).toBe(1);
  calls = 0;
  const broken = new ReplicationError('connection-lost', 'gone');
  await expect(clock.runUntil(listing(broken, 100)(request))).rejects.toThrow('gone');
  expect(calls).toBe(8);
  calls = 0;
  const deadlineMs = clock.now() + 1_000;
  await expect(clock.runUntil(listing(throttled(), 100, deadlineMs)(request))).rejects.toThrow('SlowDown');
  expect(clock.now()).toBeLessThanOrEqual(deadlineMs);
});
