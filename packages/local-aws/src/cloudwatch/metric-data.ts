import { z } from 'zod';
import { AwsError, notSupported } from '../front/aws-error.ts';
import { MINUTE_MS, type MetricStore } from './metric-store.ts';
import { statisticOf } from './statistics.ts';

/** The account and region of a request. */
export interface Place {
  accountId: string;
  region: string;
}

const dimensionsSchema = z
  .array(z.strictObject({ Name: z.string(), Value: z.string() }))
  .max(30)
  .default([]);

const querySchema = z.strictObject({
  Id: z.string().regex(/^[a-z]\w*$/),
  MetricStat: z
    .strictObject({
      Metric: z.strictObject({
        Namespace: z.string(),
        MetricName: z.string(),
        Dimensions: dimensionsSchema,
      }),
      Period: z.number().int().min(1),
      Stat: z.string(),
      Unit: z.string().optional(),
    })
    .optional(),
  Expression: z.string().optional(),
  Label: z.string().optional(),
  ReturnData: z.boolean().optional(),
});

const inputSchema = z.strictObject({
  MetricDataQueries: z.array(querySchema).max(500),
  StartTime: z.number(),
  EndTime: z.number(),
  ScanBy: z.enum(['TimestampAscending', 'TimestampDescending']).default('TimestampDescending'),
});

/**
 * Handles GetMetricData. Metric math expressions are not supported.
 * Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html
 */
export const getMetricData = (store: MetricStore, place: Place, json: unknown): object => {
  const { MetricDataQueries: queries, StartTime, EndTime, ScanBy } = validated(inputSchema, json);
  if (StartTime >= EndTime)
    throw new AwsError('ValidationError', 'The parameter StartTime must be less than the parameter EndTime.');
  const ids = queries.map(({ Id }) => Id);
  if (new Set(ids).size < ids.length)
    throw new AwsError('ValidationError', 'The values for parameter id in MetricDataQueries must be unique.');
  // The start is rounded down to a whole minute, and the end is exclusive.
  const range = { fromMs: Math.floor(StartTime / 60) * MINUTE_MS, untilMs: EndTime * 1_000, ScanBy };
  return {
    MetricDataResults: queries
      .filter(({ ReturnData = true }) => ReturnData)
      .map((query) => resultOf(store, place, query, range)),
    Messages: [],
  };
};

const resultOf = (
  store: MetricStore,
  place: Place,
  { Id, MetricStat, Label, Expression }: z.output<typeof querySchema>,
  { fromMs, untilMs, ScanBy }: { fromMs: number; untilMs: number; ScanBy: string },
): object => {
  if (MetricStat === undefined || Expression !== undefined)
    throw notSupported('expressions of GetMetricData');
  if (MetricStat.Unit !== undefined) throw notSupported('units of GetMetricData');
  const { Metric, Period, Stat } = MetricStat;
  if (Period % 60 !== 0) throw notSupported('periods of less than a minute');
  const metric = {
    ...place,
    namespace: Metric.Namespace,
    name: Metric.MetricName,
    dimensions: Object.fromEntries(Metric.Dimensions.map(({ Name, Value }) => [Name, Value])),
  };
  const points: { atMs: number; value: number }[] = [];
  const periodMs = Period * 1_000;
  for (let atMs = Math.floor(fromMs / periodMs) * periodMs; atMs < untilMs; atMs += periodMs) {
    const sample = store.sample(metric, Math.max(atMs, fromMs), Math.min(atMs + periodMs, untilMs));
    if (sample === null) continue;
    const value = statisticOf(sample, Stat);
    if (value === undefined) throw notSupported(`the statistic ${Stat}`);
    points.push({ atMs, value });
  }
  if (ScanBy === 'TimestampDescending') points.reverse();
  return {
    Id,
    Label: Label ?? Metric.MetricName,
    Timestamps: points.map(({ atMs }) => atMs / 1_000),
    Values: points.map(({ value }) => value),
    StatusCode: 'Complete',
  };
};

const putSchema = z.strictObject({
  Namespace: z
    .string()
    .regex(/^[^:].*/)
    .max(255),
  MetricData: z
    .array(
      z.strictObject({
        MetricName: z.string().min(1).max(255),
        Dimensions: dimensionsSchema,
        Timestamp: z.number().optional(),
        Value: z.number().optional(),
        Values: z.array(z.number()).max(150).optional(),
        Counts: z.array(z.number()).max(150).optional(),
        Unit: z.string().optional(),
        StorageResolution: z.number().optional(),
      }),
    )
    .max(1_000),
});

/**
 * Handles PutMetricData.
 * Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricData.html
 */
export const putMetricData = (store: MetricStore, place: Place, json: unknown, nowMs: number): object => {
  const { Namespace: namespace, MetricData } = validated(putSchema, json);
  for (const datum of MetricData) {
    const { Dimensions, MetricName: name, Timestamp, Value, Values = [], Counts = [] } = datum;
    const dimensions = Object.fromEntries(Dimensions.map((each) => [each.Name, each.Value]));
    const atMs = Timestamp === undefined ? nowMs : Timestamp * 1_000;
    const metric = { ...place, namespace, name, dimensions };
    if (Value !== undefined) store.add(metric, atMs, Value);
    for (const [index, value] of Values.entries())
      for (let times = Counts[index] ?? 1; times > 0; times -= 1) store.add(metric, atMs, value);
  }
  return {};
};

export const validated = <Value>(schema: z.ZodType<Value>, json: unknown): Value => {
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  throw new AwsError('ValidationError', z.prettifyError(parsed.error));
};
