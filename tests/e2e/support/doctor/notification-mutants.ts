/** Other tools that change the notifications of a source bucket. */
import {
  GetBucketNotificationConfigurationCommand,
  type NotificationConfiguration,
  PutBucketNotificationConfigurationCommand,
} from '@aws-sdk/client-s3';
import { CreateQueueCommand, DeleteQueueCommand } from '@aws-sdk/client-sqs';
import { SOURCE_ACCOUNT } from '../../../../demo/two-accounts.ts';
import { REGION, type Stage } from '../stages/stage.ts';
import type { Mutant } from './mutant.ts';

export const notificationMutants = (stage: Stage): Mutant[] => {
  const s3 = stage.source.s3();
  const one = (
    name: string,
    Bucket: string,
    causes: string[],
    change: (existing: NotificationConfiguration) => NotificationConfiguration,
  ): Mutant => ({
    name: `${Bucket}: ${name}`,
    place: `notifications of ${Bucket}`,
    causes,
    apply: async () => {
      const { $metadata: _, ...existing } = await s3.send(
        new GetBucketNotificationConfigurationCommand({ Bucket }),
      );
      const put = (NotificationConfiguration: NotificationConfiguration) =>
        s3.send(new PutBucketNotificationConfigurationCommand({ Bucket, NotificationConfiguration }));
      await put(change(existing));
      return () => put(existing);
    },
  });
  const narrowed =
    (change: (entry: NonNullable<NotificationConfiguration['QueueConfigurations']>[0]) => object) =>
    (existing: NotificationConfiguration) => ({
      ...existing,
      QueueConfigurations: existing.QueueConfigurations?.map((entry) => ({ ...entry, ...change(entry) })),
    });
  return [
    one('all notifications removed', 'notified', ['source-not-notifying'], () => ({})),
    one('one entry removed', 'notified', ['source-not-notifying'], (existing) => ({
      ...existing,
      QueueConfigurations: existing.QueueConfigurations?.slice(1),
    })),
    one(
      'one event type removed',
      'notified',
      ['source-not-notifying'],
      narrowed(({ Events = [] }) => ({ Events: Events.slice(1) })),
    ),
    one(
      'another filter',
      'notified',
      ['source-not-notifying'],
      narrowed(({ Filter }) => ({
        Filter: {
          Key: { FilterRules: [{ Name: 'prefix', Value: `${Filter?.Key?.FilterRules?.[0]?.Value}2026/` }] },
        },
      })),
    ),
    one('EventBridge off', 'bridged', ['source-eventbridge-off'], () => ({})),
    deadTargetMutant(stage),
  ];
};

const deadTargetMutant = ({ aws, source }: Stage): Mutant => {
  const s3 = source.s3();
  const left = `${aws.endpoint}/${SOURCE_ACCOUNT}/left-over`;
  return {
    name: 'notified: an entry for a queue that was deleted',
    place: 'notifications of notified',
    causes: ['source-dead-target'],
    apply: async () => {
      await source.sqs.send(
        new CreateQueueCommand({ QueueName: 'left-over', Attributes: { Policy: letS3Send('left-over') } }),
      );
      const { $metadata: _, ...existing } = await s3.send(
        new GetBucketNotificationConfigurationCommand({ Bucket: 'notified' }),
      );
      const put = (NotificationConfiguration: NotificationConfiguration) =>
        s3.send(
          new PutBucketNotificationConfigurationCommand({ Bucket: 'notified', NotificationConfiguration }),
        );
      await put({
        ...existing,
        QueueConfigurations: [
          ...(existing.QueueConfigurations ?? []),
          {
            Id: 'older',
            QueueArn: `arn:aws:sqs:${REGION}:${SOURCE_ACCOUNT}:left-over`,
            Events: ['s3:ObjectCreated:*'],
            Filter: { Key: { FilterRules: [{ Name: 'prefix', Value: 'elsewhere/' }] } },
          },
        ],
      });
      await source.sqs.send(new DeleteQueueCommand({ QueueUrl: left }));
      return () => put(existing);
    },
  };
};

const letS3Send = (queue: string): string =>
  JSON.stringify({
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Allow',
        Principal: { Service: 's3.amazonaws.com' },
        Action: 'sqs:SendMessage',
        Resource: `arn:aws:sqs:${REGION}:${SOURCE_ACCOUNT}:${queue}`,
      },
    ],
  });
