/**
 * The CloudWatch dashboard of a deployment, made from the rules.
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
 */
import type { Configuration } from '../lib/configuration/configuration.ts';
import { type Deployment, type ResourceNames, resourceNames } from '../lib/configuration/resource-names.ts';
import { dimensionsOf, NAMESPACE } from '../lib/model/metrics.ts';
import { type CloudFormationResource, type Resources, substitute } from './cloudformation.ts';

/** Adds the dashboard to the resources of the alarms, and its address to the description of each alarm. */
export const withDashboard = (configuration: Configuration, alarms: Resources): Resources => {
  const { deployment, stack } = configuration;
  if (!stack.dashboard) return alarms;
  const names = resourceNames(deployment);
  const name = dashboardName(deployment);
  const address = addressOf(name, deployment.region);
  const ids = Object.entries(alarms).flatMap(([id, { Type }]) => (Type === ALARM ? [id] : []));
  return {
    ...Object.fromEntries(
      Object.entries(alarms).map(([id, alarm]) => [id, ids.includes(id) ? linked(alarm, address) : alarm]),
    ),
    Dashboard: {
      Type: 'AWS::CloudWatch::Dashboard',
      Properties: {
        DashboardName: name,
        DashboardBody: substitute(JSON.stringify(bodyOf(configuration, names, ids))),
      },
    },
  };
};

const ALARM = 'AWS::CloudWatch::Alarm';

/** Dashboards have no region, so two stacks of one account need different names. */
const dashboardName = (deployment: Deployment): string =>
  `${resourceNames(deployment).stack}-${deployment.region}`;

const addressOf = (name: string, region: string): string => {
  const host = region.startsWith('cn-')
    ? 'console.amazonaws.cn'
    : region.startsWith('us-gov-')
      ? 'console.amazonaws-us-gov.com'
      : 'console.aws.amazon.com';
  return `https://${region}.${host}/cloudwatch/home?region=${region}#dashboards/dashboard/${name}`;
};

const linked = ({ Properties = {}, ...alarm }: CloudFormationResource, address: string) => ({
  ...alarm,
  Properties: {
    ...Properties,
    AlarmDescription: `${String(Properties['AlarmDescription'])}\nDashboard: ${address}`,
  },
});

const bodyOf = (configuration: Configuration, names: ResourceNames, alarmIds: readonly string[]): object => {
  const pairs = pairsOf(configuration);
  const widgets = inRows([
    [text(configuration, pairs.length), alarmStates(alarmIds)],
    [lag(pairs), pending(pairs)],
    [throughput(pairs), failed(pairs)],
    [failedByReason(configuration, names), deadLetters(names)],
    [concurrency(names), runs(names)],
  ]);
  return { start: '-PT12H', periodOverride: 'inherit', widgets };
};

interface Pair {
  label: string;
  /** The dimensions of the metrics, as alternating names and values. */
  dimensions: string[];
}

/** A graph holds at most 500 metrics, and nobody can tell more than some dozen lines apart. */
const MOST_PAIRS = 100;

const pairsOf = ({ replication }: Configuration): Pair[] =>
  replication.rules
    .flatMap(({ id, source, destinations }) =>
      destinations.map((destination) => ({
        label: `${id} → ${destination.id}`,
        dimensions: Object.entries(
          dimensionsOf({ rule: id, sourceBucket: source.bucket, destinationBucket: destination.bucket }),
        ).flat(),
      })),
    )
    .slice(0, MOST_PAIRS);

interface Widget {
  type: 'metric' | 'log' | 'text' | 'alarm';
  properties: Record<string, unknown>;
}

const WIDTH = 12;
const HEIGHT = 6;

const inRows = (rows: Widget[][]): object[] =>
  rows.flatMap((row, y) =>
    row.map((widget, x) => ({ ...widget, x: x * WIDTH, y: y * HEIGHT, width: WIDTH, height: HEIGHT })),
  );

const text = ({ deployment, replication }: Configuration, shown: number): Widget => {
  const { name, stage, region } = deployment;
  const all = replication.rules.reduce((sum, { destinations }) => sum + destinations.length, 0);
  const options = stage === 'prod' ? '' : ` --stage ${stage}`;
  const lines = [
    `## ${name}-${stage}, ${region}`,
    ...(all > shown ? [`The graphs show the first ${shown} of ${all} destinations.`, ''] : []),
    '| question | command |',
    '| --- | --- |',
    ...[
      ['Is all well?', 'status'],
      ['What is wrong, and how is it fixed?', 'doctor'],
      ['What could not be replicated?', 'dlq list'],
      ['Why has this object not arrived?', 'explain s3://bucket/key'],
    ].map(([question = '', command = '']) => `| ${question} | \`npx s3-replicator ${command}${options}\` |`),
  ];
  return { type: 'text', properties: { markdown: lines.join('\n') } };
};

const alarmStates = (ids: readonly string[]): Widget => ({
  type: 'alarm',
  properties: { title: 'Alarms', alarms: ids.map((id) => `\${${id}.Arn}`) },
});

type Line = (string | Record<string, unknown>)[];

const graph = (title: string, metrics: Line[], more: Record<string, unknown> = {}): Widget => ({
  type: 'metric',
  properties: { title, metrics, region: '${AWS::Region}', view: 'timeSeries', period: 300, ...more },
});

