import type { AlarmSettings } from '../lib/configuration/configuration.ts';
import type { ResourceNames } from '../lib/configuration/resource-names.ts';
import { ACCOUNT_ID, attribute, denyWithoutTls, policyDocument, ref, substitute } from './cloudformation.ts';
import type { CloudFormationResource, Resources } from './cloudformation.ts';
import { RETENTION_SECONDS } from './queues.ts';

export const alarms = (names: ResourceNames, settings: AlarmSettings): Resources => ({
  ...(settings.topicArn === null ? topic(names, settings.email) : {}),
  ...publishedAt(alarmTopic(settings), allAlarms(names, settings)),
});

/** The topic of the alarms: one of the stack, or an existing one. */
export const alarmTopic = ({ topicArn }: AlarmSettings): unknown => topicArn ?? ref('AlarmTopic');

const publishedAt = (topicArn: unknown, resources: Resources): Resources =>
  Object.fromEntries(
    Object.entries(resources).map(([id, resource]) => [
      id,
      {
        ...resource,
        Properties: { ...resource.Properties, AlarmActions: [topicArn], OKActions: [topicArn] },
      },
    ]),
  );

const allAlarms = (names: ResourceNames, settings: AlarmSettings): Resources => ({
  DeadLettersAlarm: alarm(names, {
    name: 'dead-letters',
    description:
      'Objects could not be replicated. See why with `s3-replicator dlq list`, fix the cause, then `dlq redrive`.',
    metric: queueMetric('ApproximateNumberOfMessagesVisible', 'LiveDeadLetterQueue'),
    statistic: 'Maximum',
    threshold: 1,
  }),
  // The alarm above stays on as long as one object cannot be read, so it cannot announce later failures. This metric counts what our
  // functions send, and the alarm ends five minutes later.
  NewDeadLettersAlarm: alarm(names, {
    name: 'new-dead-letters',
    description: 'More objects could not be replicated. See them with `s3-replicator dlq list`.',
    metric: queueMetric('NumberOfMessagesSent', 'LiveDeadLetterQueue'),
    statistic: 'Sum',
    threshold: 1,
  }),
  ExpiringDeadLettersAlarm: alarm(names, {
    name: 'dead-letters-expire',
    description:
      'SQS deletes the oldest dead letters in less than four days, and with them the knowledge of what is missing. Redrive them, or start a verify later.',
    metric: queueMetric('ApproximateAgeOfOldestMessage', 'LiveDeadLetterQueue'),
    statistic: 'Maximum',
    threshold: EXPIRING_SECONDS,
  }),
  OldestMessageAlarm: alarm(names, {
    name: 'oldest-message',
    description: `Events have waited ${settings.oldestMessageMinutes} minutes: replication is behind.`,
    metric: queueMetric('ApproximateAgeOfOldestMessage', 'LiveQueue'),
    statistic: 'Maximum',
    threshold: settings.oldestMessageMinutes * 60,
  }),
  RangesAlarm: alarm(names, {
    name: 'ranges-dead-letters',
    description:
      'A backfill or verify does not get on: its function crashed again and again. See its logs, then `s3-replicator backfill resume`.',
    metric: queueMetric('ApproximateNumberOfMessagesVisible', 'RangesDeadLetterQueue'),
    statistic: 'Maximum',
    threshold: 1,
  }),
  TransfersAlarm: alarm(names, {
    name: 'transfers-dead-letters',
    description:
      'Parts of large objects were given up: their function crashed again and again. See its logs and `s3-replicator transfers list`.',
    metric: queueMetric('ApproximateNumberOfMessagesVisible', 'TransferDeadLetterQueue'),
    statistic: 'Maximum',
    threshold: 1,
  }),
  ...functionAlarms(names, settings),
  ...recursionAlarms(names),
});

/** How old a dead letter is when somebody has to act. SQS deletes it after `RETENTION_SECONDS`. */
const EXPIRING_SECONDS = RETENTION_SECONDS - 4 * 24 * 60 * 60;

