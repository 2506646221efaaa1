/** Reads the metrics and alarms of a deployment from CloudWatch. */
import {
  CloudWatchClient,
  DescribeAlarmsCommand,
  GetMetricDataCommand,
  type MetricAlarm,
  type MetricDataQuery,
  type MetricDataResult,
} from '@aws-sdk/client-cloudwatch';
import { dimensionsOf, NAMESPACE } from '../../model/metrics.ts';
import type { RuleDestination } from '../../model/rule.ts';
import { pairName } from '../../state/arrivals.ts';
import type { AlarmState } from '../../state/deployment-state.ts';
import type { AgedQueue, Measures, RuleMeasures } from '../../state/ports.ts';
import { CONTROL_CLIENT } from '../control-client.ts';
import { translateError } from '../errors.ts';

export const createCloudWatchClient = (region: string): CloudWatchClient =>
  new CloudWatchClient({ ...CONTROL_CLIENT, region });

const MINUTE_MS = 60_000;
/**
 * How long each period of the latency is. A percentile of a longer time cannot be calculated from percentiles of shorter periods.
 */
const LAG_SECONDS = 300;
const LAG_MS = LAG_SECONDS * 1_000;
/** How many periods are searched for a latency. */
const LAG_PERIODS = 3;
/** Over how many whole minutes the rate is measured. */
const RATE_MINUTES = 5;
const HOUR_MINUTES = 60;
/** Maximum number of queries of one call (GetMetricData, CloudWatch API Reference). */
const QUERIES = 500;

/** Reads the metrics of these destinations and queues. `queues` gives the name of each queue whose age is read. */
export const measuresOf = async (
  client: CloudWatchClient,
  pairs: readonly RuleDestination[],
  queues: Readonly<Record<AgedQueue, string>>,
  nowMs: number,
): Promise<Measures> => {
  const questions = [
    ...pairs.flatMap(questionsAbout),
    ...Object.entries(queues).map(([name, queue]) => questionAboutQueue(name, queue)),
  ];
  const found = await answers(client, questions, nowMs);
  const minuteMs = Math.floor(nowMs / MINUTE_MS) * MINUTE_MS;
  return {
    rules: new Map(
      pairs.map(({ rule, destination }) => {
        const name = pairName(rule.id, destination.id);
        const pointsOf = (part: string): DataPoint[] => found.get(`${part} ${name}`) ?? [];
        return [
          name,
          { ...ruleMeasures(pointsOf, minuteMs), lastHour: lastHour(pointsOf, periodsOf(nowMs), minuteMs) },
        ];
      }),
    ),
    oldestSeconds: new Map(
      (Object.keys(queues) as AgedQueue[]).flatMap((name) => {
        const newest = newestOf(found.get(`age ${name}`) ?? []);
        const isOld = newest === null || newest.atMs < minuteMs - AGE_MINUTES * MINUTE_MS;
        return isOld || newest.value === 0 ? [] : [[name, newest.value] as const];
      }),
    ),
  };
};

/**
 * How many minutes ago the age of a queue may have been reported. SQS reports the age once a minute, with a delay of a few
 * minutes.
 */
const AGE_MINUTES = 5;

interface Question {
  name: string;
  query: Omit<MetricDataQuery, 'Id'>;
}

interface DataPoint {
  atMs: number;
  value: number;
}

const questionsAbout = ({ rule, destination }: RuleDestination): Question[] => {
  const name = pairName(rule.id, destination.id);
  const dimensions = dimensionsOf({
    rule: rule.id,
    sourceBucket: rule.source.bucket,
    destinationBucket: destination.bucket,
  });
  const ask = (part: string, metric: string, statistic: string, seconds: number): Question => ({
    name: `${part} ${name}`,
    query: metricQuery([NAMESPACE, metric], dimensions, statistic, seconds),
  });
  return [
    ask('p50', 'ReplicationLatency', 'p50', LAG_SECONDS),
    ask('p99', 'ReplicationLatency', 'p99', LAG_SECONDS),
    ask('operations', 'OperationsReplicated', 'Sum', 60),
    ask('bytes', 'BytesReplicated', 'Sum', 60),
    ask('failed', 'OperationsFailedReplication', 'Sum', 60),
  ];
};

const questionAboutQueue = (name: string, QueueName: string): Question => ({
  name: `age ${name}`,
  query: metricQuery(['AWS/SQS', 'ApproximateAgeOfOldestMessage'], { QueueName }, 'Maximum', 60),
});

const metricQuery = (
  [Namespace, MetricName]: [string, string],
  dimensions: Record<string, string>,
  Stat: string,
  Period: number,
): Omit<MetricDataQuery, 'Id'> => ({
  MetricStat: {
    Metric: {
      Namespace,
      MetricName,
      Dimensions: Object.entries(dimensions).map(([Name, Value]) => ({ Name, Value })),
    },
    Period,
    Stat,
  },
});

/**
 * Returns the period of the last hour. Its begin and end are multiples of every period that is read. Otherwise CloudWatch would
 * cut such a period in two.
 */
const periodsOf = (nowMs: number): { fromMs: number; endMs: number } => {
  const endMs = Math.ceil(nowMs / LAG_MS) * LAG_MS;
  return { fromMs: endMs - HOUR_MINUTES * MINUTE_MS, endMs };
};

