import {
  CreateQueueCommand,
  DeleteQueueCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  ListDeadLetterSourceQueuesCommand,
  ListQueuesCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SetQueueAttributesCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createQueuePolicyResource, createQueueResource } from '../../src/sqs/resources.ts';
import { accountId, type CoreServices, otherAccountId, region, startCoreServices } from '../core-services.ts';

let services: CoreServices;
let client: SQSClient;

beforeEach(async () => {
  services = await startCoreServices();
  client = services.sqsClient();
});
afterEach(() => services.close());

async function create(QueueName: string, Attributes: Record<string, string> = {}): Promise<string> {
  return (await client.send(new CreateQueueCommand({ QueueName, Attributes }))).QueueUrl ?? '';
}

async function attributes(QueueUrl: string): Promise<Partial<Record<string, string>>> {
  const answer = await client.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['All'] }));
  return answer.Attributes ?? {};
}

const arn = (name: string, account = accountId): string => `arn:aws:sqs:${region}:${account}:${name}`;

test('a new queue has a URL at this endpoint, an ARN and the defaults of SQS', async () => {
  const QueueUrl = await create('one');
  expect(QueueUrl).toBe(`${services.front.httpsEndpoint}/${accountId}/one`);
  expect(await client.send(new GetQueueUrlCommand({ QueueName: 'one' }))).toMatchObject({ QueueUrl });
  expect(await attributes(QueueUrl)).toEqual({
    QueueArn: arn('one'),
    ApproximateNumberOfMessages: '0',
    ApproximateNumberOfMessagesNotVisible: '0',
    ApproximateNumberOfMessagesDelayed: '0',
    CreatedTimestamp: expect.stringMatching(/^\d{10}$/),
    LastModifiedTimestamp: expect.stringMatching(/^\d{10}$/),
    VisibilityTimeout: '30',
    MaximumMessageSize: '1048576',
    MessageRetentionPeriod: '345600',
    DelaySeconds: '0',
    ReceiveMessageWaitTimeSeconds: '0',
    SqsManagedSseEnabled: 'true',
  });
});

test('a queue URL works with any host, over HTTP and HTTPS', async () => {
  await create('one');
  const QueueUrl = `https://sqs.${region}.amazonaws.com/${accountId}/one`;
  await expect(client.send(new SendMessageCommand({ QueueUrl, MessageBody: 'x' }))).resolves.toBeDefined();
});

test('creating a queue again returns the same queue unless its attributes differ', async () => {
  const QueueUrl = await create('one', { DelaySeconds: '5' });
  expect(await create('one', { DelaySeconds: '5' })).toBe(QueueUrl);
  expect(await create('one')).toBe(QueueUrl);
  await expect(create('one', { DelaySeconds: '6' })).rejects.toMatchObject({
    name: 'QueueNameExists',
    message: 'A queue already exists with the same name and a different value for attribute DelaySeconds',
  });
});

test('the name of a deleted queue cannot be used again for a minute', async () => {
  const QueueUrl = await create('one');
  await client.send(new DeleteQueueCommand({ QueueUrl }));
  await expect(create('one')).rejects.toMatchObject({ name: 'QueueDeletedRecently' });
  services.clock.advance(60_000);
  await expect(create('one')).resolves.toBe(QueueUrl);
});

test('queues are listed by prefix and in pages', async () => {
  for (const name of ['a-1', 'a-2', 'a-3', 'b-1']) await create(name);
  const first = await client.send(new ListQueuesCommand({ QueueNamePrefix: 'a-', MaxResults: 2 }));
  expect(first.QueueUrls?.map((url) => url.split('/').at(-1))).toEqual(['a-1', 'a-2']);
  const second = await client.send(
    new ListQueuesCommand({ QueueNamePrefix: 'a-', MaxResults: 2, NextToken: first.NextToken }),
  );
  expect(second.QueueUrls?.map((url) => url.split('/').at(-1))).toEqual(['a-3']);
  expect(second.NextToken).toBeUndefined();
});

