/** CloudWatch: metrics that are put and read, and the states of alarms. */
import {
  DescribeAlarmsCommand,
  GetMetricDataCommand,
  type GetMetricDataCommandInput,
  PutMetricAlarmCommand,
  PutMetricDataCommand,
} from '@aws-sdk/client-cloudwatch';
import { setTimeout as delay } from 'node:timers/promises';
import { behaviour } from './behaviour.ts';
import type { Context } from './context.ts';
import { refusedAs, same } from './difference.ts';

const api = (page: string): string =>
  `https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/${page}.html`;
const guide = (page: string): string =>
  `https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/${page}.html`;
const NEEDS = ['cloudwatch'] as const;

const Namespace = 's3r-conformance';
const MINUTE_MS = 60_000;

/**
 * Puts values into the whole minute that ended `minutesAgo` minutes ago. Returns the metric and that minute.
 */
const put = async (context: Context, values: readonly number[], minutesAgo = 10) => {
  const MetricName = context.key('metric');
  const Dimensions = [{ Name: 'Run', Value: context.unusedBucketName() }];
  const minuteMs = Math.floor(context.now() / MINUTE_MS) * MINUTE_MS - minutesAgo * MINUTE_MS;
  for (const Value of values)
    await context.cloudwatch.send(
      new PutMetricDataCommand({
        Namespace,
        MetricData: [{ MetricName, Dimensions, Value, Timestamp: new Date(minuteMs + 1_000) }],
      }),
    );
  return { Metric: { Namespace, MetricName, Dimensions }, minuteMs };
};

type Found = Awaited<ReturnType<typeof put>>;

const query = ({ Metric, minuteMs }: Found, ...stats: string[]): GetMetricDataCommandInput => ({
  MetricDataQueries: stats.map((Stat, index) => ({
    Id: `q${index}`,
    MetricStat: { Metric, Period: 60, Stat },
  })),
  StartTime: new Date(minuteMs),
  EndTime: new Date(minuteMs + MINUTE_MS),
});

/** Reads metric data. Retries until there are values, because AWS may take two minutes to show new metrics. */
const read = async (
  { cloudwatch }: Context,
  input: GetMetricDataCommandInput,
): Promise<(number[] | undefined)[]> => {
  for (let tries = 0; ; tries += 1) {
    const { MetricDataResults = [] } = await cloudwatch.send(new GetMetricDataCommand(input));
    const values = MetricDataResults.map(({ Values }) => Values);
    if (tries === 24 || values.some((each) => (each?.length ?? 0) > 0)) return values;
    await delay(tries === 0 ? 10 : 5_000);
  }
};

export const statisticsOfAMinute = behaviour(
  'GetMetricData returns the statistic that a query names, of all values of a period.',
  api('API_GetMetricData'),
  async (context) => {
    const found = await put(context, [1, 2, 3, 10]);
    const values = await read(context, query(found, 'Sum', 'SampleCount', 'Average', 'Minimum', 'Maximum'));
    same('values', values, [[16], [4], [4], [1], [10]]);
  },
  NEEDS,
);

export const percentilesOfAMinute = behaviour(
  'The statistic p100 is the highest value, and p50 lies between the lowest and the highest.',
  guide('Statistics-definitions'),
  async (context) => {
    const found = await put(context, [1, 2, 3, 4, 100]);
    const [median, highest] = await read(context, query(found, 'p50', 'p100'));
    same('p100', highest, [100]);
    same('p50 in between', (median?.[0] ?? 0) > 1 && (median?.[0] ?? 0) < 100, true);
  },
  NEEDS,
);

export const otherDimensionsAreAnotherMetric = behaviour(
  'A metric is found only by all of its dimensions. A query with other dimensions, or with none, returns no values.',
  guide('cloudwatch_concepts'),
  async (context) => {
    const found = await put(context, [1]);
    const { Metric } = found;
    await read(context, query(found, 'Sum'));
    const none = { ...found, Metric: { ...Metric, Dimensions: [] } };
    const { MetricDataResults } = await context.cloudwatch.send(new GetMetricDataCommand(query(none, 'Sum')));
    same(
      'values',
      MetricDataResults?.map(({ Values }) => Values),
      [[]],
    );
  },
  NEEDS,
);

