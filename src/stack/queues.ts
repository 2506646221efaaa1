import type { StackSettings } from '../lib/configuration/configuration.ts';
import type { ResourceNames } from '../lib/configuration/resource-names.ts';
import {
  ACCOUNT_ID,
  accountsOf,
  attribute,
  bucketArn,
  denyWithoutTls,
  oneOrAll,
  OUTLIVES_THE_STACK,
  policyDocument,
  ref,
} from './cloudformation.ts';
import type { CloudFormationResource, Resources, Statement } from './cloudformation.ts';
import { eventRuleId } from './event-rules.ts';
import type { SubscribedBucket } from './source-buckets.ts';

/**
 * The time-out of the replicate function. It bounds how long a message waits after its invocation died. The largest PutObject has
 * 5 GiB, which takes this long at 13 MiB/s, the rate of one connection to the other side of the world. Longer copies are transfers.
 */
export const REPLICATE_TIMEOUT_SECONDS = 420;

/**
 * Returns how long a received message stays hidden in a queue of the replicate function. Lambda requires at least the function's time-out.
 * The rest is for the time between receiving the first message of a batch and starting its invocation.
 */
export const batchVisibilitySeconds = ({
  batchWindowSeconds,
}: Pick<StackSettings, 'batchWindowSeconds'>): number => REPLICATE_TIMEOUT_SECONDS + 30 + batchWindowSeconds;

/**
 * How long a received message stays hidden in a queue without batches. This is also the time after which a message returns if its
 * invocation crashed. It need not be six times the function's time-out. Each batch has only one message, so no message waits
 * while others are processed, and a throttled message is only delayed.
 */
export const SINGLE_MESSAGE_VISIBILITY_SECONDS = 16 * 60;

/** How long a queue keeps a message. It is the maximum that SQS allows. */
export const RETENTION_SECONDS = 14 * 24 * 60 * 60;

/**
 * Maximum number of deliveries before SQS itself moves a message to the dead-letter queue. It is the maximum that SQS allows, because
 * Lambda receives messages before it knows whether it has room for their invocation, and a throttled invocation costs a receive. The
 * functions themselves count the deliveries that died (`DEATH_LIMIT`), and the attempts that failed (`RETRY_LIMIT`).
 */
export const MAXIMUM_RECEIVE_COUNT = 1_000;

export const queues = (
  names: ResourceNames,
  buckets: SubscribedBucket[],
  settings: StackSettings,
): Resources => ({
  LiveQueue: {
    Type: 'AWS::SQS::Queue',
    Properties: {
      QueueName: names.liveQueue,
      VisibilityTimeout: batchVisibilitySeconds(settings),
      MessageRetentionPeriod: RETENTION_SECONDS,
      SqsManagedSseEnabled: true,
      RedrivePolicy: {
        deadLetterTargetArn: attribute('LiveDeadLetterQueue', 'Arn'),
        maxReceiveCount: MAXIMUM_RECEIVE_COUNT,
      },
    },
  },
  LiveDeadLetterQueue: {
    Type: 'AWS::SQS::Queue',
    ...OUTLIVES_THE_STACK,
    Properties: {
      QueueName: names.deadLetterQueue,
      MessageRetentionPeriod: RETENTION_SECONDS,
      SqsManagedSseEnabled: true,
      // The ARNs are built from names, because references would be circular: the live queue refers to this queue.
      RedriveAllowPolicy: {
        redrivePermission: 'byQueue',
        sourceQueueArns: [names.liveQueue, names.backfillQueue].map((name) => ({
          'Fn::Sub': `arn:\${AWS::Partition}:sqs:\${AWS::Region}:\${AWS::AccountId}:${name}`,
        })),
      },
    },
  },
  LiveQueuePolicy: {
    Type: 'AWS::SQS::QueuePolicy',
    Properties: {
      Queues: [ref('LiveQueue')],
      PolicyDocument: policyDocument([
        ...allowBuckets(buckets.filter(({ events }) => events === 's3')),
        ...allowEventRules(buckets, 'LiveQueue'),
        denyOtherSenders('LiveQueue', ['ReplicateRole']),
        denyWithoutTls('sqs:*', attribute('LiveQueue', 'Arn')),
      ]),
    },
  },
  LiveDeadLetterQueuePolicy: {
    Type: 'AWS::SQS::QueuePolicy',
    Properties: {
      Queues: [ref('LiveDeadLetterQueue')],
      PolicyDocument: policyDocument([
        ...allowEventRules(buckets, 'LiveDeadLetterQueue'),
        denyOtherSenders('LiveDeadLetterQueue', ['ReplicateRole']),
        denyWithoutTls('sqs:*', attribute('LiveDeadLetterQueue', 'Arn')),
      ]),
    },
  },
});

/**
 * Denies sending to all but these roles and AWS services. A service acts under no role, so `aws:PrincipalArn` is absent from its requests
 * and the negated operator alone would deny S3 as well. The services that may send are those that another statement allows.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-principalisawsservice
 */
const denyOtherSenders = (queue: string, roles: string[]): Statement => ({
  Sid: 'OnlyThisStack',
  Effect: 'Deny',
  Principal: '*',
  Action: 'sqs:SendMessage',
  Resource: attribute(queue, 'Arn'),
  Condition: {
    Bool: { 'aws:PrincipalIsAWSService': 'false' },
    ...(roles.length === 0
      ? {}
      : { ArnNotEquals: { 'aws:PrincipalArn': roles.map((role) => attribute(role, 'Arn')) } }),
  },
});

/** The policy of a queue to which only these roles of the stack send. It denies all other senders, and requests without TLS. */
export const policyOf = (queue: string, senders: string[]): [string, CloudFormationResource] => [
  `${queue}Policy`,
  {
    Type: 'AWS::SQS::QueuePolicy',
    Properties: {
      Queues: [ref(queue)],
      PolicyDocument: policyDocument([
        denyOtherSenders(queue, senders),
        denyWithoutTls('sqs:*', attribute(queue, 'Arn')),
      ]),
    },
  },
];

/** The condition checks the account as well as the bucket, because a deleted bucket can be created again by another account. */
function allowBuckets(buckets: SubscribedBucket[]): Statement[] {
  if (buckets.length === 0) return [];
  return [
    {
      Sid: 'SourceBuckets',
      Effect: 'Allow',
      Principal: { Service: 's3.amazonaws.com' },
      Action: 'sqs:SendMessage',
      Resource: attribute('LiveQueue', 'Arn'),
      Condition: {
        ArnEquals: { 'aws:SourceArn': buckets.map(({ bucket }) => bucketArn(bucket)) },
        StringEquals: { 'aws:SourceAccount': oneOrAll(accountsOf(buckets.map(({ account }) => account))) },
      },
    },
  ];
}

function allowEventRules(buckets: SubscribedBucket[], queue: string): Statement[] {
  const rules = buckets.filter(({ events }) => events === 'eventbridge');
  if (rules.length === 0) return [];
  return [
    {
      Sid: 'EventRules',
      Effect: 'Allow',
      Principal: { Service: 'events.amazonaws.com' },
      Action: 'sqs:SendMessage',
      Resource: attribute(queue, 'Arn'),
      Condition: {
        ArnEquals: { 'aws:SourceArn': rules.map((bucket) => attribute(eventRuleId(bucket), 'Arn')) },
        // AWS's own examples for EventBridge and SQS name only the ARN, so a request without the account is not refused.
        StringEqualsIfExists: { 'aws:SourceAccount': ACCOUNT_ID },
      },
    },
  ];
}
