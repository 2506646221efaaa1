/**
 * The metrics, alarm states and log events that result from the activity of a stack's functions and queues.
 */
import { CloudWatchClient, DescribeAlarmsCommand, GetMetricDataCommand } from '@aws-sdk/client-cloudwatch';
import {
  CloudWatchLogsClient,
  CreateLogGroupCommand,
  FilterLogEventsCommand,
} from '@aws-sdk/client-cloudwatch-logs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { clientConfig } from '../../src/start/client-config.ts';
import { type LocalAws, startLocalAws } from '../../src/start/local-aws.ts';
import { makeZip } from '../lambda/make-zip.ts';

const ACCOUNT = '111111111111';
const MINUTE_MS = 60_000;

let aws: LocalAws;
let cloudwatch: CloudWatchClient;
let logs: CloudWatchLogsClient;
beforeAll(async () => {
  aws = await startLocalAws({ region: 'us-east-1' });
  const config = clientConfig(aws, aws.root(ACCOUNT), { tls: false });
  cloudwatch = new CloudWatchClient(config);
  logs = new CloudWatchLogsClient(config);
});
afterAll(() => aws.stop());

const alarm = (name: string, more: object) => ({
  Type: 'AWS::CloudWatch::Alarm',
  Properties: {
    AlarmName: name,
    AlarmDescription: `what to do about ${name}`,
    Statistic: 'Maximum',
    Period: 300,
    EvaluationPeriods: 1,
    Threshold: 1,
    ComparisonOperator: 'GreaterThanOrEqualToThreshold',
    TreatMissingData: 'notBreaching',
    ...more,
  },
});

const states = async (): Promise<Record<string, string | undefined>> => {
  const { MetricAlarms = [] } = await cloudwatch.send(
    new DescribeAlarmsCommand({ AlarmNamePrefix: 'watched-' }),
  );
  return Object.fromEntries(MetricAlarms.map(({ AlarmName = '', StateValue }) => [AlarmName, StateValue]));
};

test('the alarms of a template follow the metrics of its queues, and tell when their state began', async () => {
  const Dimensions = [{ Name: 'QueueName', Value: 'watched' }];
  await aws.cloudformation.deploy({
    accountId: ACCOUNT,
    region: aws.region,
    stackName: 'watched',
    template: JSON.stringify({
      Resources: {
        Queue: { Type: 'AWS::SQS::Queue', Properties: { QueueName: 'watched' } },
        Full: alarm('watched-full', {
          Namespace: 'AWS/SQS',
          MetricName: 'ApproximateNumberOfMessagesVisible',
          Dimensions,
        }),
        Old: alarm('watched-old', {
          Namespace: 'AWS/SQS',
          MetricName: 'ApproximateAgeOfOldestMessage',
          Dimensions,
          Threshold: 300,
        }),
      },
    }),
  });
  expect(await states()).toEqual({ 'watched-full': 'OK', 'watched-old': 'OK' });
  aws.clock.advance(MINUTE_MS);
  const QueueUrl = `${aws.endpoint}/${ACCOUNT}/watched`;
  const caller = {
    kind: 'root',
    accountId: ACCOUNT,
    arn: `arn:aws:iam::${ACCOUNT}:root`,
    principalId: ACCOUNT,
  } as const;
  const sqs = (operation: string, input: object) =>
    aws.sqs.invoke(caller, operation, { QueueUrl, ...input }, aws);
  await sqs('SendMessage', { MessageBody: 'x' });
  expect(await states()).toEqual({ 'watched-full': 'ALARM', 'watched-old': 'OK' });
  const beganMs = aws.clock.now();
  // The clock moves by less than 15 minutes in total, because clients sign with the real time and AWS refuses
  // signatures that are older.
  for (let minute = 0; minute < 6; minute += 1) {
    aws.clock.advance(MINUTE_MS);
    await states();
  }
  expect(await states()).toEqual({ 'watched-full': 'ALARM', 'watched-old': 'ALARM' });
  const { MetricAlarms } = await cloudwatch.send(new DescribeAlarmsCommand({ AlarmNames: ['watched-full'] }));
  const [{ StateTransitionedTimestamp: since, AlarmDescription } = {}] = MetricAlarms ?? [];
  expect(AlarmDescription).toBe('what to do about watched-full');
  expect(Math.abs(since!.getTime() - beganMs)).toBeLessThanOrEqual(MINUTE_MS);
  await sqs('PurgeQueue', {});
  for (let minute = 0; minute < 6; minute += 1) {
    aws.clock.advance(MINUTE_MS);
    await states();
  }
  expect(await states()).toEqual({ 'watched-full': 'OK', 'watched-old': 'OK' });
});

