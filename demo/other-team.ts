/** Another team that uses the notifications of a source bucket. The deployment must not change that team's notification. */
import {
  GetBucketNotificationConfigurationCommand,
  PutBucketNotificationConfigurationCommand,
} from '@aws-sdk/client-s3';
import { CreateQueueCommand } from '@aws-sdk/client-sqs';
import type { Account } from './account.ts';

export const OTHER_TEAM_ENTRY = 'text-recognition';

/** Makes `bucket` notify a queue of another team about new objects under `scans/`. */
export const subscribeOtherTeam = async (account: Account, region: string, bucket: string): Promise<void> => {
  const queueName = 'acme-text-recognition';
  const queueArn = `arn:aws:sqs:${region}:${account.accountId}:${queueName}`;
  const policy = {
    Version: '2012-10-17',
    Statement: {
      Effect: 'Allow',
      Principal: { Service: 's3.amazonaws.com' },
      Action: 'sqs:SendMessage',
      Resource: queueArn,
      Condition: { ArnEquals: { 'aws:SourceArn': `arn:aws:s3:::${bucket}` } },
    },
  };
  await account.sqs.send(
    new CreateQueueCommand({ QueueName: queueName, Attributes: { Policy: JSON.stringify(policy) } }),
  );
  await account.s3().send(
    new PutBucketNotificationConfigurationCommand({
      Bucket: bucket,
      NotificationConfiguration: {
        QueueConfigurations: [
          {
            Id: OTHER_TEAM_ENTRY,
            QueueArn: queueArn,
            Events: ['s3:ObjectCreated:*'],
            Filter: { Key: { FilterRules: [{ Name: 'prefix', Value: 'scans/' }] } },
          },
        ],
      },
    }),
  );
};

/** Returns the ids of the queue entries in a bucket's notification configuration. */
export const notificationIds = async (account: Account, bucket: string): Promise<string[]> => {
  const configuration = await account
    .s3()
    .send(new GetBucketNotificationConfigurationCommand({ Bucket: bucket }));
  return (configuration.QueueConfigurations ?? []).map(({ Id = '' }) => Id);
};
