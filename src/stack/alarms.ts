import type { AlarmSettings, Configuration } from '../lib/configuration/configuration.ts';
import { type Deployment, type ResourceNames, resourceNames } from '../lib/configuration/resource-names.ts';
import { alarmDescription, type AlarmName } from './alarm-texts.ts';
import { ACCOUNT_ID, attribute, denyWithoutTls, policyDocument, ref, substitute } from './cloudformation.ts';
import type { CloudFormationResource, Resources } from './cloudformation.ts';
import {
  dimensionsOf,
  NAMESPACE,
  NO_PLACE,
  type SHARED_METRICS,
  VERIFIES_FAILING,
} from '../lib/model/metrics.ts';
import { RETENTION_SECONDS } from './queues.ts';

export const alarms = ({ deployment, stack, replication }: Configuration): Resources => {
  const settings = stack.alarms;
  const isScheduled = replication.rules.some(({ verify }) => verify !== null);
  return {
    ...(settings.topicArn === null ? topic(resourceNames(deployment), settings.email) : {}),
    ...publishedAt(alarmTopic(settings), {
      ...allAlarms(deployment, settings),
      ...(isScheduled ? verifyAlarm(deployment) : {}),
    }),
  };
};

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

const allAlarms = (deployment: Deployment, settings: AlarmSettings): Resources => ({
  DeadLettersAlarm: alarm(deployment, {
    name: 'dead-letters',
    metric: queueMetric('ApproximateNumberOfMessagesVisible', 'LiveDeadLetterQueue'),
    statistic: 'Maximum',
    threshold: 1,
  }),
  // The alarm above stays on as long as one object cannot be read, so it cannot announce later failures. The metric of this alarm
  // counts the letters that our functions send, so this alarm ends five minutes later.
  NewDeadLettersAlarm: alarm(deployment, {
    name: 'new-dead-letters',
    metric: queueMetric('NumberOfMessagesSent', 'LiveDeadLetterQueue'),
    statistic: 'Sum',
    threshold: 1,
  }),
  ExpiringDeadLettersAlarm: alarm(deployment, {
    name: 'dead-letters-expire',
    metric: queueMetric('ApproximateAgeOfOldestMessage', 'LiveDeadLetterQueue'),
    statistic: 'Maximum',
    threshold: EXPIRING_SECONDS,
  }),
  OldestMessageAlarm: alarm(deployment, {
    name: 'oldest-message',
    metric: queueMetric('ApproximateAgeOfOldestMessage', 'LiveQueue'),
    statistic: 'Maximum',
    threshold: settings.oldestMessageMinutes * 60,
  }),
  RangesAlarm: alarm(deployment, {
    name: 'ranges-dead-letters',
    metric: queueMetric('ApproximateNumberOfMessagesVisible', 'RangesDeadLetterQueue'),
    statistic: 'Maximum',
    threshold: 1,
  }),
  TransfersAlarm: alarm(deployment, {
    name: 'transfers-dead-letters',
    metric: queueMetric('ApproximateNumberOfMessagesVisible', 'TransferDeadLetterQueue'),
    statistic: 'Maximum',
    threshold: 1,
  }),
  ...functionAlarms(deployment, settings),
  ...recursionAlarms(deployment),
});

/** How old a dead letter may become before somebody has to act. SQS deletes it after `RETENTION_SECONDS`. */
const EXPIRING_SECONDS = RETENTION_SECONDS - 4 * 24 * 60 * 60;

const functionAlarms = (deployment: Deployment, settings: AlarmSettings): Resources => ({
  ErrorsAlarm: alarm(deployment, {
    name: 'errors',
    metric: functionMetric('Errors', 'ReplicateLambdaFunction'),
    statistic: 'Sum',
    threshold: settings.errors,
  }),
  TransferErrorsAlarm: alarm(deployment, {
    name: 'transfer-errors',
    metric: functionMetric('Errors', 'TransferLambdaFunction'),
    statistic: 'Sum',
    threshold: settings.errors,
  }),
  BackfillErrorsAlarm: alarm(deployment, {
    name: 'backfill-errors',
    metric: functionMetric('Errors', 'BackfillLambdaFunction'),
    statistic: 'Sum',
    threshold: settings.errors,
  }),
  SubscriptionsAlarm: alarm(deployment, {
    name: 'subscriptions',
    metric: functionMetric('Errors', 'SubscribeLambdaFunction'),
    statistic: 'Sum',
    threshold: settings.errors,
  }),
  AvoidedAlarm: alarm(deployment, {
    name: 'destinations-avoided',
    metric: ownMetric('DestinationsAvoided'),
    statistic: 'Sum',
    threshold: 1,
  }),
  DeletesPausedAlarm: alarm(deployment, {
    name: 'deletes-paused',
    metric: ownMetric('DeletesPaused'),
    statistic: 'Sum',
    threshold: 1,
  }),
  ThrottlesAlarm: alarm(deployment, {
    name: 'throttles',
    metric: functionMetric('Throttles', 'ReplicateLambdaFunction'),
    statistic: 'Sum',
    threshold: settings.throttles,
  }),
});

/** The metric has the same value each minute, until a later run finds that both sides agree. */
const verifyAlarm = (deployment: Deployment): Resources => ({
  VerifyAlarm: alarm(deployment, {
    name: 'verify',
    metric: ownMetric(VERIFIES_FAILING),
    statistic: 'Maximum',
    threshold: 1,
  }),
});

const RECURSION_ALARMS = {
  Replicate: 'replicate-recursion',
  Transfer: 'transfer-recursion',
  Backfill: 'backfill-recursion',
} as const;

/** One alarm for each function that sends messages on to its own queue. */
const recursionAlarms = (deployment: Deployment): Resources =>
  Object.fromEntries(
    (['Replicate', 'Transfer', 'Backfill'] as const).map((part) => [
      `${part}RecursionAlarm`,
      alarm(deployment, {
        name: RECURSION_ALARMS[part],
        metric: functionMetric('RecursiveInvocationsDropped', `${part}LambdaFunction`),
        statistic: 'Sum',
        threshold: 1,
      }),
    ]),
  );

/**
 * The topic of the alarms. It is encrypted only with a customer managed key (`stack.kmsKeyArn`). CloudWatch is not allowed to use
 * the key alias/aws/sns, so with that key alarms would be lost silently. The messages name alarms, not objects.
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
const ownMetric = (metric: typeof VERIFIES_FAILING | (typeof SHARED_METRICS)[number]): Metric => ({
  Namespace: NAMESPACE,
  MetricName: metric,
  Dimensions: Object.entries(dimensionsOf(NO_PLACE)).map(([Name, Value]) => ({ Name, Value })),
});

interface Alarm {
  name: AlarmName;
  metric: Metric;
  statistic: 'Maximum' | 'Sum';
  threshold: number;
}

/** SQS and Lambda report no data for idle queues and functions. Missing data is therefore not a failure. */
const alarm = (
  deployment: Deployment,
  { name, metric, statistic, threshold }: Alarm,
): CloudFormationResource => ({
  Type: 'AWS::CloudWatch::Alarm',
  Properties: {
    AlarmName: `${resourceNames(deployment).stack}-${name}`,
    AlarmDescription: alarmDescription(name, deployment),
    ...metric,
    Statistic: statistic,
    Period: 300,
    EvaluationPeriods: 1,
    ComparisonOperator: 'GreaterThanOrEqualToThreshold',
    Threshold: threshold,
    TreatMissingData: 'notBreaching',
  },
});
