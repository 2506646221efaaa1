/**
 * Starts two accounts with `transfers.yml` deployed between them. The source account has granted the permissions that `config
 * policy` prints for its buckets `either` and `inside`. `either` was never versioned. `inside` is encrypted with a KMS key and has
 * Object Lock.
 */
import { PutBucketPolicyCommand } from '@aws-sdk/client-s3';
import { startTwoAccounts, type TwoAccountsOptions } from '../../../../demo/two-accounts.ts';
import type { Template } from '@s3-replicator/local-aws/template';
import type { LogLine } from '@s3-replicator/local-aws';
import type { MessageStore } from '@s3-replicator/local-aws/sqs';
import { run } from '../../../cli/run.ts';
import type { SourcePolicies } from '../../../../src/stack/source-policy.ts';
import { atRest } from '../at-rest.ts';
import { createUploads } from '../uploads.ts';
import { packaged, replicationFileOf } from './packaged.ts';
import { messagesOf, SOURCE_KEY, encryptedWith, type Stage, waitingQueuesOf } from './stage.ts';

export interface TransfersStage extends Stage {
  ranges: MessageStore;
  /** The permissions that `config policy` asks the source account to grant. */
  policies: SourcePolicies;
  /** Replaces the policy of a source bucket. */
  grant(bucket: string, statements: readonly object[]): Promise<void>;
}

const FILE = replicationFileOf('transfers');

export const startTransfersStage = async (options: TwoAccountsOptions = {}): Promise<TransfersStage> => {
  const logs: LogLine[] = [];
  const policies = await readPolicies();
  const accounts = await startTwoAccounts({
    configuration: FILE,
    packaged: await packaged(FILE),
    onLog: (line) => logs.push(line),
    sourceBuckets: {
      either: {},
      inside: {
        VersioningConfiguration: { Status: 'Enabled' },
        ObjectLockEnabled: true,
        BucketEncryption: encryptedWith(SOURCE_KEY),
      },
    },
    destinationParameters: Object.fromEntries(
      policies.destinations.map(({ roleArn, parameters }) => [roleArn, parameters]),
    ),
    ...options,
  });
  const { aws, names, source } = accounts;
  const grant: TransfersStage['grant'] = async (bucket, statements) => {
    const Policy = JSON.stringify({ Version: '2012-10-17', Statement: statements });
    await source.s3().send(new PutBucketPolicyCommand({ Bucket: bucket, Policy }));
  };
  for (const { bucket, statements } of policies.buckets) await grant(bucket, statements);
  for (const { keyArn, statement } of policies.keys) grantKey(aws, keyArn, [statement]);
  const stage = {
    ...accounts,
    ...createUploads(source),
    logs,
    live: messagesOf(aws, names.liveQueue),
    dead: messagesOf(aws, names.deadLetterQueue),
    ranges: messagesOf(aws, names.transferQueue),
    waiting: waitingQueuesOf(accounts),
    policies,
    grant,
  };
  await moved(stage);
  return stage;
};

/** Replaces the policy of the KMS key by the default policy plus these statements. */
export const grantKey = (aws: Stage['aws'], keyArn: string, statements: readonly object[]): void => {
  const [, , , , accountId = ''] = keyArn.split(':');
  const own = {
    Effect: 'Allow' as const,
    Principal: { AWS: `arn:aws:iam::${accountId}:root` },
    Action: 'kms:*',
    Resource: '*',
  };
  const Statement = [own, ...statements.map((statement) => ({ ...own, ...statement }))];
  aws.kms.put(keyArn, { Version: '2012-10-17', Statement });
};

const readPolicies = async (): Promise<SourcePolicies> => {
  const { code, out, err } = await run(['config', 'policy', '--config', FILE, '--json']);
  if (code !== 0) throw new Error(err);
  const policies: SourcePolicies = JSON.parse(out);
  return policies;
};

/**
 * Gives the functions of the stack a time-out of 30 seconds. They keep 20 seconds in reserve, and move 400 MiB in the other ten.
 */
export const shorten = ({ Resources: resources }: Template): void => {
  for (const name of ['ReplicateLambdaFunction', 'TransferLambdaFunction'])
    Object.assign(resources[name]?.Properties ?? {}, { Timeout: 30 });
};

/** Maximum time by which {@link moved} moves the clock. */
const MOVED_SECONDS = 3 * 3_600;

/**
 * Waits until both queues are empty and the functions are idle. Moves the clock of the local AWS by at most three hours.
 * @throws Error when three hours on the clock, or `limitMs` of real time, are not enough
 */
export const moved = async (
  {
    aws,
    names,
    live,
    ranges,
    waiting = [],
  }: Pick<TransfersStage, 'aws' | 'names' | 'live' | 'ranges'> & Partial<Pick<Stage, 'waiting'>>,
  { limitMs = 150_000, firstStepSeconds = 1 }: { limitMs?: number; firstStepSeconds?: number } = {},
): Promise<void> => {
  const queues = [live, ranges];
  const work = { queues, waiting, functions: [names.replicateFunction, names.transferFunction] };
  if (!(await atRest(aws, work, { movedSeconds: MOVED_SECONDS, firstStepSeconds, limitMs })))
    throw new Error(`messages are left: ${JSON.stringify([live.counts(), ranges.counts()])}`);
};
