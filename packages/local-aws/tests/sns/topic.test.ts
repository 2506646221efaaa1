import { expect, test } from 'vitest';
import { startCoreServices } from '../core-services.ts';
import { createSns } from '../../src/sns/sns.ts';

const place = { accountId: '111111111111', region: 'eu-central-1', generatedName: 'stack-Topic-1' };
const topicArn = 'arn:aws:sns:eu-central-1:111111111111:alarms';

test('a topic of a stack has its policy and subscriptions until it is deleted', async () => {
  const services = await startCoreServices();
  const sns = createSns({ iam: services.iam, clock: services.clock, queues: services.sqs });
  const made = await sns.topicResource.create(place, { TopicName: 'alarms' });
  expect(made).toEqual({ physicalId: topicArn, attributes: { TopicArn: topicArn, TopicName: 'alarms' } });
  const statement = {
    Effect: 'Allow',
    Principal: { Service: 'cloudwatch.amazonaws.com' },
    Action: 'sns:Publish',
    Resource: topicArn,
  };
  const PolicyDocument = { Version: '2012-10-17', Statement: [statement] };
  const policy = await sns.topicPolicyResource.create(place, { Topics: [topicArn], PolicyDocument });
  expect(sns.topic(topicArn)?.policy).toEqual(PolicyDocument);
  await sns.topicPolicyResource.delete(place, policy.physicalId);
  expect(sns.topic(topicArn)?.policy).toBeUndefined();
  const mail = { TopicArn: topicArn, Protocol: 'email', Endpoint: 'ops@example.com' };
  const subscription = await sns.subscriptionResource.create(place, mail);
  expect(sns.topic(topicArn)?.subscriptions).toMatchObject([
    { protocol: 'email', endpoint: 'ops@example.com' },
  ]);
  await sns.subscriptionResource.delete(place, subscription.physicalId);
  expect(sns.topic(topicArn)?.subscriptions).toEqual([]);
  await sns.topicResource.delete(place, topicArn);
  expect(sns.topic(topicArn)).toBeUndefined();
  await services.close();
});
