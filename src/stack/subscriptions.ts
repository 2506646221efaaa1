import { notificationFilters } from '../lib/subscription/subscription.ts';
import type { SubscriptionProperties } from '../lib/subscription/subscription.ts';
import { DEFAULT_STAGE } from '../lib/configuration/configuration.ts';
import type { AlarmSettings, StackSettings } from '../lib/configuration/configuration.ts';
import { subscriptionIdPrefix } from '../lib/configuration/resource-names.ts';
import type { Deployment, ResourceNames } from '../lib/configuration/resource-names.ts';
import { alarmTopic } from './alarms.ts';
import { ACCOUNT_ID, attribute, bucketArn, ref } from './cloudformation.ts';
import type { Resources, Statement } from './cloudformation.ts';
import { managedDocuments, managedPolicyId } from './managed-policies.ts';
import type { SubscribedBucket } from './source-buckets.ts';

/**
 * How long CloudFormation waits for a response. It is far longer than the function may run, because Lambda repeats an invocation
 * for which the account has no concurrency left, with pauses of up to five minutes.
 * https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
 */
const SERVICE_TIMEOUT_SECONDS = 1800;

/**
 * Returns the custom resources that subscribe the source buckets, and the resources that check the subscriptions later.
 *
 * The permissions to change the notifications of the buckets are managed policies of their own because of the order of deletion.
 * When a bucket is removed from `replication.yml`, CloudFormation first updates the remaining resources, including roles, and only
 * then deletes the subscription. If the permission were a statement of the role, it would already be missing at that time. The
 * bucket would then keep an entry for a queue to which it may no longer send. The policy for the other buckets is a new resource
 * (see `managedPolicyId`). The old policy, on which the subscription depends, is deleted after the subscription.
 *
 * Each subscription depends on the one before. Otherwise CloudFormation would invoke the function for all buckets at once, and an
 * account with little concurrency would throttle it until the deployment fails.
 */
export const subscriptions = (names: ResourceNames, buckets: SubscribedBucket[]): Resources => {
  const ids = buckets.map(subscriptionId);
  const permitted = permissions(buckets);
  const policies = Object.keys(permitted);
  return {
    ...permitted,
    ...Object.fromEntries(
      buckets.map((bucket, index) =>
        subscription(names, bucket, [...policies, ...ids.slice(Math.max(0, index - 1), index)]),
      ),
    ),
    SubscriptionCheck: {
      Type: 'Custom::SubscriptionCheck',
      DependsOn: ids,
      Properties: {
        ServiceToken: attribute('SubscribeLambdaFunction', 'Arn'),
        ServiceTimeout: String(SERVICE_TIMEOUT_SECONDS),
        // The Serverless framework puts another value here in each deployment. CloudFormation updates a custom resource only if its
        // properties have changed, so without this property a deployment would repair nothing.
        deployment: '${sls:instanceId}',
      },
    },
    ...schedule(names, ids),
  };
};

/** How often subscriptions are checked. A lost one costs at most the events of this time. */
const CHECK_RATE = 'rate(5 minutes)';

/**
 * The schedule depends on all subscriptions. It is therefore deleted before them, and no check makes a subscription again while
 * the stack is removed.
 */
const schedule = (names: ResourceNames, ids: string[]): Resources => ({
  SubscriptionSchedule: {
    Type: 'AWS::Events::Rule',
    DependsOn: [...ids, 'SubscriptionCheck'],
    Properties: {
      Description: `${names.stack}: checks whether the source buckets still report their changes`,
      ScheduleExpression: CHECK_RATE,
      Targets: [
        {
          Id: 'subscribe',
          Arn: attribute('SubscribeLambdaFunction', 'Arn'),
          Input: JSON.stringify({ check: ids.length }),
        },
      ],
    },
  },
  SubscriptionSchedulePermission: {
    Type: 'AWS::Lambda::Permission',
    Properties: {
      FunctionName: attribute('SubscribeLambdaFunction', 'Arn'),
      Action: 'lambda:InvokeFunction',
      Principal: 'events.amazonaws.com',
      SourceArn: attribute('SubscriptionSchedule', 'Arn'),
    },
  },
});

