/**
 * What most end-to-end tests run on: this folder's replication.yml, packaged by the framework and deployed between two
 * accounts of the local AWS with permissions enforced. Source objects are written and replicas read by the accounts'
 * administrators; everything in between is done by what was deployed.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  startTwoAccounts,
  type TwoAccounts,
  type TwoAccountsOptions,
  SOURCE_ACCOUNT,
} from '../../../demo/two-accounts.ts';
import type { LocalAws, LogLine } from '@s3-replicator/local-aws';
import type { Template } from '@s3-replicator/local-aws/template';
import type { MessageStore } from '@s3-replicator/local-aws/sqs';
import { packaged, REPLICATION_FILE } from './artifact.ts';

export interface Stage extends TwoAccounts {
  /** Everything the functions wrote, oldest first. */
  logs: LogLine[];
  live: MessageStore;
  dead: MessageStore;
}

export const REGION = 'us-east-1';
export const SOURCE_KEY = `arn:aws:kms:us-east-1:${SOURCE_ACCOUNT}:key/11111111-1111-1111-1111-111111111111`;

/** Starts it. The source bucket `secrets` is encrypted with a key, `plain` was never versioned, `suspended` is so now. */
export const startStage = async (options: TwoAccountsOptions = {}): Promise<Stage> => {
  const logs: LogLine[] = [];
  const accounts = await startTwoAccounts({
    configuration: REPLICATION_FILE,
    packaged: await packaged(),
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
  const stage = { ...accounts, logs, live, dead };
  // The test events that S3 sends for each subscription.
  await settled(stage);
  return stage;
};

/**
 * Until the live queue is empty. While only time stands in the way (messages that rest before they are tried again), the clock
 * of the local AWS is moved, at most by `maximumSeconds` in all. Answers whether the queue became empty.
 */
export const settled = (
  stage: Pick<Stage, 'aws' | 'live' | 'names'>,
  maximumSeconds = 3_600,
): Promise<boolean> => atRest(stage.aws, [stage.live], [stage.names.replicateFunction], maximumSeconds);

/** The same for any queues, and the functions that work on them. */
export const atRest = async (
  aws: LocalAws,
  queues: MessageStore[],
  functionNames: string[],
  maximumSeconds: number,
): Promise<boolean> => {
  const limitMs = Date.now() + 55_000;
  let movedSeconds = 0;
  let idleLooks = 0;
  let stepSeconds = 1;
  while (Date.now() < limitMs) {
    const counts = queues.map((queue) => queue.counts());
    const isVisible = counts.some(({ visible }) => visible > 0);
    const isEmpty = !isVisible && counts.every(({ delayed, inFlight }) => delayed + inFlight === 0);
    const busy = functionNames.some((name) => aws.lambda.function(name).pool().busy() > 0);
    if (isEmpty && !busy) return true;
    idleLooks = isVisible || busy ? 0 : idleLooks + 1;
    if (idleLooks === 0) stepSeconds = 1;
    if (idleLooks > IDLE_LOOKS) {
      if (movedSeconds >= maximumSeconds) return false;
      aws.clock.advance(stepSeconds * 1_000);
      movedSeconds += stepSeconds;
      stepSeconds = Math.min(stepSeconds * 2, LONGEST_STEP_SECONDS);
    }
    await sleep(10);
  }
  throw new Error(`the queues do not settle: ${JSON.stringify(queues.map((queue) => queue.counts()))}`);
};

/** Longer ones would only make credentials expire on the way. */
const LONGEST_STEP_SECONDS = 300;

/** A batch that is done is deleted a moment after the function answers. */
const IDLE_LOOKS = 5;

/** The messages in a queue of the stacks. */
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

/** The destination template always makes versioned buckets; these stand for buckets somebody else made. */
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

/** A condition of the destination template. */
export const bucketIs = (name: string) => ({ 'Fn::Equals': [{ Ref: 'BucketName' }, name] });

/** The role that rule `lent` reads with. */
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

/** What README.md lists for reading sources. */
const READ_OBJECTS = [
  's3:GetObject',
  's3:GetObjectVersion',
  's3:GetObjectTagging',
  's3:GetObjectVersionTagging',
  's3:GetObjectRetention',
  's3:GetObjectLegalHold',
];
