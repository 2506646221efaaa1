/** A destination that is away for long, in model time: its messages wait outside the flight, and drain by themselves. */
import { expect, test } from 'vitest';
import { outageWorld } from '../model/outage-world.ts';

const OBJECTS = 3_000;
const HOUR_MS = 3_600_000;
/** The slots of the live queue, ten messages each, and the batches that the schedule moves at once. */
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
  // The functions know that the destination is back when the messages arrive.
  expect(drained.calls.get('sqs:SendMessage')).toBe(0);
  expect([drained.replicated, missing('other'), dead]).toEqual([OBJECTS, 0, []]);
  expect(drained.inFlight).toBeLessThanOrEqual(MOST_IN_FLIGHT);
  // The schedule runs once a minute, and lets 500 messages back in a second.
  expect(drained.lastSeconds).toBeLessThanOrEqual(60 + 4 + OBJECTS / 500);
  expect(lags('other').at(-1)).toBeLessThan(1_000);
});
