/** Counts the AWS calls that the packaged function makes for a replicated object. The local AWS, which receives the calls, counts them. */
import {
  DeleteObjectCommand,
  PutBucketPolicyCommand,
  PutObjectCommand,
  PutObjectTaggingCommand,
} from '@aws-sdk/client-s3';
import {
  SOURCE_ACCOUNT,
  startTwoAccounts,
  type TwoAccounts,
  type TwoAccountsOptions,
} from '../demo/two-accounts.ts';
import { sourcePolicies } from '../src/stack/source-policy.ts';
import { loadConfiguration } from '../src/lib/configuration/configuration.ts';
import { formatHint } from '../src/lib/hint/hint.ts';
import type { Artifact } from './artifact.ts';
import { callsOf, type CallCounts, countDuring } from './call-counts.ts';
import { HISTORY_SOURCE_BUCKET, SOURCE_BUCKET } from './configuration.ts';
import { type Figure, type Section, value } from './figure.ts';

const BODY = Buffer.alloc(1_024, 'x');

/** Deploys the artifact into the demo's two accounts. The permissions include those for server-side copies. */
export const deployArtifact = async (
  { replicationFile, packaged }: Artifact,
  options: TwoAccountsOptions = {},
): Promise<TwoAccounts> => {
  const configuration = loadConfiguration(replicationFile);
  const policies = sourcePolicies(configuration, configuration.replication.rules);
  const accounts = await startTwoAccounts({
    configuration: replicationFile,
    packaged,
    destinationParameters: Object.fromEntries(
      policies.destinations.map(({ roleArn, parameters }) => [roleArn, parameters]),
    ),
    ...options,
  });
  for (const { bucket, statements } of policies.buckets) {
    const Policy = JSON.stringify({ Version: '2012-10-17', Statement: statements });
    await accounts.source.s3().send(new PutBucketPolicyCommand({ Bucket: bucket, Policy }));
  }
  return accounts;
};

export async function* countCalls(accounts: TwoAccounts): AsyncGenerator<Section> {
  for (const [mode, bucket] of [
    ['latest', SOURCE_BUCKET],
    ['all', HISTORY_SOURCE_BUCKET],
  ] as const) {
    const figures: Figure[] = [];
    for (const { what, aim, act } of steps(accounts, bucket, mode)) {
      figures.push(...figuresOf(what, await countDuring(accounts, act), aim));
    }
    yield { title: `Calls per object of 1 KiB, versions: ${mode}, deletes: replicate`, figures };
  }
}

interface Step {
  what: string;
  aim?: string;
  act: () => Promise<void>;
}

/** Returns the measured steps. They run one after another, mostly on the same key. */
const steps = (accounts: TwoAccounts, bucket: string, mode: 'latest' | 'all'): Step[] => {
  const s3 = accounts.source.s3();
  const at = (key: string) => ({ Bucket: bucket, Key: key });
  const put = async (key: string, Tagging?: string): Promise<void> =>
    void (await s3.send(new PutObjectCommand({ ...at(key), Body: BODY, ...(Tagging && { Tagging }) })));
  let marker: string | undefined;
  return [
    { what: 'new key, first event of an environment', act: () => put('first') },
    { what: 'new key', ...(mode === 'latest' && { aim: '3' }), act: () => put('key') },
    { what: 'new key with tags', act: () => put('tagged', 'a=1') },
    { what: 'overwritten key', act: () => put('key') },
    { what: 'replica is there, no receipt', act: () => hint(accounts, bucket, 'key', 'bench') },
    { what: 'duplicate event', act: () => hint(accounts, bucket, 'key', 'bench') },
    {
      what: 'tags changed',
      act: async () => {
        const Tagging = { TagSet: [{ Key: 'a', Value: '1' }] };
        await s3.send(new PutObjectTaggingCommand({ ...at('key'), Tagging }));
      },
    },
    {
      what: 'deleted',
      act: async () => {
        marker = (await s3.send(new DeleteObjectCommand(at('key')))).VersionId;
      },
    },
    {
      what: 'delete marker removed',
      act: async () => void (await s3.send(new DeleteObjectCommand({ ...at('key'), VersionId: marker }))),
    },
  ];
};

/** Sends a hint. Two hints with the same identity count as two deliveries of one event. */
const hint = async (accounts: TwoAccounts, bucket: string, key: string, identity: string): Promise<void> => {
  const body = formatHint({
    bucket,
    key,
    versionId: null,
    sizeBytes: BODY.length,
    kind: 'ObjectCreated:Put',
    identity,
    principalId: null,
    rule: null,
    destination: null,
    run: null,
  });
  // The queue policy allows no operator to send, so the message comes from S3.
  accounts.aws.sqs.sendAsService({
    queueArn: `arn:aws:sqs:${accounts.aws.region}:${SOURCE_ACCOUNT}:${accounts.names.liveQueue}`,
    body,
    service: 's3.amazonaws.com',
    sourceArn: `arn:aws:s3:::${bucket}`,
    sourceAccount: SOURCE_ACCOUNT,
  });
};

const figuresOf = (what: string, counts: CallCounts, aim: string | undefined): Figure[] =>
  (['s3', 'dynamodb', 'sqs', 'sts'] as const).flatMap((service) => {
    const { total, detail } = callsOf(counts, service);
    if (total === 0 && service !== 's3') return [];
    const named = `${what}: ${SERVICE_NAMES[service]}${detail === '' ? '' : ` (${detail})`}`;
    return [value(named, 'calls', total, service === 's3' ? aim : undefined)];
  });

const SERVICE_NAMES = { s3: 'S3', dynamodb: 'DynamoDB', sqs: 'SQS', sts: 'STS' };
