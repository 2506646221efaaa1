/**
 * Notifications to topics. S3 publishes the same message that it would send to a queue.
 * Source: User Guide "Amazon S3 Event Notifications".
 */
import {
  PutBucketNotificationConfigurationCommand,
  PutObjectCommand,
  type NotificationConfiguration,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { REGION, SOURCE, startHarness, type Harness } from './harness.ts';

let harness: Harness;
const Bucket = 'publishing';
const TopicArn = `arn:aws:sns:${REGION}:${SOURCE}:changes`;
const published: { topicArn: string; subject: string; message: string; sourceArn: string }[] = [];

beforeAll(async () => {
  harness = await startHarness({
    topics: {
      mayPublish: ({ topicArn }) => (topicArn === TopicArn ? 'allowed' : 'no-such-topic'),
      publishAsService: (message) => {
        published.push(message);
        return 'sent';
      },
    },
  });
  harness.s3.createBucket({ name: Bucket, accountId: SOURCE, region: REGION });
});
afterAll(() => harness.close());

const configure = (NotificationConfiguration: NotificationConfiguration) =>
  harness.client.send(new PutBucketNotificationConfigurationCommand({ Bucket, NotificationConfiguration }));
const toTopic = (Arn: string) =>
  configure({ TopicConfigurations: [{ TopicArn: Arn, Events: ['s3:ObjectCreated:*'] }] });

test('a topic gets a test event and then each event that its configuration names', async () => {
  await toTopic(TopicArn);
  await harness.client.send(new PutObjectCommand({ Bucket, Key: 'k', Body: Buffer.from('x') }));
  expect(published).toMatchObject([
    { topicArn: TopicArn, subject: 'Amazon S3 Notification', sourceArn: `arn:aws:s3:::${Bucket}` },
    { topicArn: TopicArn, subject: 'Amazon S3 Notification' },
  ]);
  expect(JSON.parse(published[0]?.message ?? '')).toMatchObject({ Event: 's3:TestEvent' });
  expect(JSON.parse(published[1]?.message ?? '')).toMatchObject({
    Records: [{ eventName: 'ObjectCreated:Put', s3: { object: { key: 'k' } } }],
  });
});

test('a topic that does not exist is refused as a destination', async () => {
  await expect(toTopic(`${TopicArn}-not`)).rejects.toThrow(
    'Unable to validate the following destination configurations',
  );
});
