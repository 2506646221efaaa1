/**
 * How many parts an invocation begins, depending on the speed of the network.
 *
 * To check the tests, these rules were removed from the code one at a time, and the tests in parentheses
 * failed:
 * - the margin ("a network that becomes slower …")
 * - the rate of an invocation that completed no part ("… one at a time"), which is measured only at its end
 *   ("… failed early …")
 * - the first part, which always begins ("a part that hardly fits …")
 */
import { expect, test } from 'vitest';
import { createPartPace, type MeasuredPace } from '../../src/lib/copy/transfer/rate.ts';

const AT_ONCE = 4;
const STEP_MS = 100;

interface Invocation {
  /** Sizes of the remaining parts, in bytes. */
  parts: number[];
  totalMs: number;
  /** The rate that an earlier invocation measured, in bytes per second. */
  expected: number;
  /** The rate of all parts together, in bytes per second. */
  network: (elapsedMs: number) => number;
}

/**
 * Simulates one invocation. At most four parts share the network. Parts that are under way at the end are
 * lost.
 */
const invoke = ({ parts, totalMs, expected, network }: Invocation) => {
  const clock = { nowMs: 0, now: () => clock.nowMs, sleep: async () => undefined };
  const pace: MeasuredPace = createPartPace(clock, totalMs, expected);
  const left = [...parts];
  const underWay: { bytes: number; toGo: number }[] = [];
  let mayBegin = true;
  let ended = 0;
  for (; clock.nowMs < totalMs; clock.nowMs += STEP_MS) {
    while (mayBegin && underWay.length < AT_ONCE && left.length > 0) {
      const bytes = left[0] ?? 0;
      mayBegin = pace.begin(bytes);
      if (mayBegin) underWay.push({ bytes, toGo: bytes });
      if (mayBegin) left.shift();
    }
    if (underWay.length === 0) break;
    const each = (network(clock.nowMs) * STEP_MS) / 1_000 / underWay.length;
    for (const part of underWay.splice(0)) {
      part.toGo -= each;
      if (part.toGo > 0) underWay.push(part);
      else {
        ended += 1;
        pace.end(part.bytes);
      }
    }
  }
  return { ended, lost: underWay.length, measured: pace.measured() };
};

const MIB = 1024 ** 2;
const GIB = 1024 ** 3;
const parts = (count: number, bytes: number): number[] => Array.from({ length: count }, () => bytes);

test('an invocation begins as many parts as fit, and loses none', () => {
  const network = () => 40 * MIB;
  const { ended, lost, measured } = invoke({
    parts: parts(1_000, 40 * MIB),
    totalMs: 60_000,
    expected: 40 * MIB,
    network,
  });
  expect(lost).toBe(0);
  expect(ended).toBeGreaterThan(50);
  expect(measured).toBeGreaterThan(36 * MIB);
});

test('a network that becomes slower by a third makes an invocation lose no part', () => {
  const network = (elapsedMs: number) => (elapsedMs < 20_000 ? 60 * MIB : 40 * MIB);
  const run = { parts: parts(1_000, 40 * MIB), totalMs: 40_000, expected: 60 * MIB, network };
  expect(invoke(run)).toMatchObject({ lost: 0 });
});

test('on a network that is too slow for four parts together, later invocations move them one at a time', () => {
  const totalMs = 880_000;
  const network = () => 10 * MIB;
  let expected = 40 * MIB;
  let left = 8;
  let lost = 0;
  let invocations = 0;
  while (left > 0 && invocations < 20) {
    const done = invoke({ parts: parts(left, 5 * GIB), totalMs, expected, network });
    expected = done.measured ?? expected;
    left -= done.ended;
    lost += done.lost;
    invocations += 1;
  }
  expect({ left, lost }).toEqual({ left: 0, lost: AT_ONCE });
  expect(invocations).toBeLessThanOrEqual(1 + 8);
});

test('a part that hardly fits is begun', () => {
  const run = { parts: parts(4, 100 * MIB), totalMs: 10_000, expected: 11 * MIB, network: () => 11 * MIB };
  expect(invoke(run)).toMatchObject({ ended: 1, lost: 0 });
});

test('an invocation that was too short to measure, or failed early, reports no rate', () => {
  expect(
    invoke({ parts: parts(2, MIB), totalMs: 60_000, expected: 40 * MIB, network: () => 400 * MIB }).measured,
  ).toBeNull();
  const clock = { nowMs: 0, now: () => clock.nowMs, sleep: async () => undefined };
  const pace = createPartPace(clock, 60_000, 40 * MIB);
  pace.begin(MIB);
  clock.nowMs = 5_000;
  expect(pace.measured()).toBeNull();
});