const answers = async (
  client: CloudWatchClient,
  questions: readonly Question[],
  nowMs: number,
): Promise<Map<string, DataPoint[]>> => {
  const { fromMs, endMs } = periodsOf(nowMs);
  const found = new Map<string, DataPoint[]>();
  for (let from = 0; from < questions.length; from += QUERIES) {
    const part = questions.slice(from, from + QUERIES);
    let NextToken: string | undefined;
    do {
      const command = new GetMetricDataCommand({
        MetricDataQueries: part.map(({ query }, index) => ({ Id: `q${index}`, ...query })),
        StartTime: new Date(fromMs - LAG_MS),
        EndTime: new Date(endMs),
        ScanBy: 'TimestampAscending',
        ...(NextToken === undefined ? {} : { NextToken }),
      });
      const answer = await asked('GetMetricData', client.send(command));
      for (const result of answer.MetricDataResults ?? []) {
        const { name } = part[Number(result.Id?.slice(1))] ?? { name: '' };
        found.set(name, [...(found.get(name) ?? []), ...pointsOf(result)]);
      }
      NextToken = answer.NextToken;
    } while (NextToken !== undefined);
  }
  return found;
};

const pointsOf = ({ Timestamps: times = [], Values: values = [] }: MetricDataResult): DataPoint[] =>
  times.map((time, index) => ({ atMs: time.getTime(), value: values[index] ?? 0 }));

const newestOf = (points: readonly DataPoint[]): DataPoint | null =>
  points.reduce<DataPoint | null>(
    (newest, point) => (newest === null || point.atMs > newest.atMs ? point : newest),
    null,
  );

const lastHour = (
  of: (part: string) => DataPoint[],
  { fromMs, endMs }: { fromMs: number; endMs: number },
  minuteMs: number,
): RuleMeasures['lastHour'] => {
  const steps = (untilMs: number, stepMs: number): number[] =>
    Array.from({ length: (untilMs - fromMs) / stepMs }, (_, index) => fromMs + index * stepMs);
  const valueAt = (part: string, ms: number): number | undefined =>
    of(part).find(({ atMs }) => atMs === ms)?.value;
  const minutes = (part: string): number[] => steps(minuteMs, MINUTE_MS).map((ms) => valueAt(part, ms) ?? 0);
  return {
    from: new Date(fromMs).toISOString(),
    lag: steps(endMs, LAG_MS).map((ms) => {
      const [p50Seconds, p99Seconds] = [valueAt('p50', ms), valueAt('p99', ms)];
      return p50Seconds === undefined || p99Seconds === undefined ? null : { p50Seconds, p99Seconds };
    }),
    operations: minutes('operations'),
    bytes: minutes('bytes'),
    failed: minutes('failed'),
  };
};

const ruleMeasures = (
  of: (part: string) => DataPoint[],
  minuteMs: number,
): Omit<RuleMeasures, 'lastHour'> => {
  const p50 = newestOf(of('p50'));
  const p99 = of('p99').find(({ atMs }) => atMs === p50?.atMs);
  const isRecent = p50 !== null && p50.atMs > minuteMs - (LAG_PERIODS + 1) * LAG_SECONDS * 1_000;
  // Returns the rate of a metric per second, over the last whole minutes. The present minute does not count, because it is not over.
  const rate = (part: string): number =>
    sumSince(of(part), minuteMs - RATE_MINUTES * MINUTE_MS, minuteMs) / (RATE_MINUTES * 60);
  return {
    lag: isRecent && p99 !== undefined ? { p50Seconds: p50.value, p99Seconds: p99.value } : null,
    operationsPerSecond: rate('operations'),
    bytesPerSecond: rate('bytes'),
    failedLastHour: sumSince(of('failed'), minuteMs - HOUR_MINUTES * MINUTE_MS, Infinity),
  };
};

const sumSince = (points: readonly DataPoint[], fromMs: number, untilMs: number): number =>
  points.reduce((sum, { atMs, value }) => (atMs >= fromMs && atMs < untilMs ? sum + value : sum), 0);

/** Returns the alarms of the stack that are not OK. All their names begin with the name of the stack. */
export const alarmsOf = async (client: CloudWatchClient, stack: string): Promise<AlarmState[]> => {
  const found: AlarmState[] = [];
  let NextToken: string | undefined;
  do {
    const answer = await asked(
      'DescribeAlarms',
      client.send(
        new DescribeAlarmsCommand({
          AlarmNamePrefix: `${stack}-`,
          AlarmTypes: ['MetricAlarm'],
          ...(NextToken === undefined ? {} : { NextToken }),
        }),
      ),
    );
    found.push(...(answer.MetricAlarms ?? []).flatMap((alarm) => alarmState(alarm, stack)));
    NextToken = answer.NextToken;
  } while (NextToken !== undefined);
  return found;
};

const alarmState = (alarm: MetricAlarm, stack: string): AlarmState[] => {
  const { AlarmName = '', AlarmDescription: description = '', StateValue: state } = alarm;
  if (state !== 'ALARM' && state !== 'INSUFFICIENT_DATA') return [];
  const since = alarm.StateTransitionedTimestamp ?? alarm.StateUpdatedTimestamp;
  return [
    {
      alarm: AlarmName.slice(stack.length + 1),
      state,
      since: since?.toISOString() ?? null,
      description,
      command: /Begin with: ([^\n]+)/.exec(description)?.[1] ?? null,
    },
  ];
};

const asked = async <Answer>(operation: string, answer: Promise<Answer>): Promise<Answer> => {
  try {
    return await answer;
  } catch (error) {
    throw translateError(error, `${operation} of CloudWatch`);
  }
};
