/** Creates the buckets, queues and tables that a run uses at an endpoint, and removes them. */
import { randomBytes } from 'node:crypto';
import { DeleteAlarmsCommand, paginateDescribeAlarms } from '@aws-sdk/client-cloudwatch';
import {
  CreateLogGroupCommand,
  DeleteLogGroupCommand,
  paginateDescribeLogGroups,
} from '@aws-sdk/client-cloudwatch-logs';
import {
  CreateTableCommand,
  DeleteTableCommand,
  paginateListTables,
  waitUntilTableExists,
} from '@aws-sdk/client-dynamodb';
import { CreateBucketCommand, ListBucketsCommand, PutBucketVersioningCommand } from '@aws-sdk/client-s3';
import {
  CreateQueueCommand,
  DeleteQueueCommand,
  GetQueueAttributesCommand,
  paginateListQueues,
  SetQueueAttributesCommand,
} from '@aws-sdk/client-sqs';
import type { BucketKind, Queue } from './context.ts';
import { type Endpoint, missingNeeds } from './endpoint.ts';
import { removeBucket } from './remove-bucket.ts';
import { CLOUDFORMATION_VERSION } from './signed-call.ts';

/**
 * Prefix of the names of all buckets, queues and tables that the suite creates. The suite may delete
 * everything that has this prefix.
 */
export const PREFIX = 's3r-conformance-';

export interface Resources {
  bucketName(): string;
  createBucket(kind: BucketKind): Promise<string>;
  createQueue(options: { attributes?: Record<string, string>; from?: string }): Promise<Queue>;
  createTable(): Promise<string>;
  createLogGroup(): Promise<string>;
  /** Returns a name for an alarm that the caller will create. `remove` deletes that alarm. */
  alarmName(): string;
  /** Returns a name for a stack that the caller will create. `remove` deletes that stack. */
  stack(): string;
  /**
   * Removes everything that the run created. Resolves to a list of what could not be removed, with the
   * reasons.
   */
  remove(): Promise<string[]>;
}

export const createResources = (endpoint: Endpoint): Resources => {
  const run = `${PREFIX}${randomBytes(4).toString('hex')}`;
  let made = 0;
  const name = (): string => `${run}-${++made}`;
  const removals: { what: string; remove(): Promise<unknown> }[] = [];
  /** Returns a name for a resource that the caller will create, and records how to remove that resource. */
  const promised = (kind: string, remove: (name: string) => Promise<unknown>): string => {
    const given = name();
    removals.push({ what: `${kind} ${given}`, remove: () => remove(given) });
    return given;
  };
  return {
    bucketName: name,
    async createBucket(kind) {
      const Bucket = name();
      // The removal is recorded before the bucket is created. Otherwise a bucket whose creation succeeded,
      // but whose response was lost, would never be removed.
      removals.push({ what: `bucket ${Bucket}`, remove: () => removeBucket(endpoint.s3, Bucket) });
      await createBucket(endpoint, Bucket, kind);
      return Bucket;
    },
    async createQueue({ attributes, from }) {
      const QueueName = name();
      const { sqs } = endpoint;
      const { QueueUrl = '' } = await sqs.send(
        new CreateQueueCommand({ QueueName, ...(attributes && { Attributes: attributes }) }),
      );
      const remove = () => sqs.send(new DeleteQueueCommand({ QueueUrl }));
      removals.push({ what: `queue ${QueueName}`, remove });
      const { Attributes } = await sqs.send(
        new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['QueueArn'] }),
      );
      const queue = { url: QueueUrl, arn: Attributes?.QueueArn ?? '' };
      if (from !== undefined) await letIn(endpoint, queue, from);
      return queue;
    },
    async createTable() {
      const TableName = name();
      const remove = () => endpoint.dynamodb.send(new DeleteTableCommand({ TableName }));
      removals.push({ what: `table ${TableName}`, remove });
      await createTable(endpoint, TableName);
      return TableName;
    },
    async createLogGroup() {
      const logGroupName = name();
      const remove = () => endpoint.logs.send(new DeleteLogGroupCommand({ logGroupName }));
      removals.push({ what: `log group ${logGroupName}`, remove });
      await endpoint.logs.send(new CreateLogGroupCommand({ logGroupName }));
      return logGroupName;
    },
    alarmName: () => promised('alarm', (AlarmName) => removeAlarm(endpoint, AlarmName)),
    stack: () => promised('stack', (StackName) => removeStack(endpoint, StackName)),
    async remove() {
      const left: string[] = [];
      for (const { what, remove } of removals.toReversed())
        await remove().catch((error: unknown) => {
          if (!isGone(error)) left.push(`${what}: ${String(error)}`);
        });
      return left;
    },
  };
};

