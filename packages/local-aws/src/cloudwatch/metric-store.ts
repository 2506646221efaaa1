import { addValue, emptySample, mergeSamples, type Sample } from './statistics.ts';

export type Dimensions = Readonly<Record<string, string>>;

/** The identity of a metric. Metrics with the same name but different dimensions are different metrics. */
export interface MetricName {
  accountId: string;
  region: string;
  namespace: string;
  name: string;
  dimensions: Dimensions;
}

/** The metrics of all accounts and regions. Their values are kept per minute. */
export interface MetricStore {
  add(metric: MetricName, atMs: number, value: number): void;
  /**
   * Returns the values that were added from `fromMs` until just before `untilMs`; null if there are none.
   * Both times must be whole minutes.
   */
  sample(metric: MetricName, fromMs: number, untilMs: number): Sample | null;
  clear(): void;
}

export const MINUTE_MS = 60_000;
/** How many minutes of a metric are kept. */
const MINUTES_KEPT = 24 * 60;
/** Maximum number of metrics. When it is exceeded, the oldest metric is dropped. */
const METRICS_KEPT = 20_000;

export const createMetricStore = (): MetricStore => {
  const metrics = new Map<string, Map<number, Sample>>();
  const minutesOf = (metric: MetricName): Map<number, Sample> => {
    const key = keyOf(metric);
    const known = metrics.get(key) ?? new Map<number, Sample>();
    metrics.set(key, known);
    if (metrics.size > METRICS_KEPT) metrics.delete(metrics.keys().next().value ?? '');
    return known;
  };
  return {
    add(metric, atMs, value) {
      const minutes = minutesOf(metric);
      const minute = Math.floor(atMs / MINUTE_MS);
      const sample = minutes.get(minute) ?? emptySample();
      minutes.set(minute, sample);
      addValue(sample, value);
      if (minutes.size > MINUTES_KEPT) minutes.delete(Math.min(...minutes.keys()));
    },
    sample(metric, fromMs, untilMs) {
      const minutes = metrics.get(keyOf(metric));
      if (minutes === undefined) return null;
      const found: Sample[] = [];
      for (const [minute, sample] of minutes)
        if (minute * MINUTE_MS >= fromMs && minute * MINUTE_MS < untilMs) found.push(sample);
      return found.length === 0 ? null : mergeSamples(found);
    },
    clear: () => metrics.clear(),
  };
};

const keyOf = ({ accountId, region, namespace, name, dimensions }: MetricName): string =>
  JSON.stringify([
    accountId,
    region,
    namespace,
    name,
    Object.entries(dimensions).toSorted(([one], [other]) => (one < other ? -1 : 1)),
  ]);
