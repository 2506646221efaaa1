/**
 * The packaged subscribe function, deployed from the compiled template, with IAM enforced. It subscribes
 * existing buckets. The entries of other teams in a bucket's notification configuration must survive every
 * change of the stack.
 */
import {
  CreateBucketCommand,
  GetBucketNotificationConfigurationCommand,
  PutBucketNotificationConfigurationCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import type { NotificationConfiguration } from '@aws-sdk/client-s3';
import { CreateQueueCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { clientConfig, type LocalAws, startLocalAws } from '@s3-replicator/local-aws';
import { parseConfiguration } from '../../src/lib/configuration/configuration.ts';
import { stackOf } from '../../src/stack/stack.ts';
import { destination, file, rule } from '../configuration/yaml.ts';
import { packaged } from '../stack/packaging.ts';
import type { Packaged } from '../stack/packaging.ts';

const ACCOUNT = '111111111111';
const LIVE_QUEUE = `arn:aws:sqs:us-east-1:${ACCOUNT}:s3-replicator-prod-live`;
const THEIR_QUEUE = `arn:aws:sqs:us-east-1:${ACCOUNT}:theirs`;
const STACK = { accountId: ACCOUNT, region: 'us-east-1', stackName: 's3-replicator-prod' };

const configurationFor = (...sources: Record<string, string>[]): string =>
  file(sources.map((source, index) => rule(`rule-${index}`, source, [destination(`replica-${index}`)])));

/** The configurations that the tests deploy, by what is special about each one. */
const CONFIGURATIONS = {
  documents: configurationFor({ bucket: 'acme-documents', prefix: 'invoices/' }, { bucket: 'acme-other' }),
  documentsMore: configurationFor(
    { bucket: 'acme-documents', prefix: 'invoices/' },
    { bucket: 'acme-documents', prefix: 'contracts/' },
    { bucket: 'acme-other' },
  ),
  documentsDeleted: file([
    rule('rule-0', { bucket: 'acme-documents', prefix: 'invoices/' }, [destination('replica-0')], {
      deletes: 'replicate',
    }),
    rule('rule-1', { bucket: 'acme-other' }, [destination('replica-1')]),
  ]),
  documentsAll: configurationFor({ bucket: 'acme-documents' }, { bucket: 'acme-other' }),
  eventbridge: configurationFor(
    { bucket: 'acme-documents', events: 'eventbridge' },
    { bucket: 'acme-other' },
  ),
  otherOnly: configurationFor({ bucket: 'acme-other' }),
  missing: configurationFor({ bucket: 'acme-other' }, { bucket: 'acme-missing' }),
};

const THEIRS: NotificationConfiguration = {
  QueueConfigurations: [
    {
      Id: 'their-entry',
      QueueArn: THEIR_QUEUE,
      Events: ['s3:ObjectCreated:Put'],
      Filter: { Key: { FilterRules: [{ Name: 'prefix', Value: 'photos/' }] } },
    },
  ],
};

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
        Principal: { Service: 's3.amazonaws.com' },
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

const deploy = async (name: keyof typeof CONFIGURATIONS): Promise<void> => {
  const template = JSON.stringify(templateOf(CONFIGURATIONS[name]));
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

test('a bucket that does not exist fails the deployment with advice, and the other buckets stay as before', async () => {
  await deploy('otherOnly');
  const reason = await reasonOf(deploy('missing'));

  expect(reason).toContain('Create the bucket acme-missing first');
  expect(await notifications('acme-other')).toEqual([`${OURS} *`]);
});
