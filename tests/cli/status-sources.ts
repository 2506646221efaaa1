/** A deployment in memory whose state is read. Each part may be replaced. */
import { loadConfiguration } from '../../src/lib/configuration/configuration.ts';
import { ruleDestinations } from '../../src/lib/model/rule.ts';
import { noArrivals, pairName } from '../../src/lib/state/arrivals.ts';
import type { StateSources } from '../../src/lib/state/ports.ts';
import { statusWith } from '../../src/cli/status/status.ts';
import type { CliIo } from '../../src/cli/terminal/io.ts';
import { ROOT, run } from './run.ts';

export const PAIRS = ruleDestinations(loadConfiguration(`${ROOT}replication.yml`).replication);
export const EMPTY = { visible: 0, inFlight: 0, delayed: 0 };

export const healthy = (more: Partial<StateSources> = {}): StateSources => ({
  queues: async () => ({ live: EMPTY, backfill: EMPTY, ranges: EMPTY, transfers: EMPTY }),
  deadLetters: async () => ({ live: EMPTY, ranges: EMPTY, transfers: EMPTY }),
  waiting: async () => 0,
  circuits: async () => ({ open: new Map(), suspects: new Map(), hanging: new Map(), services: new Map() }),
  arrivals: async () => ({ live: noArrivals(), backfill: noArrivals() }),
  brakes: async () => new Map(),
  runs: async () => [],
  verifies: async () => new Map(),
  progress: async () => null,
  transfers: async () => [],
  measures: async () => ({
    rules: new Map(
      PAIRS.map(({ rule, destination }) => [
        pairName(rule.id, destination.id),
        {
          lag: { p50Seconds: 1.8, p99Seconds: 6.1 },
          operationsPerSecond: 41,
          bytesPerSecond: 4_100,
          failedLastHour: 0,
          lastHour: {
            from: '2026-11-30T13:05:00.000Z',
            lag: [null, { p50Seconds: 1.8, p99Seconds: 6.1 }],
            operations: [0, 2_460],
            bytes: [0, 246_000],
            failed: [0, 0],
          },
        },
      ]),
    ),
    oldestSeconds: new Map(),
  }),
  alarms: async () => [],
  failures: async () => new Map(),
  ...more,
});

export const NOW_MS = Date.UTC(2026, 10, 30, 14, 2, 11);

export const status = (sources: StateSources, argv: readonly string[] = [], io: Partial<CliIo> = {}) =>
  run(
    ['status', '--config', `${ROOT}replication.yml`, ...argv],
    { now: () => NOW_MS, ...io },
    { status: statusWith({ open: () => sources }) },
  );
