import { notificationFilters } from '../lib/subscription/subscription.ts';
import type { SubscriptionProperties } from '../lib/subscription/subscription.ts';
import { subscriptionIdPrefix } from '../lib/configuration/resource-names.ts';
import type { ResourceNames } from '../lib/configuration/resource-names.ts';
import { ACCOUNT_ID, attribute, bucketArn, policyDocument, ref } from './cloudformation.ts';
import type { Resources } from './cloudformation.ts';
import type { SubscribedBucket } from './source-buckets.ts';

/** How long CloudFormation waits for an answer before the resource fails. */
const SERVICE_TIMEOUT_SECONDS = 120;

/**
 * One custom resource per source bucket, and beside each the permission to change that bucket's notifications. The
 * permission is a resource of its own because of the order of deletion: when a bucket leaves `replication.yml`, CloudFormation
 * first updates the remaining resources, including roles, and only then deletes the subscription. A statement inside the role
 * would be gone by then, and the bucket would keep an entry for a queue that no longer lets the bucket send.
 */
export const subscriptions = (names: ResourceNames, buckets: SubscribedBucket[]): Resources =>
  Object.fromEntries(buckets.flatMap((bucket) => [permission(bucket), subscription(names, bucket)]));

type NamedResource = [string, Resources[string]];

const permissionId = ({ logicalName }: SubscribedBucket): string => `SubscribePolicy${logicalName}`;

const permission = (source: SubscribedBucket): NamedResource => [
  permissionId(source),
  {
    Type: 'AWS::IAM::Policy',
    Properties: {
      PolicyName: `subscribe-${source.bucket}`,
      Roles: [ref('SubscribeRole')],
      PolicyDocument: policyDocument([
        {
          Effect: 'Allow',
          Action: ['s3:GetBucketNotification', 's3:PutBucketNotification'],
          Resource: bucketArn(source.bucket),
        },
      ]),
    },
  },
];

function subscription(names: ResourceNames, source: SubscribedBucket): NamedResource {
  const properties: Record<keyof SubscriptionProperties, unknown> = {
    bucket: source.bucket,
    accountId: ACCOUNT_ID,
    events: source.events,
    queueArn: attribute('LiveQueue', 'Arn'),
    idPrefix: subscriptionIdPrefix(names),
    eventTypes: source.events === 's3' ? source.changes.flatMap(({ eventTypes }) => eventTypes) : [],
    filters: source.events === 's3' ? notificationFilters(source.filters) : [],
  };
  return [
    `Subscription${source.logicalName}`,
    {
      Type: 'Custom::BucketSubscription',
      // S3 asks the queue whether it may send before it accepts the subscription.
      DependsOn: [permissionId(source), 'LiveQueuePolicy'],
      Properties: {
        ServiceToken: attribute('SubscribeLambdaFunction', 'Arn'),
        ServiceTimeout: String(SERVICE_TIMEOUT_SECONDS),
        ...properties,
      },
    },
  ];
}