test.each<[Record<string, string>, string]>([
  [{ VisibilityTimeout: '43201' }, 'InvalidAttributeValue'],
  [{ MaximumMessageSize: '1023' }, 'InvalidAttributeValue'],
  [{ MessageRetentionPeriod: '59' }, 'InvalidAttributeValue'],
  [{ DelaySeconds: '-1' }, 'InvalidAttributeValue'],
  [{ ReceiveMessageWaitTimeSeconds: '21' }, 'InvalidAttributeValue'],
  [{ Colour: 'green' }, 'InvalidAttributeName'],
  [{ KmsMasterKeyId: 'alias/key', SqsManagedSseEnabled: 'true' }, 'InvalidAttributeName'],
  [{ Policy: '{' }, 'InvalidAttributeValue'],
  [{ RedrivePolicy: '{"deadLetterTargetArn":"dummy","maxReceiveCount":3}' }, 'InvalidParameterValue'],
  [
    { RedrivePolicy: JSON.stringify({ deadLetterTargetArn: arn('none'), maxReceiveCount: 3 }) },
    'InvalidParameterValue',
  ],
  [
    { RedrivePolicy: JSON.stringify({ deadLetterTargetArn: arn('dlq'), maxReceiveCount: 1001 }) },
    'InvalidParameterValue',
  ],
])('a queue with the attributes %j is refused', async (Attributes, name) => {
  await create('dlq');
  await expect(create('one', Attributes)).rejects.toMatchObject({ name });
});

test('a queue attribute that is not text is refused', async () => {
  const input = { QueueName: 'one', Attributes: { KmsMasterKeyId: 5 } };
  const call = services.sqs.invoke(services.iam.rootCaller(accountId), 'CreateQueue', input, { region });
  await expect(call).rejects.toMatchObject({ code: 'InvalidAttributeValue' });
});

test('a queue cannot be its own dead-letter queue', async () => {
  const QueueUrl = await create('one');
  const RedrivePolicy = JSON.stringify({ deadLetterTargetArn: arn('one'), maxReceiveCount: 3 });
  const change = new SetQueueAttributesCommand({ QueueUrl, Attributes: { RedrivePolicy } });
  await expect(client.send(change)).rejects.toThrow('must not be the queue itself');
});

test('a dead-letter queue can limit the queues that use it, and lists them', async () => {
  await create('dlq', {
    RedriveAllowPolicy: JSON.stringify({ redrivePermission: 'byQueue', sourceQueueArns: [arn('one')] }),
  });
  const RedrivePolicy = JSON.stringify({ deadLetterTargetArn: arn('dlq'), maxReceiveCount: 3 });
  await expect(create('two', { RedrivePolicy })).rejects.toThrow('RedriveAllowPolicy');
  const sourceUrl = await create('one', { RedrivePolicy });
  const QueueUrl = `${services.front.httpsEndpoint}/${accountId}/dlq`;
  const sources = await client.send(new ListDeadLetterSourceQueuesCommand({ QueueUrl }));
  expect(sources.queueUrls).toEqual([sourceUrl]);
});

test('each SQS operation needs its own permission on the queue', async () => {
  const QueueUrl = await create('one');
  const sender = services.sqsClient(
    services.sessionOf('sender', [{ Effect: 'Allow', Action: 'sqs:SendMessage', Resource: arn('one') }]),
  );
  await expect(sender.send(new SendMessageCommand({ QueueUrl, MessageBody: 'x' }))).resolves.toBeDefined();
  await expect(sender.send(new ReceiveMessageCommand({ QueueUrl }))).rejects.toMatchObject({
    name: 'AccessDenied',
    message:
      `User: arn:aws:sts::${accountId}:assumed-role/sender/test-session is not authorized to perform: sqs:receivemessage ` +
      `on resource: ${arn('one')} because no identity-based policy allows the sqs:receivemessage action`,
    $metadata: { httpStatusCode: 403 },
  });
});

test('a session of a role acts for its own account', async () => {
  const QueueUrl = await create('one');
  const statements = [{ Effect: 'Allow', Action: 'sqs:ListQueues', Resource: '*' }];
  const lister = services.sqsClient(services.sessionOf('lister', statements));
  expect((await lister.send(new ListQueuesCommand({}))).QueueUrls).toEqual([QueueUrl]);
});