/** Removes what earlier runs did not remove. If a bucket cannot be removed, the others are still removed. */
export const removeLeftovers = async (endpoint: Endpoint): Promise<{ removed: string[]; left: string[] }> => {
  const [removed, left]: [string[], string[]] = [[], []];
  const { Buckets = [] } = await endpoint.s3.send(new ListBucketsCommand({ Prefix: PREFIX }));
  for (const { Name = '', BucketRegion } of Buckets) {
    const elsewhere = BucketRegion !== undefined && BucketRegion !== endpoint.region;
    if (!Name.startsWith(PREFIX) || elsewhere) continue;
    await removeBucket(endpoint.s3, Name).then(
      () => removed.push(`bucket ${Name}`),
      (error: unknown) => left.push(`bucket ${Name}: ${String(error)}`),
    );
  }
  const missing = await missingNeeds(endpoint);
  removed.push(...(await removeStacks(endpoint)));
  if (!missing.has('sqs')) removed.push(...(await removeQueues(endpoint)));
  if (!missing.has('dynamodb')) removed.push(...(await removeTables(endpoint)));
  if (!missing.has('cloudwatch')) removed.push(...(await removeAlarms(endpoint)));
  if (!missing.has('logs')) removed.push(...(await removeLogGroups(endpoint)));
  return { removed, left };
};

/** Starts the removal of a stack, which CloudFormation then finishes. */
const removeStack = ({ call }: Endpoint, StackName: string): Promise<string> =>
  call({
    service: 'cloudformation',
    method: 'POST',
    form: { Action: 'DeleteStack', Version: CLOUDFORMATION_VERSION, StackName },
  });

const removeStacks = async (endpoint: Endpoint): Promise<string[]> => {
  const form = { Action: 'DescribeStacks', Version: CLOUDFORMATION_VERSION };
  // An endpoint without CloudFormation has no stacks.
  const listed = await endpoint.call({ service: 'cloudformation', method: 'POST', form }).catch(() => '');
  const names = [...listed.matchAll(/<StackName>([^<]*)<\/StackName>/g)].map(([, name = '']) => name);
  const ours = names.filter((name) => name.startsWith(PREFIX));
  for (const name of ours) await removeStack(endpoint, name);
  return ours.map((name) => `stack ${name}`);
};

const removeAlarm = ({ cloudwatch }: Endpoint, AlarmName: string): Promise<unknown> =>
  cloudwatch.send(new DeleteAlarmsCommand({ AlarmNames: [AlarmName] }));

const removeAlarms = async (endpoint: Endpoint): Promise<string[]> => {
  const client = endpoint.cloudwatch;
  const removed: string[] = [];
  for await (const { MetricAlarms = [] } of paginateDescribeAlarms({ client }, { AlarmNamePrefix: PREFIX }))
    removed.push(...MetricAlarms.map(({ AlarmName = '' }) => AlarmName));
  for (const name of removed) await removeAlarm(endpoint, name);
  return removed.map((name) => `alarm ${name}`);
};

const removeLogGroups = async ({ logs: client }: Endpoint): Promise<string[]> => {
  const removed: string[] = [];
  for await (const page of paginateDescribeLogGroups({ client }, { logGroupNamePrefix: PREFIX }))
    removed.push(...(page.logGroups ?? []).map(({ logGroupName = '' }) => logGroupName));
  for (const logGroupName of removed) await client.send(new DeleteLogGroupCommand({ logGroupName }));
  return removed.map((name) => `log group ${name}`);
};

const createBucket = async ({ s3, region }: Endpoint, Bucket: string, kind: BucketKind) => {
  const LocationConstraint = region as 'eu-west-1';
  await s3.send(
    new CreateBucketCommand({
      Bucket,
      ...(kind === 'locked' && { ObjectLockEnabledForBucket: true }),
      ...(region !== 'us-east-1' && { CreateBucketConfiguration: { LocationConstraint } }),
    }),
  );
  if (kind === 'never' || kind === 'locked') return;
  await s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: kind } }));
};

const letIn = async ({ sqs }: Endpoint, queue: Queue, bucket: string): Promise<void> => {
  const Policy = JSON.stringify({
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Allow',
        Principal: { Service: 's3.amazonaws.com' },
        Action: 'sqs:SendMessage',
        Resource: queue.arn,
        Condition: { ArnEquals: { 'aws:SourceArn': `arn:aws:s3:::${bucket}` } },
      },
    ],
  });
  await sqs.send(new SetQueueAttributesCommand({ QueueUrl: queue.url, Attributes: { Policy } }));
};

const createTable = async ({ dynamodb }: Endpoint, TableName: string): Promise<void> => {
  await dynamodb.send(
    new CreateTableCommand({
      TableName,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
      KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
    }),
  );
  await waitUntilTableExists({ client: dynamodb, maxWaitTime: 60, minDelay: 1 }, { TableName });
};

const removeQueues = async ({ sqs: client }: Endpoint): Promise<string[]> => {
  const removed: string[] = [];
  for await (const { QueueUrls = [] } of paginateListQueues({ client }, { QueueNamePrefix: PREFIX }))
    for (const QueueUrl of QueueUrls) {
      await client.send(new DeleteQueueCommand({ QueueUrl }));
      removed.push(`queue ${QueueUrl}`);
    }
  return removed;
};

const removeTables = async ({ dynamodb: client }: Endpoint): Promise<string[]> => {
  const removed: string[] = [];
  for await (const { TableNames = [] } of paginateListTables({ client }, {}))
    for (const TableName of TableNames.filter((name) => name.startsWith(PREFIX))) {
      await client.send(new DeleteTableCommand({ TableName }));
      removed.push(`table ${TableName}`);
    }
  return removed;
};

const GONE = ['NoSuchBucket', 'QueueDoesNotExist', 'ResourceNotFoundException'];

const isGone = (error: unknown): boolean => error instanceof Error && GONE.includes(error.name);
