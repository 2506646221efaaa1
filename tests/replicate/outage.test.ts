/** A destination that is away for long, in model time. Its messages are not in flight while they wait, and they drain by themselves. */
import { expect, test } from 'vitest';
import { outageWorld } from '../model/outage-world.ts';

const OBJECTS = 3_000;
const HOUR_MS = 3_600_000;
/**
 * The highest number of messages in flight: ten for each slot of the live queue, and those in the batches that the schedule moves at the
 * same time.
 */
const MOST_IN_FLIGHT = 50 * 10 + 8 * 10;

test('the messages of a destination that is away wait outside the flight, drain by themselves when it is back, and delay no others', async () => {
  const { begin, wait, drain, queues, missing, dead, lags } = outageWorld();
  const waiting = queues.waitingFor.get('away')!;
  const arriving = await begin(OBJECTS);
  expect(waiting).toHaveLength(OBJECTS);
  expect(arriving.inFlight).toBeLessThanOrEqual(MOST_IN_FLIGHT);

  for (const how of ['denied', 'hanging'] as const) {
    const tries = waiting.reduce((sum, { retry }) => sum + retry.tries, 0);
    const hour = await wait(HOUR_MS, how);
    expect(waiting).toHaveLength(OBJECTS);
    // Only the message that asks whether the destination is back is in flight.
    expect(hour.inFlight).toBeLessThanOrEqual(1);
    expect(waiting.reduce((sum, { retry }) => sum + retry.tries, 0)).toBe(tries);
    expect(hour.calls.get('sqs:ReceiveMessage')).toBeLessThanOrEqual(2 * 60);
  }

  const drained = await drain();
  // When the messages arrive, the functions already know that the destination is back, so they send none of them to the waiting queue
  // again.
  expect(drained.calls.get('sqs:SendMessage')).toBe(0);
  expect([drained.replicated, missing('other'), dead]).toEqual([OBJECTS, 0, []]);
  expect(drained.inFlight).toBeLessThanOrEqual(MOST_IN_FLIGHT);
  // The schedule runs once a minute, and lets 500 messages back in a second.
  expect(drained.lastSeconds).toBeLessThanOrEqual(60 + 4 + OBJECTS / 500);
  expect(lags('other').at(-1)).toBeLessThan(1_000);
});
