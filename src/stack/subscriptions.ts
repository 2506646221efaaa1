import { notificationFilters } from '../lib/subscription/subscription.ts';
import type { SubscriptionProperties } from '../lib/subscription/subscription.ts';
import { subscriptionIdPrefix } from '../lib/configuration/resource-names.ts';
import type { ResourceNames } from '../lib/configuration/resource-names.ts';
import { ACCOUNT_ID, attribute, bucketArn, policyDocument, ref } from './cloudformation.ts';
import type { Resources } from './cloudformation.ts';
import type { SubscribedBucket } from './source-buckets.ts';

/** How long CloudFormation waits for a response. After this time the resource fails. */
const SERVICE_TIMEOUT_SECONDS = 120;

/**
 * Returns one custom resource for each source bucket and, beside it, the permission to change the notifications of that bucket.
 *
 * Each permission is a separate resource because of the order of deletion. When a bucket is removed from `replication.yml`,
 * CloudFormation first updates the remaining resources, including roles, and only then deletes the subscription. If the
 * permission were a statement of the role, it would already be missing at that time. The bucket would then keep an entry for a
 * queue to which it may no longer send.
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
      // Before S3 accepts a subscription, it checks that it may send to the queue.
      DependsOn: [permissionId(source), 'LiveQueuePolicy'],
      Properties: {
        ServiceToken: attribute('SubscribeLambdaFunction', 'Arn'),
        ServiceTimeout: String(SERVICE_TIMEOUT_SECONDS),
        ...properties,
      },
    },
  ];
}