/** The permissions of the subscribe function, besides those on buckets. */
export const subscribeStatements = (alarms: AlarmSettings): Statement[] => [
  {
    Sid: 'Records',
    Effect: 'Allow',
    Action: ['dynamodb:GetItem', 'dynamodb:Query', 'dynamodb:UpdateItem', 'dynamodb:DeleteItem'],
    Resource: attribute('RunsTable', 'Arn'),
  },
  { Sid: 'Announce', Effect: 'Allow', Action: 'sns:Publish', Resource: alarmTopic(alarms) },
];

/** Environment variables of the subscribe function. */
export const subscribeEnvironment = (
  { stage, region }: Deployment,
  names: ResourceNames,
  { lostSubscriptions, alarms }: Pick<StackSettings, 'alarms' | 'lostSubscriptions'>,
): Record<string, unknown> => ({
  STACK: names.stack,
  RUNS_TABLE: ref('RunsTable'),
  ALARM_TOPIC_ARN: alarmTopic(alarms),
  LOST_SUBSCRIPTIONS: lostSubscriptions,
  COMMAND_OPTIONS: `${stage === DEFAULT_STAGE ? '' : `--stage ${stage} `}--region ${region}`,
});

type NamedResource = [string, Resources[string]];

const subscriptionId = ({ logicalName }: SubscribedBucket): string => `Subscription${logicalName}`;

/** One statement for each account that owns buckets. */
const permissions = (buckets: readonly SubscribedBucket[]): Resources => {
  const statements = [...Map.groupBy(buckets, ({ account }) => account)].map(
    ([account, ofAccount], position): Statement => ({
      Sid: position === 0 ? 'Notifications' : `Notifications${position + 1}`,
      Effect: 'Allow',
      Action: ['s3:GetBucketNotification', 's3:PutBucketNotification'],
      Resource: ofAccount.map(({ bucket }) => bucketArn(bucket)),
      Condition: { StringEquals: { 'aws:ResourceAccount': account ?? ACCOUNT_ID } },
    }),
  );
  return Object.fromEntries(
    managedDocuments(statements).map((document) => [
      managedPolicyId('SubscribePolicy', document),
      {
        Type: 'AWS::IAM::ManagedPolicy',
        Properties: { Roles: [ref('SubscribeRole')], PolicyDocument: document },
      },
    ]),
  );
};

/** Returns the subscription that a bucket needs. In the template, account and queue are references. */
export const wantedSubscription = <Value>(
  names: ResourceNames,
  source: SubscribedBucket,
  place: Record<'accountId' | 'queueArn', Value>,
): Omit<SubscriptionProperties, 'accountId' | 'queueArn'> & Record<'accountId' | 'queueArn', Value> => ({
  ...place,
  bucket: source.bucket,
  events: source.events,
  idPrefix: subscriptionIdPrefix(names),
  eventTypes: source.events === 's3' ? source.changes.flatMap(({ eventTypes }) => eventTypes) : [],
  filters: source.events === 's3' ? notificationFilters(source.filters) : [],
  rules: source.rules,
});

function subscription(names: ResourceNames, source: SubscribedBucket, before: string[]): NamedResource {
  const properties = wantedSubscription(names, source, {
    accountId: source.account ?? ACCOUNT_ID,
    queueArn: attribute('LiveQueue', 'Arn'),
  });
  return [
    subscriptionId(source),
    {
      Type: 'Custom::BucketSubscription',
      // Before S3 accepts a subscription, it checks that it may send to the queue.
      DependsOn: ['LiveQueuePolicy', ...before],
      Properties: {
        ServiceToken: attribute('SubscribeLambdaFunction', 'Arn'),
        ServiceTimeout: String(SERVICE_TIMEOUT_SECONDS),
        ...properties,
      },
    },
  ];
}