const linesOf = (pairs: readonly Pair[], metric: string, options: Record<string, unknown>): Line[] =>
  pairs.map(({ label, dimensions }) => [
    NAMESPACE,
    metric,
    ...dimensions,
    { ...options, label: `${label}${String(options['label'] ?? '')}` },
  ]);

const axes = (left: string, right?: string): Record<string, unknown> => ({
  yAxis: {
    left: { label: left, min: 0, showUnits: false },
    ...(right === undefined ? {} : { right: { label: right, min: 0, showUnits: false } }),
  },
});

const lag = (pairs: Pair[]): Widget =>
  graph(
    'Lag from the event to the proof',
    [
      ...linesOf(pairs, 'ReplicationLatency', { stat: 'p50', label: ' p50' }),
      ...linesOf(pairs, 'ReplicationLatency', { stat: 'p99', label: ' p99' }),
    ],
    axes('seconds'),
  );

const pending = (pairs: Pair[]): Widget =>
  graph(
    'Pending (approximate)',
    [
      ...linesOf(pairs, 'OperationsPendingReplication', { stat: 'Maximum' }),
      ...linesOf(pairs, 'OldestPendingAge', { stat: 'Maximum', yAxis: 'right', label: ' oldest' }),
    ],
    axes('operations', 'seconds'),
  );

const throughput = (pairs: Pair[]): Widget =>
  graph(
    'Replicated in five minutes',
    [
      ...linesOf(pairs, 'OperationsReplicated', { stat: 'Sum' }),
      ...linesOf(pairs, 'BytesReplicated', { stat: 'Sum', yAxis: 'right', label: ' bytes' }),
    ],
    axes('operations', 'bytes'),
  );

const failed = (pairs: Pair[]): Widget =>
  graph(
    'Failed in five minutes',
    linesOf(pairs, 'OperationsFailedReplication', { stat: 'Sum' }),
    axes('operations'),
  );

const failedByReason = ({ stack, replication }: Configuration, names: ResourceNames): Widget =>
  stack.metrics === 'detailed' ? reasonMetrics(replication.rules.map(({ id }) => id)) : reasonLines(names);

/**
 * The reasons that will occur are not known beforehand, so the widget searches for the metrics.
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/search-expression-syntax.html
 */
const reasonMetrics = (rules: string[]): Widget => {
  const ids = rules.map((id) => `"${id}"`).join(' OR ');
  const search = `{${NAMESPACE},SourceBucket,DestinationBucket,RuleId,Reason} MetricName="OperationsFailedReplication" RuleId=(${ids})`;
  return graph('Failed by reason', [[{ expression: `SEARCH('${search}', 'Sum', 300)` }]], axes('operations'));
};

/** A query of the log lines, because a metric for each reason costs more than the rare look at this widget. */
const reasonLines = ({ replicateFunction }: ResourceNames): Widget => ({
  type: 'log',
  properties: {
    title: 'Failed by reason',
    region: '${AWS::Region}',
    view: 'table',
    query: [
      `SOURCE '/aws/lambda/${replicateFunction}'`,
      "filter ending = 'quarantine'",
      'stats count(*) as letters, latest(key) as example by reason, rule, destination',
      'sort letters desc',
    ].join(' | '),
  },
});

const queue = (name: string, metric: string, options: Record<string, unknown>): Line => [
  'AWS/SQS',
  metric,
  'QueueName',
  name,
  options,
];

const deadLetters = (names: ResourceNames): Widget =>
  graph(
    'Dead letters',
    [
      ...[names.deadLetterQueue, names.rangesDeadLetterQueue, names.transferDeadLetterQueue].map((name) =>
        queue(name, 'ApproximateNumberOfMessagesVisible', { stat: 'Maximum', label: name }),
      ),
      queue(names.deadLetterQueue, 'ApproximateAgeOfOldestMessage', {
        stat: 'Maximum',
        label: `oldest of ${names.deadLetterQueue}`,
        yAxis: 'right',
      }),
    ],
    axes('letters', 'seconds'),
  );

const concurrency = (names: ResourceNames): Widget => {
  const functions = [names.replicateFunction, names.transferFunction, names.backfillFunction];
  const ofFunctions = (metric: string, options: Record<string, unknown>): Line[] =>
    functions.map((name) => [
      'AWS/Lambda',
      metric,
      'FunctionName',
      name,
      { ...options, label: `${name} ${String(options['label'])}` },
    ]);
  return graph(
    'Concurrency, throttles and errors of the functions',
    [
      ...ofFunctions('ConcurrentExecutions', { stat: 'Maximum', label: 'at once' }),
      ...ofFunctions('Throttles', { stat: 'Sum', yAxis: 'right', label: 'throttled' }),
      ...ofFunctions('Errors', { stat: 'Sum', yAxis: 'right', label: 'errors' }),
    ],
    axes('invocations at once', 'in five minutes'),
  );
};

const runs = (names: ResourceNames): Widget =>
  graph(
    'Backfills, verifies and large objects',
    [
      queue(names.rangesQueue, 'ApproximateNumberOfMessagesVisible', { stat: 'Maximum', label: 'ranges' }),
      queue(names.backfillQueue, 'ApproximateNumberOfMessagesVisible', {
        stat: 'Maximum',
        label: 'keys to copy',
      }),
      queue(names.transferQueue, 'ApproximateNumberOfMessagesVisible', {
        stat: 'Maximum',
        label: 'part ranges',
      }),
    ],
    axes('messages'),
  );
