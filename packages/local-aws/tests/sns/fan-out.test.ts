/** Topics with subscribed queues. They are created through the API of SNS and from templates. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createQueuePolicyResource, createQueueResource } from '../../src/sqs/resources.ts';
import { createSns, type Sns } from '../../src/sns/sns.ts';
import { accountId, otherAccountId, region, startCoreServices, type CoreServices } from '../core-services.ts';
import { queryClient, type QueryClient } from '../query-client.ts';

const topicArn = `arn:aws:sns:${region}:${accountId}:events`;
const queueArn = (name: string, account = accountId): string => `arn:aws:sqs:${region}:${account}:${name}`;

let services: CoreServices;
let sns: Sns;
let call: QueryClient;

beforeEach(async () => {
  services = await startCoreServices({
    sns: { handle: (request, response) => sns.handle(request, response) },
  });
  sns = createSns({ iam: services.iam, clock: services.clock, queues: services.sqs });
  call = clientOf(services.iam.rootCredentials(accountId));
  await call('CreateTopic', { Name: 'events' });
});
afterEach(() => services.close());

const clientOf = (credentials: Parameters<typeof queryClient>[0]['credentials']): QueryClient =>
  queryClient({ endpoint: services.front.httpEndpoint, region, service: 'sns', credentials });

/** Creates a queue. The queue's policy lets the topic send to it unless `isOpen` is false. */
const makeQueue = async (name: string, { account = accountId, isOpen = true } = {}): Promise<void> => {
  const place = { accountId: account, region, generatedName: `${name}-policy` };
  await createQueueResource(services.sqs).create(place, { QueueName: name });
  if (!isOpen) return;
  const arn = queueArn(name, account);
  const statement = {
    Effect: 'Allow',
    Principal: { Service: 'sns.amazonaws.com' },
    Action: 'sqs:SendMessage',
    Resource: arn,
    Condition: { ArnEquals: { 'aws:SourceArn': topicArn } },
  };
  const properties = { Queues: [services.sqs.queueUrl(arn)], PolicyDocument: { Statement: [statement] } };
  await createQueuePolicyResource(services.sqs).create(place, properties);
};

const received = (name: string, account = accountId) =>
  services.sqs.queues
    .byArn(queueArn(name, account))
    ?.messages.take(10, 0, () => false)
    .map(({ content }) => content) ?? [];

const subscribe = (name: string, attributes: Record<string, string> = {}, account = accountId) =>
  call('Subscribe', {
    TopicArn: topicArn,
    Protocol: 'sqs',
    Endpoint: queueArn(name, account),
    ...Object.fromEntries(
      Object.entries(attributes).flatMap(([key, value], index) => [
        [`Attributes.entry.${index + 1}.key`, key],
        [`Attributes.entry.${index + 1}.value`, value],
      ]),
    ),
  });

const attribute = {
  'MessageAttributes.entry.1.Name': 'origin',
  'MessageAttributes.entry.1.Value.DataType': 'String',
  'MessageAttributes.entry.1.Value.StringValue': 'a "test"',
};

test('a published message reaches every queue, in an envelope or raw as each subscription asks', async () => {
  await makeQueue('wrapped');
  await makeQueue('raw');
  await subscribe('wrapped');
  const { value } = await subscribe('raw', { RawMessageDelivery: 'true' });
  expect(value('SubscriptionArn')).toMatch(/^arn:aws:sns:eu-central-1:111111111111:events:[0-9a-f-]{36}$/);
  const published = await call('Publish', {
    TopicArn: topicArn,
    Message: 'päck & "quote"',
    Subject: 'greeting',
    ...attribute,
  });
  const [wrapped] = received('wrapped');
  expect(JSON.parse(wrapped?.body ?? '')).toEqual({
    Type: 'Notification',
    MessageId: published.value('MessageId'),
    TopicArn: topicArn,
    Subject: 'greeting',
    Message: 'päck & "quote"',
    Timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
    SignatureVersion: '1',
    Signature: expect.any(String),
    SigningCertURL: expect.stringMatching(/^https:\/\/sns\.eu-central-1\.amazonaws\.com\/.+\.pem$/),
    UnsubscribeURL: expect.stringContaining(`SubscriptionArn=${topicArn}:`),
    MessageAttributes: { origin: { Type: 'String', Value: 'a "test"' } },
  });
  expect(wrapped?.attributes.size).toBe(0);
  const [raw] = received('raw');
  expect(raw?.body).toBe('päck & "quote"');
  expect(raw?.attributes.get('origin')).toEqual({ DataType: 'String', StringValue: 'a "test"' });
});

