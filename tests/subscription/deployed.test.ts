/**
 * The packaged subscribe function, deployed from the compiled template, with IAM enforced. It subscribes
 * existing buckets. The entries of other teams in a bucket's notification configuration must survive every
 * change of the stack.
 */
import { setTimeout } from 'node:timers/promises';
import {
  CreateBucketCommand,
  GetBucketNotificationConfigurationCommand,
  PutBucketNotificationConfigurationCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { SNSClient, SubscribeCommand } from '@aws-sdk/client-sns';
import { CreateQueueCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { clientConfig, type LocalAws, startLocalAws } from '@s3-replicator/local-aws';
import { parseConfiguration } from '../../src/lib/configuration/configuration.ts';
import { stackOf } from '../../src/stack/stack.ts';
import { packaged } from '../stack/packaging.ts';
import { ACCOUNT, CONFIGURATIONS, THEIR_QUEUE, THEIRS } from './configurations.ts';
import type { Packaged } from '../stack/packaging.ts';

const LIVE_QUEUE = `arn:aws:sqs:us-east-1:${ACCOUNT}:s3-replicator-prod-live`;
const SUBSCRIBE_FUNCTION = `arn:aws:lambda:us-east-1:${ACCOUNT}:function:s3-replicator-prod-subscribe`;
const STACK = { accountId: ACCOUNT, region: 'us-east-1', stackName: 's3-replicator-prod' };

let stack: Packaged;
let aws: LocalAws;
let s3: S3Client;

beforeAll(async () => {
  stack = await packaged(CONFIGURATIONS.documents);
});

beforeEach(async () => {
  aws = await startLocalAws({ region: 'us-east-1' });
  const config = clientConfig(aws, aws.root(ACCOUNT));
  s3 = new S3Client(config);
  const policy = {
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Allow',
        Principal: { Service: ['s3.amazonaws.com', 'sns.amazonaws.com'] },
        Action: 'sqs:SendMessage',
        Resource: THEIR_QUEUE,
      },
    ],
  };
  await new SQSClient(config).send(
    new CreateQueueCommand({ QueueName: 'theirs', Attributes: { Policy: JSON.stringify(policy) } }),
  );
  for (const bucket of ['acme-documents', 'acme-other'])
    await s3.send(new CreateBucketCommand({ Bucket: bucket }));
  await s3.send(
    new PutBucketNotificationConfigurationCommand({
      Bucket: 'acme-documents',
      NotificationConfiguration: THEIRS,
    }),
  );
  return () => aws.stop();
});

afterAll(() => stack[Symbol.asyncDispose]());

let deployments = 0;
const deploy = async (name: keyof typeof CONFIGURATIONS): Promise<void> => {
  const template = JSON.stringify(templateOf(CONFIGURATIONS[name])).replaceAll(
    '${sls:instanceId}',
    // The Serverless framework gives each deployment another id.
    String(++deployments),
  );
  await aws.cloudformation.deploy({ ...STACK, template, artifacts: stack.directory });
};

/**
 * The packaged template with our own resources replaced by those of `configuration`. Packaging again would
 * change nothing else.
 */
function templateOf(configuration: string): object {
  const ours = (text: string) => stackOf(parseConfiguration(text)).resources.Resources;
  const former = new Set(Object.keys(ours(CONFIGURATIONS.documents)));
  const others = Object.entries(stack.template.Resources).filter(([id]) => !former.has(id));
  return { ...stack.template, Resources: { ...Object.fromEntries(others), ...ours(configuration) } };
}

/**
 * Returns the queue entries of a bucket in the form `target prefix`. Also contains `EventBridge` if the
 * bucket notifies EventBridge.
 */
const notifications = async (bucket: string): Promise<string[]> => {
  const answer = await s3.send(new GetBucketNotificationConfigurationCommand({ Bucket: bucket }));
  const entries = (answer.QueueConfigurations ?? []).map(({ QueueArn, Filter }) => {
    const prefix =
      Filter?.Key?.FilterRules?.find(({ Name }) => Name?.toLowerCase() === 'prefix')?.Value ?? '';
    return `${QueueArn?.split(':').at(-1)} ${prefix}*`;
  });
  return [...entries, ...(answer.EventBridgeConfiguration ? ['EventBridge'] : [])].toSorted();
};

