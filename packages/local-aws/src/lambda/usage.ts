import type { EnvironmentOutcome } from './execution-environment.ts';
import type { ResourceUsage } from './runtime-api.ts';

/** The resource usage of one invocation, measured inside the function's process. */
export interface InvocationUsage {
  requestId: string;
  environmentId: string;
  outcome: 'response' | 'error';
  cause: EnvironmentOutcome['cause'];
  durationMs: number;
  /** The time from the start of the process to its first request for an invocation; null if the environment was warm. */
  initDurationMs: number | null;
  /**
   * The user and system CPU time; null if the process ended before it reported its usage. The first invocation of a process includes the
   * time for loading the code.
   */
  cpuMs: number | null;
  /** The highest resident set size of the process since it started; null if the process ended before it reported its usage. */
  peakRssBytes: number | null;
}

/** The totals of a function since it was created or {@link UsageBook.reset} was called. */
export interface FunctionUsage {
  invocations: number;
  errors: number;
  timeouts: number;
  throttles: number;
  /** The metric `RecursiveInvocationsDropped`: invocations that Lambda stopped because of a recursive loop. */
  recursiveInvocationsDropped: number;
  coldStarts: number;
  cpuMs: number;
  /** The highest resident set size of any environment of the function. */
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
  recursionDropped(): void;
  running(concurrency: number): void;
  read(): FunctionUsage;
  reset(): void;
}

const LATEST_KEPT = 10_000;

/** Returns counters that add up the resource usage of a function's invocations. */
export const createUsageBook = (): UsageBook => {
  let totals = noUsage();
  /**
   * The CPU time of each environment before its current invocation. It is subtracted from the reported time, which counts from the start of
   * the process.
   */
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
    recursionDropped: () => {
      totals.recursiveInvocationsDropped += 1;
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
  recursiveInvocationsDropped: 0,
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