test('a queue policy can admit another account and refuse requests without TLS', async () => {
  const QueueUrl = await create('one');
  const other = services.sqsClient(services.iam.rootCredentials(otherAccountId));
  const send = new SendMessageCommand({ QueueUrl, MessageBody: 'x' });
  await expect(other.send(send)).rejects.toMatchObject({ name: 'AccessDenied' });
  const Policy = JSON.stringify({
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Allow',
        Principal: { AWS: otherAccountId },
        Action: 'sqs:SendMessage',
        Resource: arn('one'),
      },
      {
        Effect: 'Deny',
        Principal: '*',
        Action: 'sqs:*',
        Resource: arn('one'),
        Condition: { Bool: { 'aws:SecureTransport': 'false' } },
      },
    ],
  });
  await client.send(new SetQueueAttributesCommand({ QueueUrl, Attributes: { Policy } }));
  await expect(other.send(send)).resolves.toBeDefined();
  const insecure = services.clientOptions(services.iam.rootCredentials(accountId), 'http');
  const { SQSClient: Client } = await import('@aws-sdk/client-sqs');
  await expect(new Client(insecure).send(send)).rejects.toThrow('explicit deny in a resource-based policy');
});

test('S3 can send only from the bucket and account that the queue policy names', async () => {
  const QueueUrl = await create('one');
  const sender = {
    queueArn: arn('one'),
    service: 's3.amazonaws.com',
    sourceArn: 'arn:aws:s3:::bucket',
    sourceAccount: accountId,
  };
  expect(services.sqs.maySend(sender)).toBe('denied');
  expect(services.sqs.maySend({ ...sender, queueArn: arn('none') })).toBe('no-such-queue');
  const statement = {
    Effect: 'Allow',
    Principal: { Service: 's3.amazonaws.com' },
    Action: 'sqs:SendMessage',
    Resource: arn('one'),
    Condition: {
      ArnEquals: { 'aws:SourceArn': 'arn:aws:s3:::bucket' },
      StringEquals: { 'aws:SourceAccount': accountId },
    },
  };
  const Policy = JSON.stringify({ Version: '2012-10-17', Statement: statement });
  await client.send(new SetQueueAttributesCommand({ QueueUrl, Attributes: { Policy } }));
  expect(services.sqs.sendAsService({ ...sender, body: 'event' })).toBe('sent');
  expect(services.sqs.sendAsService({ ...sender, body: 'event', sourceAccount: otherAccountId })).toBe(
    'denied',
  );
  expect(services.sqs.sendAsService({ ...sender, body: 'event', service: 'sns.amazonaws.com' })).toBe(
    'denied',
  );
  const received = await client.send(new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 }));
  expect(received.Messages?.map(({ Body }) => Body)).toEqual(['event']);
});

test('CloudFormation creates, updates and deletes queues and their policies', async () => {
  const queues = createQueueResource(services.sqs);
  const policies = createQueuePolicyResource(services.sqs);
  const place = { accountId, region, generatedName: 'stack-Queue-1' };
  const properties = { QueueName: 'one', VisibilityTimeout: 900, Tags: [{ Key: 'a', Value: 'b' }] };
  const { physicalId, attributes: made } = await queues.create(place, properties);
  expect(made).toEqual({ Arn: arn('one'), QueueName: 'one', QueueUrl: physicalId });
  expect(await attributes(physicalId)).toMatchObject({ VisibilityTimeout: '900' });
  const dead = await queues.create(place, {});
  expect(dead.attributes.Arn).toBe(arn('stack-Queue-1'));

  const RedrivePolicy = { deadLetterTargetArn: dead.attributes.Arn, maxReceiveCount: 5 };
  await queues.update(place, physicalId, { QueueName: 'one', RedrivePolicy });
  expect(await attributes(physicalId)).toMatchObject({
    VisibilityTimeout: '30',
    RedrivePolicy: JSON.stringify(RedrivePolicy),
  });

  const PolicyDocument = {
    Statement: [{ Effect: 'Allow', Principal: '*', Action: 'sqs:SendMessage', Resource: arn('one') }],
  };
  const policy = await policies.create(place, { Queues: [physicalId], PolicyDocument });
  expect(JSON.parse((await attributes(physicalId)).Policy ?? '')).toEqual(PolicyDocument);
  await policies.delete(place, policy.physicalId);
  expect(await attributes(physicalId)).not.toHaveProperty('Policy');

  await queues.delete(place, physicalId);
  await queues.delete(place, physicalId);
  await expect(attributes(physicalId)).rejects.toMatchObject({ name: 'QueueDoesNotExist' });
});