const functionAlarms = (names: ResourceNames, settings: AlarmSettings): Resources => ({
  ErrorsAlarm: alarm(names, {
    name: 'errors',
    description: 'Invocations of the replicate function failed as a whole (crash, time-out, out of memory).',
    metric: functionMetric('Errors', 'ReplicateLambdaFunction'),
    statistic: 'Sum',
    threshold: settings.errors,
  }),
  TransferErrorsAlarm: alarm(names, {
    name: 'transfer-errors',
    description:
      'Invocations of the transfer function failed as a whole, or nobody looks after transfers that stand still. See its logs.',
    metric: functionMetric('Errors', 'TransferLambdaFunction'),
    statistic: 'Sum',
    threshold: settings.errors,
  }),
  BackfillErrorsAlarm: alarm(names, {
    name: 'backfill-errors',
    description:
      'Invocations of the backfill function failed as a whole, or nobody looks after runs. See its logs.',
    metric: functionMetric('Errors', 'BackfillLambdaFunction'),
    statistic: 'Sum',
    threshold: settings.errors,
  }),
  SubscriptionsAlarm: alarm(names, {
    name: 'subscriptions',
    description:
      'A source bucket lost its subscription, or nobody checks. Messages of this topic and the log of the subscribe function name the bucket, since when events may be missing, and the command that closes the gap.',
    metric: functionMetric('Errors', 'SubscribeLambdaFunction'),
    statistic: 'Sum',
    threshold: settings.errors,
  }),
  AvoidedAlarm: alarm(names, {
    name: 'destinations-avoided',
    description:
      'A destination denies everything, fails or does not answer. Its messages wait and come back by themselves: see docs/operations.md.',
    metric: ownMetric('DestinationsAvoided'),
    statistic: 'Sum',
    threshold: 1,
  }),
  DeletesPausedAlarm: alarm(names, {
    name: 'deletes-paused',
    description:
      'Deletes or overwrites in masses: the replicas of the rule are not deleted any more. See `s3-replicator brake status` and docs/operations.md before you release them with `brake release`.',
    metric: ownMetric('DeletesPaused'),
    statistic: 'Sum',
    threshold: 1,
  }),
  ThrottlesAlarm: alarm(names, {
    name: 'throttles',
    description: 'The account has no concurrency left for the replicate function.',
    metric: functionMetric('Throttles', 'ReplicateLambdaFunction'),
    statistic: 'Sum',
    threshold: settings.throttles,
  }),
});

/** One alarm for each function that sends messages on to its own queue. */
const recursionAlarms = (names: ResourceNames): Resources =>
  Object.fromEntries(
    ['Replicate', 'Transfer', 'Backfill'].map((part) => [
      `${part}RecursionAlarm`,
      alarm(names, {
        name: `${part.toLowerCase()}-recursion`,
        description:
          'Lambda stopped messages as a recursive loop, because RecursiveLoop of the function is not Allow any more. Deploy again.',
        metric: functionMetric('RecursiveInvocationsDropped', `${part}LambdaFunction`),
        statistic: 'Sum',
        threshold: 1,
      }),
    ]),
  );

/**
 * The topic of the alarms. It is encrypted only with a customer managed key (`stack.kmsKeyArn`). CloudWatch is not allowed to use
 * the key alias/aws/sns, so with this key alarms would be lost silently. The messages name alarms, not objects.
 * https://repost.aws/knowledge-center/cloudwatch-configure-alarm-sns
 */
const topic = (names: ResourceNames, email: string | null): Resources => ({
  AlarmTopic: {
    Type: 'AWS::SNS::Topic',
    Properties: {
      TopicName: names.alarmTopic,
      ...(email === null ? {} : { Subscription: [{ Protocol: 'email', Endpoint: email }] }),
    },
  },
  AlarmTopicPolicy: {
    Type: 'AWS::SNS::TopicPolicy',
    Properties: {
      Topics: [ref('AlarmTopic')],
      PolicyDocument: policyDocument([
        {
          Sid: 'Alarms',
          Effect: 'Allow',
          Principal: { Service: 'cloudwatch.amazonaws.com' },
          Action: 'sns:Publish',
          Resource: ref('AlarmTopic'),
          Condition: {
            StringEquals: { 'aws:SourceAccount': ACCOUNT_ID },
            ArnLike: {
              'aws:SourceArn': substitute(
                `arn:\${AWS::Partition}:cloudwatch:\${AWS::Region}:\${AWS::AccountId}:alarm:${names.stack}-*`,
              ),
            },
          },
        },
        denyWithoutTls('sns:Publish', ref('AlarmTopic')),
      ]),
    },
  },
});

interface Metric {
  Namespace: string;
  MetricName: string;
  Dimensions: { Name: string; Value: object | string }[];
}

const queueMetric = (metric: string, queue: string): Metric => ({
  Namespace: 'AWS/SQS',
  MetricName: metric,
  Dimensions: [{ Name: 'QueueName', Value: attribute(queue, 'QueueName') }],
});

const functionMetric = (metric: string, logicalId: string): Metric => ({
  Namespace: 'AWS/Lambda',
  MetricName: metric,
  Dimensions: [{ Name: 'FunctionName', Value: ref(logicalId) }],
});

/** A metric of our own that counts for all buckets and rules together. */
const ownMetric = (metric: string): Metric => ({
  Namespace: 's3-replicator',
  MetricName: metric,
  Dimensions: ['SourceBucket', 'DestinationBucket', 'RuleId'].map((Name) => ({ Name, Value: 'none' })),
});

interface Alarm {
  name: string;
  description: string;
  metric: Metric;
  statistic: 'Maximum' | 'Sum';
  threshold: number;
}

/** SQS and Lambda report no data for idle queues and functions. Missing data is therefore not a failure. */
const alarm = (
  names: ResourceNames,
  { name, description, metric, statistic, threshold }: Alarm,
): CloudFormationResource => ({
  Type: 'AWS::CloudWatch::Alarm',
  Properties: {
    AlarmName: `${names.stack}-${name}`,
    AlarmDescription: description,
    ...metric,
    Statistic: statistic,
    Period: 300,
    EvaluationPeriods: 1,
    ComparisonOperator: 'GreaterThanOrEqualToThreshold',
    Threshold: threshold,
    TreatMissingData: 'notBreaching',
  },
});
