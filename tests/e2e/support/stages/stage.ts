/**
 * Starts the stage of most end-to-end tests. The Serverless framework packages replication.yml of this folder, and the package is
 * deployed between two accounts of the local AWS, which enforces permissions. Tests write source objects and read replicas with the
 * rights of the accounts' administrators. Everything in between is the work of the deployed stack.
 */
import {
  startTwoAccounts,
  type TwoAccounts,
  type TwoAccountsOptions,
  SOURCE_ACCOUNT,
} from '../../../../demo/two-accounts.ts';
import type { LocalAws, LogLine } from '@s3-replicator/local-aws';
import type { Template } from '@s3-replicator/local-aws/template';
import type { MessageStore } from '@s3-replicator/local-aws/sqs';
import { atRest } from '../at-rest.ts';
import { createUploads, type Uploads } from '../uploads.ts';
import { packaged, replicationFileOf } from './packaged.ts';

export interface Stage extends TwoAccounts, Uploads {
  /** All log lines of the functions, oldest first. */
  logs: LogLine[];
  live: MessageStore;
  dead: MessageStore;
  /** The waiting queues. */
  waiting: MessageStore[];
}

export interface StageOptions extends Omit<TwoAccountsOptions, 'configuration' | 'packaged'> {
  /** Path of a replication file. Default: replication.yml of this folder. */
  configuration?: string;
}

export const REGION = 'us-east-1';
export const SOURCE_KEY = `arn:aws:kms:us-east-1:${SOURCE_ACCOUNT}:key/11111111-1111-1111-1111-111111111111`;

/**
 * Starts the stage. The source bucket `secrets` is encrypted with a KMS key, `plain` was never versioned, and the versioning of
 * `suspended` is suspended.
 */
export const startStage = async (options: StageOptions = {}): Promise<Stage> => {
  const logs: LogLine[] = [];
  const { configuration = replicationFileOf('replication') } = options;
  const accounts = await startTwoAccounts({
    configuration,
    packaged: await packaged(configuration),
    sourceBuckets: {
      plain: {},
      suspended: { VersioningConfiguration: { Status: 'Suspended' } },
      secrets: {
        VersioningConfiguration: { Status: 'Enabled' },
        BucketEncryption: encryptedWith(SOURCE_KEY),
      },
    },
    onLog: (line) => logs.push(line),
    lambda: { asyncRetryDelaysMs: [100, 100] },
    ...options,
    before: async (before) => {
      await deployReader(before.aws);
      await options.before?.(before);
    },
    edit: {
      ...options.edit,
      destination: (template) => {
        setVersioning(template);
        options.edit?.destination?.(template);
      },
    },
  });
  const { aws, names } = accounts;
  const [live, dead] = [messagesOf(aws, names.liveQueue), messagesOf(aws, names.deadLetterQueue)];
  const stage = {
    ...accounts,
    ...createUploads(accounts.source),
    logs,
    live,
    dead,
    waiting: waitingQueuesOf(accounts),
  };
  // S3 sends a test event for each new notification. The stage waits until these messages are processed.
  await settled(stage);
  return stage;
};

/**
 * Waits until the live queue and the waiting queues are empty, and moves the clock of the local AWS by at most `movedSeconds`. Resolves to
 * whether the queues became empty.
 */
export const settled = (
  { aws, live, waiting, names }: Pick<Stage, 'aws' | 'live' | 'waiting' | 'names'>,
  movedSeconds = 3_600,
  firstStepSeconds = 1,
  longestStepSeconds = 300,
): Promise<boolean> =>
  atRest(
    aws,
    { queues: [live], waiting, functions: [names.replicateFunction] },
    { movedSeconds, firstStepSeconds, longestStepSeconds },
  );

/**
 * How long a refused permission is tried again, and a little more. If this is the first step of a wait, a refused message fails only once
 * more before it is quarantined. Such a wait takes the least real time.
 */
export const PERMISSION_SECONDS = 125;

/** Returns the messages of each waiting queue. */
export const waitingQueuesOf = (
  { aws, names }: Pick<Stage, 'aws' | 'names'>,
  accountId = SOURCE_ACCOUNT,
): MessageStore[] =>
  aws.sqs.queues
    .list(accountId, REGION)
    .filter(({ name }) => name.startsWith(names.waitingQueues))
    .map(({ messages }) => messages);

/** Returns the messages of the queue with this name. */
export const messagesOf = (aws: LocalAws, name: string, accountId = SOURCE_ACCOUNT): MessageStore => {
  const queue = aws.sqs.queues.byName({ accountId, region: REGION, name });
  if (queue === undefined) throw new Error(`there is no queue ${name}`);
  return queue.messages;
};

export const encryptedWith = (keyArn: string) => ({
  ServerSideEncryptionConfiguration: [
    { ServerSideEncryptionByDefault: { SSEAlgorithm: 'aws:kms', KMSMasterKeyID: keyArn } },
  ],
});

/**
 * Changes the versioning of some destination buckets. The changed buckets represent existing buckets, because the destination
 * template itself creates only versioned buckets.
 */
export const setVersioning = (template: Template): void => {
  Object.assign(template.Conditions, {
    IsPlain: { 'Fn::Or': [bucketIs('plain-replica'), bucketIs('plain-kept-replica')] },
    IsSuspended: bucketIs('suspended-replica'),
  });
  const bucket = template.Resources['Bucket'];
  Object.assign(bucket?.Properties ?? {}, {
    VersioningConfiguration: {
      'Fn::If': [
        'IsPlain',
        { Ref: 'AWS::NoValue' },
        { Status: { 'Fn::If': ['IsSuspended', 'Suspended', 'Enabled'] } },
      ],
    },
  });
};

/** Returns a condition of the destination template that is true for this bucket. */
export const bucketIs = (name: string) => ({ 'Fn::Equals': [{ Ref: 'BucketName' }, name] });

/** Deploys the role that rule `lent` assumes to read its source. */
const deployReader = async (aws: LocalAws): Promise<void> => {
  const template = {
    Resources: {
      Reader: {
        Type: 'AWS::IAM::Role',
        Properties: {
          RoleName: 'reader',
          AssumeRolePolicyDocument: {
            Statement: {
              Effect: 'Allow',
              Principal: { AWS: SOURCE_ACCOUNT },
              Action: 'sts:AssumeRole',
              Condition: { StringEquals: { 'sts:ExternalId': 'reading' } },
            },
          },
          Policies: [
            {
              PolicyName: 'read',
              PolicyDocument: {
                Statement: [
                  { Effect: 'Allow', Action: READ_OBJECTS, Resource: 'arn:aws:s3:::lent/*' },
                  {
                    Effect: 'Allow',
                    Action: ['s3:ListBucket', 's3:ListBucketVersions'],
                    Resource: 'arn:aws:s3:::lent',
                  },
                ],
              },
            },
          ],
        },
      },
    },
  };
  await aws.cloudformation.deploy({
    accountId: SOURCE_ACCOUNT,
    region: REGION,
    stackName: 'reader',
    template: JSON.stringify(template),
  });
};

/** The actions that README.md lists for reading source objects. */
const READ_OBJECTS = [
  's3:GetObject',
  's3:GetObjectVersion',
  's3:GetObjectTagging',
  's3:GetObjectVersionTagging',
  's3:GetObjectRetention',
  's3:GetObjectLegalHold',
];