/** The event types of our own entries. */
const eventTypes = async (bucket: string): Promise<string[]> => {
  const answer = await s3.send(new GetBucketNotificationConfigurationCommand({ Bucket: bucket }));
  return (answer.QueueConfigurations ?? [])
    .filter(({ QueueArn }) => QueueArn === LIVE_QUEUE)
    .flatMap(({ Events }) => Events ?? []);
};

const ALWAYS = [
  's3:ObjectCreated:*',
  's3:ObjectTagging:*',
  's3:ObjectRestore:Completed',
  's3:ObjectRetention:Put',
];

const reasonOf = async (work: Promise<void>): Promise<string> =>
  work.then(
    () => 'it worked',
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );

const OURS = LIVE_QUEUE.split(':').at(-1);

test('creating the stack adds our subscription beside the entries of others, and removing the stack leaves only the entries of others', async () => {
  await deploy('documents');
  expect(await notifications('acme-documents')).toEqual([`${OURS} invoices/*`, 'theirs photos/*']);
  expect(await notifications('acme-other')).toEqual([`${OURS} *`]);

  await aws.cloudformation.remove(STACK);
  expect(await notifications('acme-documents')).toEqual(['theirs photos/*']);
  expect(await notifications('acme-other')).toEqual([]);
});

test('adding and removing rules changes only our entries', async () => {
  await deploy('documents');
  await deploy('documentsMore');
  expect(await notifications('acme-documents')).toEqual([
    `${OURS} contracts/*`,
    `${OURS} invoices/*`,
    'theirs photos/*',
  ]);
  await deploy('documents');
  expect(await notifications('acme-documents')).toEqual([`${OURS} invoices/*`, 'theirs photos/*']);
});

test('a bucket reports deletes only while one of its rules replicates them', async () => {
  await deploy('documents');
  expect(await eventTypes('acme-documents')).toEqual(ALWAYS);
  await deploy('documentsDeleted');
  expect(await eventTypes('acme-documents')).toEqual([
    ...ALWAYS,
    's3:ObjectRemoved:*',
    's3:LifecycleExpiration:*',
  ]);
  expect(await eventTypes('acme-other')).toEqual(ALWAYS);
  await deploy('documents');
  expect(await eventTypes('acme-documents')).toEqual(ALWAYS);
});

test('another target may be notified of deletes until a rule needs them', async () => {
  const theirs = {
    Id: 'their-deletes',
    QueueArn: THEIR_QUEUE,
    Events: ['s3:ObjectRemoved:Delete' as const],
  };
  await s3.send(
    new PutBucketNotificationConfigurationCommand({
      Bucket: 'acme-documents',
      NotificationConfiguration: { QueueConfigurations: [theirs] },
    }),
  );
  await deploy('documents');

  expect(await reasonOf(deploy('documentsDeleted'))).toMatch(/entry "their-deletes".*events: eventbridge/s);
  expect(await eventTypes('acme-documents')).toEqual(ALWAYS);
});

test('a bucket that leaves the configuration is unsubscribed, although no rule grants access to it any more', async () => {
  await deploy('documents');
  await deploy('otherOnly');

  expect(await notifications('acme-documents')).toEqual(['theirs photos/*']);
});

test('a deployment that overlaps with entries of others fails, names the conflicting entry and rolls everything back', async () => {
  const reason = await reasonOf(deploy('documentsAll'));

  expect(reason).toMatch(/entry "their-entry".*events: eventbridge/s);
  expect(await notifications('acme-documents')).toEqual(['theirs photos/*']);
  expect(await notifications('acme-other')).toEqual([]);
});

test('a failed update leaves the former subscription in place', async () => {
  await deploy('documents');
  expect(await reasonOf(deploy('documentsAll'))).toContain('their-entry');

  expect(await notifications('acme-documents')).toEqual([`${OURS} invoices/*`, 'theirs photos/*']);
});

test('EventBridge mode deploys beside entries of others, sets only the EventBridge flag and leaves the flag when the stack is removed', async () => {
  await deploy('eventbridge');
  expect(await notifications('acme-documents')).toEqual(['EventBridge', 'theirs photos/*']);

  await aws.cloudformation.remove(STACK);
  expect(await notifications('acme-documents')).toEqual(['EventBridge', 'theirs photos/*']);
});

test('changing a deployed bucket to EventBridge removes our entries', async () => {
  await deploy('documents');
  await deploy('eventbridge');

  expect(await notifications('acme-documents')).toEqual(['EventBridge', 'theirs photos/*']);
});

