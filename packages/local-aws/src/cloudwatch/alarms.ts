import { z } from 'zod';
import { AwsError, notSupported } from '../front/aws-error.ts';
import { type Alarm, alarmState, COMPARISONS } from './alarm-state.ts';
import { type Place, validated } from './metric-data.ts';
import type { MetricStore } from './metric-store.ts';

/** The alarms of all accounts and regions. */
export interface Alarms {
  /** Creates an alarm, or replaces the alarm of the same name. `properties` are the parameters of PutMetricAlarm. Returns the ARN. */
  put(place: Place, properties: Record<string, unknown>, nowMs: number): string;
  delete(place: Place, name: string): void;
  exists(place: Place, name: string): boolean;
  /** Returns the alarms, sorted by name. */
  list(place: Place): Alarm[];
}

/** A number. Templates may also write it as a string. */
const number = z.coerce.number();
const texts = z.array(z.string()).max(5).optional();

const alarmSchema = z.strictObject({
  AlarmName: z.string().min(1).max(255),
  AlarmDescription: z.string().max(1_024).optional(),
  ActionsEnabled: z.union([z.boolean(), z.enum(['true', 'false'])]).optional(),
  OKActions: texts,
  AlarmActions: texts,
  InsufficientDataActions: texts,
  Namespace: z.string(),
  MetricName: z.string(),
  Dimensions: z.array(z.strictObject({ Name: z.string(), Value: z.string() })).default([]),
  Statistic: z.enum(['SampleCount', 'Average', 'Sum', 'Minimum', 'Maximum']).optional(),
  ExtendedStatistic: z.string().optional(),
  Period: number.pipe(z.number().int().multipleOf(60)),
  EvaluationPeriods: number.pipe(z.number().int().min(1)),
  DatapointsToAlarm: number.pipe(z.number().int().min(1)).optional(),
  Threshold: number,
  ComparisonOperator: z.enum(Object.keys(COMPARISONS) as (keyof typeof COMPARISONS)[]),
  TreatMissingData: z.enum(['breaching', 'notBreaching', 'ignore', 'missing']).default('missing'),
  EvaluateLowSampleCountPercentile: z.string().optional(),
  Unit: z.string().optional(),
  Tags: z.unknown().optional(),
});

export const createAlarms = (): Alarms => {
  const alarms = new Map<string, Alarm>();
  return {
    put(place, properties, nowMs) {
      if ('Metrics' in properties) throw notSupported('alarms on expressions');
      const alarm = alarmOf(place, validated(alarmSchema, properties), nowMs);
      const { createdMs = nowMs } = alarms.get(alarm.arn) ?? {};
      alarms.set(alarm.arn, { ...alarm, createdMs });
      return alarm.arn;
    },
    delete: (place, name) => void alarms.delete(alarmArn(place, name)),
    exists: (place, name) => alarms.has(alarmArn(place, name)),
    list: ({ accountId, region }) =>
      [...alarms.values()]
        .filter((alarm) => alarm.accountId === accountId && alarm.region === region)
        .toSorted((one, other) => (one.name < other.name ? -1 : 1)),
  };
};

export const alarmArn = ({ accountId, region }: Place, name: string): string =>
  `arn:aws:cloudwatch:${region}:${accountId}:alarm:${name}`;

const alarmOf = (place: Place, given: z.output<typeof alarmSchema>, createdMs: number): Alarm => {
  const {
    AlarmName,
    Statistic,
    ExtendedStatistic,
    Dimensions,
    ActionsEnabled,
    Tags: _tags,
    ...others
  } = given;
  if ((Statistic === undefined) === (ExtendedStatistic === undefined))
    throw new AwsError('ValidationError', 'Exactly one of Statistic and ExtendedStatistic must be specified');
  const { EvaluationPeriods, DatapointsToAlarm = EvaluationPeriods } = others;
  return {
    ...place,
    name: AlarmName,
    arn: alarmArn(place, AlarmName),
    createdMs,
    metric: {
      ...place,
      namespace: given.Namespace,
      name: given.MetricName,
      dimensions: Object.fromEntries(Dimensions.map(({ Name, Value }) => [Name, Value])),
    },
    statistic: Statistic ?? ExtendedStatistic ?? '',
    periodMs: given.Period * 1_000,
    evaluationPeriods: EvaluationPeriods,
    datapointsToAlarm: DatapointsToAlarm,
    threshold: given.Threshold,
    comparison: given.ComparisonOperator,
    missing: given.TreatMissingData,
    properties: {
      ...others,
      ...(Statistic === undefined ? { ExtendedStatistic } : { Statistic }),
      Dimensions,
      ActionsEnabled: String(ActionsEnabled ?? true) === 'true',
    },
  };
};

const describeSchema = z.strictObject({
  AlarmNames: z.array(z.string()).max(100).optional(),
  AlarmNamePrefix: z.string().min(1).optional(),
  AlarmTypes: z.array(z.enum(['MetricAlarm', 'CompositeAlarm', 'LogAlarm'])).optional(),
  StateValue: z.enum(['OK', 'ALARM', 'INSUFFICIENT_DATA']).optional(),
  MaxRecords: z.number().int().min(1).max(100).default(50),
  NextToken: z.string().optional(),
});

/**
 * Handles DescribeAlarms.
 * Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html
 */
export const describeAlarms = (
  { alarms, store }: { alarms: Alarms; store: MetricStore },
  place: Place,
  json: unknown,
  nowMs: number,
): object => {
  const { AlarmNames, AlarmNamePrefix, AlarmTypes, StateValue, MaxRecords, NextToken } = validated(
    describeSchema,
    json,
  );
  if (AlarmNames !== undefined && AlarmNamePrefix !== undefined)
    throw new AwsError('ValidationError', 'AlarmNamePrefix cannot be specified together with AlarmNames.');
  const found = (AlarmTypes?.includes('MetricAlarm') ?? true) ? alarms.list(place) : [];
  const described = found
    .filter(({ name }) => (AlarmNames?.includes(name) ?? true) && name.startsWith(AlarmNamePrefix ?? ''))
    .filter(({ name }) => NextToken === undefined || name > NextToken)
    .map((alarm) => ({ alarm, state: alarmState(store, alarm, nowMs) }))
    .filter(({ state }) => StateValue === undefined || state.value === StateValue);
  const page = described.slice(0, MaxRecords);
  return {
    MetricAlarms: page.map(({ alarm, state }) => ({
      AlarmName: alarm.name,
      AlarmArn: alarm.arn,
      ...alarm.properties,
      AlarmConfigurationUpdatedTimestamp: alarm.createdMs / 1_000,
      StateValue: state.value,
      StateUpdatedTimestamp: state.sinceMs / 1_000,
      StateTransitionedTimestamp: state.sinceMs / 1_000,
    })),
    CompositeAlarms: [],
    ...(page.length < described.length && { NextToken: page.at(-1)?.alarm.name }),
  };
};