test('a message that the queue policy refuses goes to the dead-letter queue of the subscription', async () => {
  await makeQueue('closed', { isOpen: false });
  await makeQueue('dead');
  await subscribe('closed', { RedrivePolicy: JSON.stringify({ deadLetterTargetArn: queueArn('dead') }) });
  await call('Publish', { TopicArn: topicArn, Message: 'lost' });
  expect(received('closed')).toEqual([]);
  expect(JSON.parse(received('dead')[0]?.body ?? '').Message).toBe('lost');
  expect(sns.failedDeliveries).toEqual([]);
});

test('a refused message without a dead-letter queue is lost and recorded as a failed delivery', async () => {
  await makeQueue('closed', { isOpen: false });
  await subscribe('closed');
  await call('Publish', { TopicArn: topicArn, Message: 'lost' });
  expect(sns.failedDeliveries).toMatchObject([{ queueArn: queueArn('closed'), reason: 'denied' }]);
});

test('a raw message with more attributes than SQS accepts is lost', async () => {
  await makeQueue('raw');
  await subscribe('raw', { RawMessageDelivery: 'true' });
  const attributes = Array.from({ length: 11 }, (_, index) => [
    [`MessageAttributes.entry.${index + 1}.Name`, `a${index}`],
    [`MessageAttributes.entry.${index + 1}.Value.DataType`, 'String'],
    [`MessageAttributes.entry.${index + 1}.Value.StringValue`, 'x'],
  ]);
  await call('Publish', { TopicArn: topicArn, Message: 'm', ...Object.fromEntries(attributes.flat()) });
  expect(received('raw')).toEqual([]);
  expect(sns.failedDeliveries).toMatchObject([{ reason: 'too-many-attributes' }]);
});

test.each([
  [{ Message: '' }, 'InvalidParameter: Invalid parameter: Empty message'],
  [{ Message: 'x'.repeat(262_145) }, 'InvalidParameter: Invalid parameter: Message too long'],
  [{ Message: 'x', Subject: 'ä' }, 'InvalidParameter: Invalid parameter: Subject'],
  [{ Message: 'x', TopicArn: 'nonsense' }, 'InvalidParameter: Invalid parameter: TopicArn'],
  [{ Message: 'x', TopicArn: `${topicArn}2` }, 'NotFound: Topic does not exist'],
])('an invalid message is refused in the words of SNS (%#)', async (fields, error) => {
  expect((await call('Publish', { TopicArn: topicArn, ...fields })).error()).toBe(error);
});

test("a subscription of another account's queue waits until its owner confirms", async () => {
  await makeQueue('theirs', { account: otherAccountId });
  const answer = await subscribe('theirs', {}, otherAccountId);
  expect(answer.value('SubscriptionArn')).toBe('pending confirmation');
  await call('Publish', { TopicArn: topicArn, Message: 'too early' });
  const [request, ...others] = received('theirs', otherAccountId);
  expect(others).toEqual([]);
  const { Type, Token } = JSON.parse(request?.body ?? '');
  expect(Type).toBe('SubscriptionConfirmation');
  await call('ConfirmSubscription', { TopicArn: topicArn, Token });
  await call('Publish', { TopicArn: topicArn, Message: 'in time' });
  const messages = received('theirs', otherAccountId).map(({ body }) => JSON.parse(body));
  expect(messages.filter((message) => message.Type === 'Notification')).toMatchObject([
    { Message: 'in time' },
  ]);
});

test('a subscription can be described, changed and removed', async () => {
  await makeQueue('queue');
  const arn = (await subscribe('queue')).value('SubscriptionArn') ?? '';
  expect((await subscribe('queue')).value('SubscriptionArn')).toBe(arn);
  expect((await subscribe('queue', { RawMessageDelivery: 'true' })).error()).toContain(
    'Subscription already exists with different attributes',
  );
  await call('SetSubscriptionAttributes', {
    SubscriptionArn: arn,
    AttributeName: 'RawMessageDelivery',
    AttributeValue: 'true',
  });
  const { xml } = await call('GetSubscriptionAttributes', { SubscriptionArn: arn });
  expect(xml).toContain('<entry><key>RawMessageDelivery</key><value>true</value></entry>');
  await call('Unsubscribe', { SubscriptionArn: arn });
  expect((await call('ListSubscriptionsByTopic', { TopicArn: topicArn })).values('Endpoint')).toEqual([]);
});

