import { addValue, emptySample, mergeSamples, type Sample } from './statistics.ts';

export type Dimensions = Readonly<Record<string, string>>;

/** What identifies a metric. Two metrics with the same name and other dimensions are two metrics. */
export interface MetricName {
  accountId: string;
  region: string;
  namespace: string;
  name: string;
  dimensions: Dimensions;
}

/** The metrics of all accounts and regions, in minutes. */
export interface MetricStore {
  add(metric: MetricName, atMs: number, value: number): void;
  /** Returns what was added in [fromMs, untilMs); null: nothing was added. Both times are whole minutes. */
  sample(metric: MetricName, fromMs: number, untilMs: number): Sample | null;
  clear(): void;
}

export const MINUTE_MS = 60_000;
/** How many minutes of a metric are kept. */
const MINUTES_KEPT = 24 * 60;
/** Maximum number of metrics. If there are more, the one that was first created is dropped. */
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
