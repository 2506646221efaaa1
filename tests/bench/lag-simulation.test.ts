import { expect, test } from 'vitest';
import { lagsOfDeployment } from '../../bench/lag-deployment.ts';
import { type LagSetting, percentile, simulateLags } from '../../bench/lag-simulation.ts';

const SETTING: LagSetting = {
  arrivalsMs: Float64Array.of(0),
  environments: 2,
  batchSize: 10,
  windowMs: 0,
  cpuMs: 1,
  calls: 5,
  callMs: 20,
  stallMs: 3_000,
  refused: 0,
};
const lagsOf = (change: Partial<LagSetting>) => simulateLags({ ...SETTING, ...change });

test('each event of a simulation is proven once, although calls are refused', () => {
  const arrivalsMs = Float64Array.from({ length: 2_000 }, (_, at) => at * 10);
  const { sortedMs } = lagsOf({ arrivalsMs, refused: 0.3, environments: 20 });
  expect(sortedMs).toHaveLength(2_000);
  // An object that was refused three times in a row is sent again after at least two and a half seconds.
  expect(percentile(sortedMs, 0.99)).toBeGreaterThan(2_500);
  expect(percentile(lagsOf({ arrivalsMs, environments: 20 }).sortedMs, 0.9)).toBeLessThan(1_000);
});

test('with a window, a simulated batch waits for others until it is full', () => {
  const alone = lagsOf({ windowMs: 1_000 });
  const none = lagsOf({});
  expect(alone.sortedMs[0]! - none.sortedMs[0]!).toBeCloseTo(1_000);
  const full = lagsOf({ windowMs: 1_000, arrivalsMs: new Float64Array(10) });
  expect(full.invocations).toBe(1);
  expect(full.endMs).toBeLessThan(1_000);
});

test('the objects of a simulated batch wait for their calls together, but share one core', () => {
  const arrivalsMs = new Float64Array(100);
  const batch = { arrivalsMs, batchSize: 100, environments: 1, windowMs: 1_000 };
  const [light, heavy] = [lagsOf(batch), lagsOf({ ...batch, cpuMs: 11 })];
  expect(heavy.busyMs - light.busyMs).toBeGreaterThan(500);
  expect(light.busyMs).toBeLessThan(100 * 5 * 20);
});

test("the function's own code in model time proves each event once, sends refused ones again, and makes a burst wait for its environments", async () => {
  const run = {
    perSecond: 40,
    times: 1,
    burstSeconds: 1,
    steadySeconds: 2,
    cpuMs: 2,
    callMs: 20,
    stallMs: 3_000,
  };
  const calm = await lagsOfDeployment({ ...run, refused: 0 });
  expect(calm.length).toBeGreaterThanOrEqual(120);
  expect(percentile(calm, 0.5)).toBeGreaterThanOrEqual(80);
  expect(percentile(calm, 0.5)).toBeLessThan(500);
  // An object that was refused three times in a row is sent again after at least two and a half seconds.
  const stormy = await lagsOfDeployment({ ...run, refused: 0.35 });
  expect(stormy).toHaveLength(calm.length);
  expect(percentile(stormy, 1)).toBeGreaterThan(2_500);
  const burst = await lagsOfDeployment({ ...run, refused: 0, times: 30 });
  expect(percentile(burst, 0.9)).toBeGreaterThan(3 * percentile(calm, 0.5));
});
