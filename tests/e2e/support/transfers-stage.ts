/**
 * Two accounts with `transfers.yml` deployed between them. The source account has granted what `config policy` prints: of bucket
 * `either`, which was never versioned, and of `inside`, which is encrypted with a key and locks.
 */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { PutBucketPolicyCommand } from '@aws-sdk/client-s3';
import { REPOSITORY } from '../../../demo/package-stack.ts';
import { startTwoAccounts, type TwoAccountsOptions } from '../../../demo/two-accounts.ts';
import type { Template } from '@s3-replicator/local-aws/template';
import type { LogLine } from '@s3-replicator/local-aws';
import type { MessageStore } from '@s3-replicator/local-aws/sqs';
import { run } from '../../cli/run.ts';
import type { SourcePolicies } from '../../../src/stack/source-policy.ts';
import { packaged } from './artifact.ts';
import { messagesOf, SOURCE_KEY, encryptedWith, type Stage } from './stage.ts';

export interface TransfersStage extends Stage {
  ranges: MessageStore;
  /** What the source account was told to grant. */
  policies: SourcePolicies;
  /** Gives a source bucket this policy. */
  grant(bucket: string, statements: readonly object[]): Promise<void>;
}

const FILE = join(REPOSITORY, 'tests', 'e2e', 'support', 'transfers.yml');

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
    logs,
    live: messagesOf(aws, names.liveQueue),
    dead: messagesOf(aws, names.deadLetterQueue),
    ranges: messagesOf(aws, names.transferQueue),
    policies,
    grant,
  };
  await moved(stage);
  return stage;
};

/** The key's policy as it is by default, and these statements. */
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

/** An edit of the stack: its functions have 30 seconds, of which they keep 20 in reserve. 400 MiB fit into the other ten. */
export const shorten = ({ Resources: resources }: Template): void => {
  for (const name of ['ReplicateLambdaFunction', 'TransferLambdaFunction'])
    Object.assign(resources[name]?.Properties ?? {}, { Timeout: 30 });
};

const IDLE_LOOKS = 5;
const LONGEST_STEP_SECONDS = 300;
const MAXIMUM_SECONDS = 3 * 3_600;

/**
 * Until both queues are empty and nothing is at work. While only time stands in the way, the clock of the local AWS is moved, at most
 * by three hours in all. Throws where that, or `limitMs` of real time, is not enough.
 */
export const moved = async (
  { aws, names, live, ranges }: Pick<TransfersStage, 'aws' | 'names' | 'live' | 'ranges'>,
  { limitMs = 55_000 }: { limitMs?: number } = {},
): Promise<void> => {
  const endMs = Date.now() + limitMs;
  let movedSeconds = 0;
  let idleLooks = 0;
  let stepSeconds = 1;
  for (;;) {
    const counts = [live.counts(), ranges.counts()];
    const waiting = counts.reduce(
      (sum, { visible, delayed, inFlight }) => sum + visible + delayed + inFlight,
      0,
    );
    const busy = [names.replicateFunction, names.transferFunction].some(
      (name) => aws.lambda.function(name).pool().busy() > 0,
    );
    if (waiting === 0 && !busy) return;
    const mayMove = busy || counts.some(({ visible }) => visible > 0);
    idleLooks = mayMove ? 0 : idleLooks + 1;
    if (mayMove) stepSeconds = 1;
    if (Date.now() > endMs || movedSeconds >= MAXIMUM_SECONDS)
      throw new Error(`it does not come to an end: ${JSON.stringify(counts)}`);
    if (idleLooks > IDLE_LOOKS) {
      aws.clock.advance(stepSeconds * 1_000);
      movedSeconds += stepSeconds;
      stepSeconds = Math.min(stepSeconds * 2, LONGEST_STEP_SECONDS);
    }
    await sleep(10);
  }
};
