/**
 * The unmodified Serverless framework runs against the local AWS. Each test continues where the previous one ended, like the
 * commands of an operator.
 */
import {
  GetBucketNotificationConfigurationCommand,
  GetObjectCommand,
  ListBucketsCommand,
  PutBucketNotificationConfigurationCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runServerless } from '../../demo/serverless.ts';
import {
  startTwoAccounts,
  DESTINATION_ACCOUNT,
  SOURCE_ACCOUNT,
  type TwoAccounts,
} from '../../demo/two-accounts.ts';

const DESTINATION = {
  bucket: 'documents-replica',
  region: 'us-east-1',
  roleArn: `arn:aws:iam::${DESTINATION_ACCOUNT}:role/documents`,
  externalId: 'external',
};
const configurationWith = (batchSize: number, moreRules: object[] = []) => ({
  name: 'deployed',
  region: 'us-east-1',
  rules: [
    {
      id: 'documents',
      source: { bucket: 'documents' },
      destinations: [DESTINATION],
    },
    ...moreRules,
  ],
  stack: { batchSize },
});

const STACK = { accountId: SOURCE_ACCOUNT, region: 'us-east-1', stackName: 'deployed-prod' };

let accounts: TwoAccounts;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'serverless-deploy-'));
  accounts = await startTwoAccounts({ configuration: configurationWith(5), deploy: 'serverless' });
});
afterAll(async () => {
  await accounts?.stop();
  await rm(folder, { recursive: true, force: true });
});

const serverless = async (argv: string[], configuration = configurationWith(5)): Promise<string> => {
  const replicationFile = join(folder, 'replication.yml');
  await writeFile(replicationFile, JSON.stringify(configuration));
  return runServerless(argv, { replicationFile, environment: accounts.source.environment() });
};

const stack = () => accounts.aws.cloudformation.describe(STACK);
const eventStatuses = (): string[] =>
  stack()
    ?.events.filter(({ type }) => type === 'AWS::CloudFormation::Stack')
    .map(({ status }) => status) ?? [];
const bucketNames = async (): Promise<string[]> => {
  const { Buckets = [] } = await accounts.source.s3().send(new ListBucketsCommand());
  return Buckets.map(({ Name = '' }) => Name);
};

test('serverless deploy creates the deployment bucket first and everything else by an update', () => {
  expect(eventStatuses()).toEqual([
    'REVIEW_IN_PROGRESS',
    'CREATE_IN_PROGRESS',
    'CREATE_COMPLETE',
    'UPDATE_IN_PROGRESS',
    'UPDATE_COMPLETE_CLEANUP_IN_PROGRESS',
    'UPDATE_COMPLETE',
  ]);
});

test('the code that serverless deploy uploads replicates', async () => {
  const object = { bucket: 'documents', key: 'a.txt' };
  await accounts.source
    .s3()
    .send(new PutObjectCommand({ Bucket: 'documents', Key: 'a.txt', Body: 'content' }));
  await accounts.waitUntilReplicated([object]);
  const replica = await accounts.destination
    .s3()
    .send(new GetObjectCommand({ Bucket: 'documents-replica', Key: 'a.txt' }));
  expect(await replica.Body?.transformToString()).toBe('content');
});

test('serverless deploy without changes makes a lost subscription again and prints what it found', async () => {
  const s3 = accounts.source.s3();
  const lost = { Bucket: 'documents', NotificationConfiguration: {} };
  await s3.send(new PutBucketNotificationConfigurationCommand(lost));
  expect(await serverless(['deploy'])).toMatch(
    /Source buckets with a subscription: 1\.\n.*documents had lost its subscription and has it again.*backfill start --rule documents --since /s,
  );
  const found = await s3.send(new GetBucketNotificationConfigurationCommand({ Bucket: 'documents' }));
  expect(found.QueueConfigurations).toHaveLength(1);
});

test('serverless info shows the deployed functions and outputs', async () => {
  const info = await serverless(['info', '--verbose']);
  expect(info).toContain('stack: deployed-prod');
  expect(info).toContain('replicate: deployed-prod-replicate');
  expect(info).toContain(`LiveQueueUrl: ${accounts.liveQueueUrl}`);
});

test('serverless deploy of a change updates the stack', async () => {
  await serverless(['deploy'], configurationWith(3));
  expect(stack()?.status).toBe('UPDATE_COMPLETE');
  const [mapping] = accounts.aws.lambda.eventSources.list();
  expect(mapping?.configuration.batchSize).toBe(3);
});

test('serverless deploy that fails reports the cause and rolls everything back', async () => {
  const missing = {
    id: 'missing',
    source: { bucket: 'no-such-bucket' },
    destinations: [{ ...DESTINATION, bucket: 'other-replica' }],
  };
  const failure = await serverless(['deploy'], configurationWith(7, [missing])).catch(String);
  expect(failure).toContain('CREATE_FAILED: SubscriptionNoSuchBucket');
  await accounts.aws.cloudformation.idle();
  expect(stack()?.status).toBe('UPDATE_ROLLBACK_COMPLETE');
  const [mapping] = accounts.aws.lambda.eventSources.list();
  expect(mapping?.configuration.batchSize).toBe(3);
  await accounts.source.s3().send(new PutObjectCommand({ Bucket: 'documents', Key: 'b.txt', Body: 'still' }));
  await accounts.waitUntilReplicated([{ bucket: 'documents', key: 'b.txt' }]);
});

test('serverless remove deletes everything except the source bucket', async () => {
  expect(await bucketNames()).toHaveLength(2);
  expect(await serverless(['remove'])).toContain('has been successfully removed');
  expect(stack()?.status).toBe('DELETE_COMPLETE');
  expect(await bucketNames()).toEqual(['documents']);
  expect(accounts.aws.lambda.functionArns()).toEqual([]);
});

test('serverless info finds no stack after the removal', async () => {
  await expect(serverless(['info'])).rejects.toThrow('Stack with id deployed-prod does not exist');
});