test('a subscription with a filter policy is refused', async () => {
  await makeQueue('queue');
  const answer = await subscribe('queue', { FilterPolicy: '{"a":["b"]}' });
  expect(answer.error()).toContain('does not support SNS subscriptions with FilterPolicy');
});

test('a template can create, update and delete a subscription', async () => {
  await makeQueue('queue');
  const place = { accountId, region, generatedName: 'x' };
  const properties = { TopicArn: topicArn, Protocol: 'sqs', Endpoint: queueArn('queue') };
  const { physicalId } = await sns.subscriptionResource.create(place, {
    ...properties,
    RawMessageDelivery: 'true',
  });
  await call('Publish', { TopicArn: topicArn, Message: 'raw' });
  const updated = await sns.subscriptionResource.update(place, physicalId, properties);
  expect(updated.physicalId).toBe(physicalId);
  await call('Publish', { TopicArn: topicArn, Message: 'wrapped' });
  const bodies = received('queue').map(({ body }) => body);
  expect(bodies).toEqual(['raw', expect.stringContaining('"Message" : "wrapped"')]);
  await sns.subscriptionResource.delete(place, physicalId);
  expect(sns.topic(topicArn)?.subscriptions).toEqual([]);
  expect(() => sns.subscriptionResource.create(place, { ...properties, FilterPolicy: { a: ['b'] } })).toThrow(
    'FilterPolicy',
  );
});

const publish = (client: QueryClient) => client('Publish', { TopicArn: topicArn, Message: 'x' });

test('publishing needs sns:Publish, and from another account the topic policy as well', async () => {
  const allow = [{ Effect: 'Allow', Action: 'sns:Publish', Resource: topicArn }];
  expect((await publish(clientOf(services.sessionOf('nobody', [])))).error()).toMatch(
    /^AuthorizationError: User: .+ is not authorized to perform: sns:Publish on resource: .+ because no identity-based policy/,
  );
  expect((await publish(clientOf(services.sessionOf('publisher', allow)))).status).toBe(200);
  const stranger = clientOf(services.sessionOf('stranger', allow, otherAccountId));
  expect((await publish(stranger)).error()).toContain('because no resource-based policy');
  const Statement = [
    { Effect: 'Allow', Principal: { AWS: otherAccountId }, Action: 'sns:Publish', Resource: topicArn },
  ];
  await call('SetTopicAttributes', {
    TopicArn: topicArn,
    AttributeName: 'Policy',
    AttributeValue: JSON.stringify({ Version: '2012-10-17', Statement }),
  });
  expect((await publish(stranger)).status).toBe(200);
});

test('a service can publish only if the topic policy names the service and its source', async () => {
  const sender = {
    topicArn,
    service: 's3.amazonaws.com',
    sourceArn: 'arn:aws:s3:::bucket',
    sourceAccount: accountId,
  };
  const message = { ...sender, subject: 'Amazon S3 Notification', message: '{}' };
  expect(sns.mayPublish(sender)).toBe('denied');
  expect(sns.publishAsService(message)).toBe('denied');
  expect(sns.publishAsService({ ...message, topicArn: `${topicArn}2` })).toBe('no-such-topic');
  await sns.topicPolicyResource.create(
    { accountId, region, generatedName: 'policy' },
    {
      Topics: [topicArn],
      PolicyDocument: {
        Statement: [
          {
            Effect: 'Allow',
            Principal: { Service: 's3.amazonaws.com' },
            Action: 'sns:Publish',
            Resource: topicArn,
            Condition: { ArnLike: { 'aws:SourceArn': 'arn:aws:s3:::bucket' } },
          },
        ],
      },
    },
  );
  await makeQueue('queue');
  await subscribe('queue');
  expect(sns.publishAsService(message)).toBe('sent');
  expect(JSON.parse(received('queue')[0]?.body ?? '')).toMatchObject({
    Subject: 'Amazon S3 Notification',
    Message: '{}',
  });
});