export const newestPointsComeFirst = behaviour(
  'GetMetricData returns the newest data point first, unless ScanBy is TimestampAscending. The start is inclusive, and the end is exclusive.',
  api('API_GetMetricData'),
  async (context) => {
    const found = await put(context, [1]);
    const { Metric, minuteMs } = found;
    const MetricData = [1, 2].map((minutes) => ({
      MetricName: Metric.MetricName,
      Dimensions: Metric.Dimensions,
      Value: minutes + 1,
      Timestamp: new Date(minuteMs + minutes * MINUTE_MS),
    }));
    await context.cloudwatch.send(new PutMetricDataCommand({ Namespace, MetricData }));
    await read(context, query({ Metric, minuteMs: minuteMs + 2 * MINUTE_MS }, 'Sum'));
    const input = { ...query(found, 'Sum'), EndTime: new Date(minuteMs + 2 * MINUTE_MS) };
    same('by default', await read(context, input), [[2, 1]]);
    same('ascending', await read(context, { ...input, ScanBy: 'TimestampAscending' }), [[1, 2]]);
  },
  NEEDS,
);

export const queriesHaveRules = behaviour(
  'GetMetricData fails with 400 for a start that is not before the end, and for two queries with the same id.',
  api('API_GetMetricData'),
  async (context) => {
    const Metric = { Namespace, MetricName: 'none', Dimensions: [] };
    const input = query({ Metric, minuteMs: context.now() }, 'Sum');
    const refusal = [
      '400 ValidationError',
      '400 ValidationException',
      '400 InvalidParameterCombinationException',
      '400 InvalidParameterValueException',
      '400 InvalidParameterValue',
    ];
    const call = (more: object) => context.cloudwatch.send(new GetMetricDataCommand({ ...input, ...more }));
    await refusedAs('range', call({ EndTime: input.StartTime }), refusal);
    const { MetricDataQueries = [] } = input;
    await refusedAs(
      'ids',
      call({ MetricDataQueries: [...MetricDataQueries, ...MetricDataQueries] }),
      refusal,
    );
  },
  NEEDS,
);

const alarmOn = async (context: Context, metric: Found['Metric'], more: object): Promise<string> => {
  const AlarmName = context.alarmName();
  await context.cloudwatch.send(
    new PutMetricAlarmCommand({
      ...metric,
      AlarmName,
      Statistic: 'Sum',
      Period: 60,
      EvaluationPeriods: 1,
      Threshold: 1,
      ComparisonOperator: 'GreaterThanOrEqualToThreshold',
      ...more,
    }),
  );
  return AlarmName;
};

const stateOf = async (
  { cloudwatch }: Context,
  name: string,
  wanted: string,
): Promise<string | undefined> => {
  for (let tries = 0; ; tries += 1) {
    const { MetricAlarms = [] } = await cloudwatch.send(new DescribeAlarmsCommand({ AlarmNames: [name] }));
    const state = MetricAlarms[0]?.StateValue;
    if (tries === 30 || state === wanted) return state;
    await delay(tries === 0 ? 10 : 5_000);
  }
};

export const alarmsFollowTheirMetric = behaviour(
  'An alarm is in ALARM while its statistic breaches the threshold.',
  guide('alarm-evaluation'),
  async (context) => {
    const { Metric } = await put(context, [5], 0);
    const name = await alarmOn(context, Metric, { Period: 300, TreatMissingData: 'notBreaching' });
    same('state', await stateOf(context, name, 'ALARM'), 'ALARM');
  },
  NEEDS,
);

export const missingDataIsTreatedAsTold = behaviour(
  'An alarm without data is in INSUFFICIENT_DATA, or OK with TreatMissingData notBreaching, or ALARM with breaching.',
  guide('alarms-and-missing-data'),
  async (context) => {
    const metric = { Namespace, MetricName: context.key('never'), Dimensions: [] };
    for (const [TreatMissingData, state] of [
      ['missing', 'INSUFFICIENT_DATA'],
      ['notBreaching', 'OK'],
      ['breaching', 'ALARM'],
    ] as const) {
      const name = await alarmOn(context, metric, { TreatMissingData });
      same(TreatMissingData, await stateOf(context, name, state), state);
    }
  },
  NEEDS,
);

export const alarmsAreFoundByPrefix = behaviour(
  'DescribeAlarms returns the alarms whose names begin with AlarmNamePrefix.',
  api('API_DescribeAlarms'),
  async (context) => {
    const metric = { Namespace, MetricName: context.key('never'), Dimensions: [] };
    const name = await alarmOn(context, metric, { AlarmDescription: 'what to do' });
    const { MetricAlarms = [] } = await context.cloudwatch.send(
      new DescribeAlarmsCommand({ AlarmNamePrefix: name, AlarmTypes: ['MetricAlarm'] }),
    );
    same(
      'alarms',
      MetricAlarms.map(({ AlarmName, AlarmDescription }) => [AlarmName, AlarmDescription]),
      [[name, 'what to do']],
    );
  },
  NEEDS,
);