test('a bucket that does not exist or is in another region fails the deployment with advice, and the other buckets stay as before', async () => {
  const elsewhere = new S3Client(clientConfig(aws, aws.root(ACCOUNT), { region: 'eu-west-1' }));
  const CreateBucketConfiguration = { LocationConstraint: 'eu-west-1' as const };
  await elsewhere.send(new CreateBucketCommand({ Bucket: 'acme-elsewhere', CreateBucketConfiguration }));
  await deploy('otherOnly');

  expect(await reasonOf(deploy('missing'))).toContain('Create the bucket acme-missing first');
  // The name of a deleted queue can be used again after a minute.
  aws.clock.advance(61_000);
  expect(await reasonOf(deploy('elsewhere'))).toMatch(
    /the bucket is in eu-west-1\. S3 notifies only queues in the bucket's own region: move the rules of acme-elsewhere/,
  );
  expect(await notifications('acme-other')).toEqual([`${OURS} *`]);
});

test('the buckets are subscribed one after the other, because an account with little concurrency would throttle the function', async () => {
  const buckets = Array.from({ length: 4 }, (_, index) => `acme-many-${index}`);
  for (const Bucket of buckets) await s3.send(new CreateBucketCommand({ Bucket }));
  await deploy('many');

  for (const bucket of buckets) expect(await notifications(bucket)).toEqual([`${OURS} *`]);
  // An invocation may still end when the next one begins, because CloudFormation only waits for its answer.
  expect(aws.lambda.usage(SUBSCRIBE_FUNCTION).peakConcurrency).toBeLessThanOrEqual(2);
});

/** Waits for the first notification of a topic in the queue `theirs`, which also receives test events of S3. */
const announcement = async (): Promise<Record<string, unknown>> => {
  const sqs = new SQSClient(clientConfig(aws, aws.root(ACCOUNT)));
  const QueueUrl = `${aws.endpoint}/${ACCOUNT}/theirs`;
  for (;;) {
    const { Messages = [] } = await sqs.send(new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 20 }));
    const bodies = Messages.map(({ Body = '' }) => JSON.parse(Body) as Record<string, unknown>);
    const found = bodies.find((body) => body['Type'] === 'Notification');
    if (found) return found;
  }
};

test('a subscription that another tool removed is made again by the next deployment, and by the schedule, which announces the gap', async () => {
  await deploy('documents');
  const lose = async () =>
    await s3.send(
      new PutBucketNotificationConfigurationCommand({
        Bucket: 'acme-documents',
        NotificationConfiguration: THEIRS,
      }),
    );
  const both = [`${OURS} invoices/*`, 'theirs photos/*'];
  await lose();
  await deploy('documents');
  expect(await notifications('acme-documents')).toEqual(both);
  expect(aws.cloudformation.describe(STACK)?.outputs['Subscriptions']).toMatch(
    /^Source buckets with a subscription: 2\.\nacme-documents had lost its subscription and has it again/,
  );

  const topicArn = aws.cloudformation.describe(STACK)?.outputs['AlarmTopicArn'];
  const config = clientConfig(aws, aws.root(ACCOUNT));
  await new SNSClient(config).send(
    new SubscribeCommand({ TopicArn: topicArn, Protocol: 'sqs', Endpoint: THEIR_QUEUE }),
  );
  await lose();
  aws.clock.advance(5 * 60_000);
  expect(await announcement()).toMatchObject({
    Subject: 's3-replicator-prod: acme-documents had lost its subscription and has it again',
    Message: expect.stringMatching(
      /npx s3-replicator backfill start --rule rule-0 --since \d{4}-\S+Z --region us-east-1$/,
    ),
  });
  expect(await notifications('acme-documents')).toEqual(both);
});

test('a deployment waits until the queue policy and the permission that it has just made are known everywhere', async () => {
  await deploy('otherOnly');
  aws.faults.propagation = { policyMs: 60_000 };
  const { invocations } = aws.lambda.usage(SUBSCRIBE_FUNCTION);
  const deploying = deploy('documents');
  const isRunning = () =>
    expect(aws.lambda.usage(SUBSCRIBE_FUNCTION).invocations).toBeGreaterThan(invocations);
  await Promise.race([
    deploying,
    vi.waitFor(isRunning, { timeout: 20_000, interval: 20 }),
    setTimeout(2_000),
  ]);
  expect(await notifications('acme-documents')).toEqual(['theirs photos/*']);
  aws.clock.advance(61_000);
  await deploying;
  expect(await notifications('acme-documents')).toEqual([`${OURS} invoices/*`, 'theirs photos/*']);
});
