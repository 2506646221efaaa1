import type {
  NotificationConfiguration,
  SubscriptionProperties,
} from '../../src/lib/subscription/subscription.ts';

export const QUEUE = 'arn:aws:sqs:us-east-1:111111111111:s3-replicator-prod-live';
export const BUCKET = 'acme-documents';

export const wanted: SubscriptionProperties = {
  bucket: BUCKET,
  accountId: '111111111111',
  events: 's3',
  queueArn: QUEUE,
  idPrefix: 's3-replicator-prod:',
  eventTypes: ['s3:ObjectCreated:*', 's3:ObjectTagging:*'],
  filters: [{ prefix: 'invoices/', suffix: '' }],
  rules: ['invoices'],
};

export const ours = {
  Id: 's3-replicator-prod:1',
  QueueArn: QUEUE,
  Events: ['s3:ObjectCreated:*', 's3:ObjectTagging:*'],
  Filter: { Key: { FilterRules: [{ Name: 'prefix', Value: 'invoices/' }] } },
};

/** The notification configuration of other teams: one entry of each kind, and EventBridge. */
export const others: NotificationConfiguration = {
  QueueConfigurations: [
    {
      Id: 'their-queue',
      QueueArn: 'arn:aws:sqs:us-east-1:111111111111:theirs',
      Events: ['s3:ObjectRemoved:*'],
    },
  ],
  TopicConfigurations: [
    {
      Id: 'their-topic',
      TopicArn: 'arn:aws:sns:us-east-1:111111111111:theirs',
      Events: ['s3:ObjectCreated:Put'],
      Filter: { Key: { FilterRules: [{ Name: 'Prefix', Value: 'photos/' }] } },
    },
  ],
  LambdaFunctionConfigurations: [
    {
      Id: 'thumbnails',
      LambdaFunctionArn: 'arn:aws:lambda:us-east-1:111111111111:function:thumbnails',
      Events: ['s3:ObjectCreated:Put', 's3:ObjectCreated:Post'],
      Filter: {
        Key: {
          FilterRules: [
            { Name: 'Suffix', Value: '.jpg' },
            { Name: 'Prefix', Value: 'media/' },
          ],
        },
      },
    },
  ],
  EventBridgeConfiguration: {},
};
