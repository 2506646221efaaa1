/** Which AWS calls a replicated object takes, counted where they arrive: at the local AWS, from the packaged function. */
import { DeleteObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { SendMessageCommand } from '@aws-sdk/client-sqs';
import { startTwoAccounts, type TwoAccounts } from '../demo/two-accounts.ts';
import type { AwsRequest } from '../local/core.ts';
import { formatHint } from '../src/lib/hint.ts';
import type { Artifact } from './artifact.ts';
import { callsOf, type CallCounts } from './call-counts.ts';
import { SOURCE_BUCKET } from './configuration.ts';
import { type Figure, type Section, value } from './figure.ts';

const BODY = Buffer.alloc(1_024, 'x');

/** The two accounts of the demo with the artifact deployed. */
export const deployArtifact = async ({ replicationFile, packaged }: Artifact): Promise<TwoAccounts> =>
  await startTwoAccounts({ configuration: replicationFile, packaged });

export const countCalls = async (accounts: TwoAccounts): Promise<Section> => {
  const s3 = accounts.source.s3();
  const put = async (Key: string): Promise<void> =>
    void (await s3.send(new PutObjectCommand({ Bucket: SOURCE_BUCKET, Key, Body: BODY })));
  const steps: { what: string; aim?: string; act: () => Promise<void> }[] = [
    { what: 'new key, first event of an environment', act: () => put('first') },
    { what: 'new key', aim: '3', act: () => put('key') },
    { what: 'overwritten key', act: () => put('key') },
    { what: 'replica is there, no receipt', act: () => hint(accounts, 'key', 'bench') },
    { what: 'duplicate event', act: () => hint(accounts, 'key', 'bench') },
    {
      what: 'object gone from the source',
      act: async () => {
        // No event comes of this: the rule does not replicate deletes.
        await s3.send(new DeleteObjectCommand({ Bucket: SOURCE_BUCKET, Key: 'key' }));
        await hint(accounts, 'key', 'gone');
      },
    },
  ];
  const figures: Figure[] = [];
  for (const { what, aim, act } of steps) {
    const counts = await countDuring(accounts, act);
    figures.push(...figuresOf(what, counts, aim));
  }
  return {
    title: "Calls per object of 1 KiB (besides them, Lambda's poller receives and deletes each batch)",
    figures,
  };
};

/** The calls the function makes from `act` until nothing is left to do. */
const countDuring = async (accounts: TwoAccounts, act: () => Promise<void>): Promise<CallCounts> => {
  const counts: CallCounts = new Map();
  const reported = accounts.outcomes.next();
  accounts.aws.faults.plan = (request: AwsRequest) => {
    // The bench itself calls as the accounts' root users.
    const operation = request.operation ?? `${request.service}:unknown`;
    if (request.caller.kind === 'session') {
      counts.set(operation, (counts.get(operation) ?? 0) + 1);
    }
    return undefined;
  };
  try {
    await act();
    await reported;
    await accounts.waitUntilQuiet();
    return counts;
  } finally {
    accounts.aws.faults.plan = undefined;
  }
};

/** Two hints with the same identity are deliveries of the same event. */
const hint = async (accounts: TwoAccounts, key: string, identity: string): Promise<void> => {
  const body = formatHint({
    bucket: SOURCE_BUCKET,
    key,
    versionId: null,
    sizeBytes: BODY.length,
    kind: 'ObjectCreated:Put',
    identity,
    principalId: null,
    rule: null,
    destination: null,
  });
  await accounts.source.sqs.send(
    new SendMessageCommand({ QueueUrl: accounts.liveQueueUrl, MessageBody: body }),
  );
};

const figuresOf = (what: string, counts: CallCounts, aim: string | undefined): Figure[] =>
  (['s3', 'dynamodb', 'sqs', 'sts'] as const).flatMap((service) => {
    const { total, detail } = callsOf(counts, service);
    if (total === 0 && service !== 's3') return [];
    const named = `${what}: ${SERVICE_NAMES[service]}${detail === '' ? '' : ` (${detail})`}`;
    return [value(named, 'calls', total, service === 's3' ? aim : undefined)];
  });

const SERVICE_NAMES = { s3: 'S3', dynamodb: 'DynamoDB', sqs: 'SQS', sts: 'STS' };