const CODE = `
exports.handler = async ({ seconds }) => {
  process.stdout.write(JSON.stringify({ message: 'replicated', rule: 'invoices', seconds }) + '\\n');
  process.stdout.write(JSON.stringify({
    _aws: { Timestamp: Date.now(), CloudWatchMetrics: [
      { Namespace: 'own', Dimensions: [['Rule']], Metrics: [{ Name: 'Latency', Unit: 'Seconds' }] },
    ] },
    Rule: 'invoices',
    Latency: seconds,
  }) + '\\n');
};`;

const functionOf = async (name: string, zipFile: string, actions: string[]): Promise<string> => {
  const statement = { Effect: 'Allow' as const, Action: actions, Resource: '*' };
  aws.iam.putRole({
    accountId: ACCOUNT,
    roleName: name,
    assumeRolePolicy: {
      Statement: {
        Effect: 'Allow',
        Principal: { Service: 'lambda.amazonaws.com' },
        Action: 'sts:AssumeRole',
      },
    },
    policies: [{ Statement: statement }],
  });
  await logs.send(new CreateLogGroupCommand({ logGroupName: `/aws/lambda/${name}` }));
  const Role = `arn:aws:iam::${ACCOUNT}:role/${name}`;
  const properties = {
    FunctionName: name,
    Handler: 'index.handler',
    Runtime: 'nodejs24.x',
    Role,
    Timeout: 20,
  };
  return (await aws.lambda.createFunction({ accountId: ACCOUNT, region: aws.region, zipFile, properties }))
    .functionArn;
};

test('the output of a function becomes metrics and log events, if its role may write logs', async () => {
  const zipFile = await makeZip(join(aws.directory, 'writes.zip'), { 'index.js': CODE });
  const writes = await functionOf('writes', zipFile, ['logs:CreateLogStream', 'logs:PutLogEvents']);
  const silent = await functionOf('silent', zipFile, ['s3:GetObject']);
  for (const seconds of [1, 2, 30]) await aws.lambda.invoke(writes, { seconds });
  await aws.lambda.invoke(silent, { seconds: 1_000 });
  const { MetricDataResults } = await cloudwatch.send(
    new GetMetricDataCommand({
      StartTime: new Date(aws.clock.now() - 600_000),
      EndTime: new Date(aws.clock.now() + 600_000),
      MetricDataQueries: ['Sum', 'p50', 'p99'].map((Stat, index) => ({
        Id: `q${index}`,
        MetricStat: {
          Metric: {
            Namespace: 'own',
            MetricName: 'Latency',
            Dimensions: [{ Name: 'Rule', Value: 'invoices' }],
          },
          Period: 3_600,
          Stat,
        },
      })),
    }),
  );
  expect(MetricDataResults?.map(({ Values }) => Values)).toEqual([[33], [2], [30]]);
  const found = async (name: string) =>
    await logs.send(
      new FilterLogEventsCommand({
        logGroupName: `/aws/lambda/${name}`,
        filterPattern: '{ $.message = "replicated" && $.seconds > 1 }',
      }),
    );
  const { events = [] } = await found('writes');
  expect(events.map(({ message }) => JSON.parse(message!).seconds)).toEqual([2, 30]);
  expect(events[0]?.logStreamName).toMatch(/^\d{4}\/\d\d\/\d\d\/\[\$LATEST\][0-9a-f]{32}$/);
  expect((await found('silent')).events).toEqual([]);
});
