import { MINUTE_MS, type MetricName, type MetricStore } from './metric-store.ts';
import { statisticOf } from './statistics.ts';

/** An alarm on a single metric. */
export interface Alarm {
  accountId: string;
  region: string;
  name: string;
  arn: string;
  createdMs: number;
  metric: MetricName;
  statistic: string;
  periodMs: number;
  evaluationPeriods: number;
  datapointsToAlarm: number;
  threshold: number;
  comparison: Comparison;
  missing: 'breaching' | 'ignore' | 'missing' | 'notBreaching';
  /** The properties from PutMetricAlarm. DescribeAlarms returns them. */
  properties: Record<string, unknown>;
}

export type Comparison = keyof typeof COMPARISONS;

export const COMPARISONS = {
  GreaterThanOrEqualToThreshold: (value: number, threshold: number) => value >= threshold,
  GreaterThanThreshold: (value: number, threshold: number) => value > threshold,
  LessThanThreshold: (value: number, threshold: number) => value < threshold,
  LessThanOrEqualToThreshold: (value: number, threshold: number) => value <= threshold,
};

export type StateValue = 'OK' | 'ALARM' | 'INSUFFICIENT_DATA';

/** Maximum time, in milliseconds, that the search for the beginning of a state goes back. */
const LOOK_BACK_MS = 6 * 3_600_000;

/**
 * Returns the state of an alarm and since when the alarm has been in it. CloudWatch evaluates alarms every minute, so the state began in
 * the first of the most recent minutes that all give the same state.
 * Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation.html
 */
export const alarmState = (
  store: MetricStore,
  alarm: Alarm,
  nowMs: number,
): { value: StateValue; sinceMs: number } => {
  const value = stateAt(store, alarm, nowMs);
  const earliestMs = Math.max(alarm.createdMs, nowMs - LOOK_BACK_MS);
  let sinceMs = nowMs;
  while (sinceMs - MINUTE_MS >= earliestMs && stateAt(store, alarm, sinceMs - MINUTE_MS) === value)
    sinceMs -= MINUTE_MS;
  return { value, sinceMs: sinceMs - MINUTE_MS < earliestMs ? earliestMs : sinceMs };
};

const stateAt = (store: MetricStore, alarm: Alarm, nowMs: number): StateValue => {
  const { evaluationPeriods, datapointsToAlarm, missing } = alarm;
  const verdicts = Array.from({ length: evaluationPeriods }, (_, back) =>
    breaches(store, alarm, nowMs, back),
  );
  const known = verdicts.filter((verdict) => verdict !== null);
  if (known.length === 0 && missing !== 'breaching' && missing !== 'notBreaching') return 'INSUFFICIENT_DATA';
  const filled = verdicts.map((verdict) => verdict ?? missing === 'breaching');
  return filled.filter(Boolean).length >= datapointsToAlarm ? 'ALARM' : 'OK';
};

/**
 * Returns whether the metric breaches the threshold in one period. `back` is the number of periods before the last one, which includes the
 * current minute. Returns null if the period has no data.
 */
const breaches = (store: MetricStore, alarm: Alarm, nowMs: number, back: number): boolean | null => {
  const untilMs = (Math.floor(nowMs / MINUTE_MS) + 1) * MINUTE_MS - back * alarm.periodMs;
  const sample = store.sample(alarm.metric, untilMs - alarm.periodMs, untilMs);
  const value = sample === null ? undefined : statisticOf(sample, alarm.statistic);
  return value === undefined ? null : COMPARISONS[alarm.comparison](value, alarm.threshold);
};
