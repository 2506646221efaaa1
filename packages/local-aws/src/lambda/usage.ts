import type { EnvironmentOutcome } from './execution-environment.ts';
import type { ResourceUsage } from './runtime-api.ts';

/** The resource usage of one invocation, measured inside the function's process. */
export interface InvocationUsage {
  requestId: string;
  environmentId: string;
  outcome: 'response' | 'error';
  cause: EnvironmentOutcome['cause'];
  durationMs: number;
  /** From the start of the process to its first request for work; null when the environment was warm. */
  initDurationMs: number | null;
  /**
   * User and system time; the first invocation includes loading the code. Null when the process died before it reported them.
   */
  cpuMs: number | null;
  /** Highest resident set size of the process so far; null when the process died before it reported one. */
  peakRssBytes: number | null;
}

/** Totals of a function since it was created or {@link UsageBook.reset}. */
export interface FunctionUsage {
  invocations: number;
  errors: number;
  timeouts: number;
  throttles: number;
  coldStarts: number;
  cpuMs: number;
  /** Counted over all environments of the function. */
  peakRssBytes: number;
  /** Maximum number of invocations that ran at the same time. */
  peakConcurrency: number;
  /** The latest invocations, oldest first. */
  latest: InvocationUsage[];
}

export interface UsageBook {
  record(
    invocation: Omit<InvocationUsage, 'cpuMs' | 'peakRssBytes'>,
    usage: ResourceUsage | null,
  ): InvocationUsage;
  throttled(): void;
  running(concurrency: number): void;
  read(): FunctionUsage;
  reset(): void;
}

const LATEST_KEPT = 10_000;

/** Adds up the resource usage of a function's invocations. */
export const createUsageBook = (): UsageBook => {
  let totals = noUsage();
  /** A process reports totals since its start. */
  const cpuMsBefore = new Map<string, number>();
  const cpuOf = (environmentId: string, usage: ResourceUsage): number => {
    const total = (usage.userCPUTime + usage.systemCPUTime) / 1000;
    const cpuMs = total - (cpuMsBefore.get(environmentId) ?? 0);
    cpuMsBefore.set(environmentId, total);
    return cpuMs;
  };
  return {
    record: (invocation, usage) => {
      const cpuMs = usage && cpuOf(invocation.environmentId, usage);
      const entry = { ...invocation, cpuMs, peakRssBytes: usage && usage.maxRSS * 1024 };
      addTo(totals, entry);
      return entry;
    },
    throttled: () => {
      totals.throttles += 1;
    },
    running: (concurrency) => {
      totals.peakConcurrency = Math.max(totals.peakConcurrency, concurrency);
    },
    read: () => ({ ...totals, latest: [...totals.latest] }),
    reset: () => {
      totals = noUsage();
    },
  };
};

const noUsage = (): FunctionUsage => ({
  invocations: 0,
  errors: 0,
  timeouts: 0,
  throttles: 0,
  coldStarts: 0,
  cpuMs: 0,
  peakRssBytes: 0,
  peakConcurrency: 0,
  latest: [],
});

const addTo = (totals: FunctionUsage, entry: InvocationUsage): void => {
  totals.invocations += 1;
  totals.errors += entry.outcome === 'error' ? 1 : 0;
  totals.timeouts += entry.cause === 'timed-out' ? 1 : 0;
  totals.coldStarts += entry.initDurationMs === null ? 0 : 1;
  totals.cpuMs += entry.cpuMs ?? 0;
  totals.peakRssBytes = Math.max(totals.peakRssBytes, entry.peakRssBytes ?? 0);
  totals.latest.push(entry);
  if (totals.latest.length > LATEST_KEPT) totals.latest.shift();
};
