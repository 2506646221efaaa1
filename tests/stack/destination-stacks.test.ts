/**
 * The commands of `config destination` for the ten configurations: a shell reads them, the local CloudFormation deploys their parameters,
 * and the product replicates with the roles that this creates.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  DeleteBucketPolicyCommand,
  DeleteObjectCommand,
  GetObjectAclCommand,
  HeadObjectCommand,
  ListObjectVersionsCommand,
  PutBucketPolicyCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { clientConfig, type LocalAws, startLocalAws } from '@s3-replicator/local-aws';
import { canonicalUserId } from '@s3-replicator/local-aws/s3';
import { parseTemplate } from '@s3-replicator/local-aws/template';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createBuckets } from '../../src/lib/aws/s3/buckets.ts';
import { createS3Clients } from '../../src/lib/aws/s3/client/clients.ts';
import { narrowSessions } from '../../src/lib/aws/s3/client/sessions.ts';
import { type Configuration, parseConfiguration } from '../../src/lib/configuration/configuration.ts';
import { resourceNames } from '../../src/lib/configuration/resource-names.ts';
import { converge } from '../../src/lib/converge/converge.ts';
import { destinationKey, type RuleDestination, ruleDestinations } from '../../src/lib/model/rule.ts';
import { createTask } from '../../src/lib/model/task.ts';
import { awsCommands, optionOf, parametersOf } from '../cli/printed-command.ts';
import { run } from '../cli/run.ts';
import { drawn } from '../e2e/support/seed.ts';
import { dropAwsVariables, setAwsVariables } from '../model/aws-variables.ts';
import { noBrakes } from '../model/memory-brakes.ts';
import { noTransfers } from '../model/memory-transfers.ts';
import { memoryVersionReceipts } from '../model/memory-version-receipts.ts';
import { testInvocation } from '../model/settings.ts';
import { CONFIGURATIONS } from './ten-configurations.ts';

const SOURCE_ACCOUNT = '111111111111';
const TEMPLATE = await readFile('destination/template.yml', 'utf8');

let cwd: string;
let aws: LocalAws;
beforeEach(async () => {
  cwd = await mkdtemp(join(tmpdir(), 's3-replicator-stacks-'));
  aws = await startLocalAws({ region: 'eu-west-1' });
});
afterEach(async () => {
  dropAwsVariables();
  await aws.stop();
  await rm(cwd, { recursive: true });
});

const configurationOf = (name: string) => {
  const { text = '', stage = 'prod' } = CONFIGURATIONS[name] ?? {};
  return { ...parseConfiguration(text, { stage }), text };
};

/** Runs a command in a folder that has this configuration. */
const commandFor = async (name: string, ...argv: string[]): Promise<string> => {
  const { text, deployment } = configurationOf(name);
  await writeFile(join(cwd, 'replication.yml'), text);
  const { code, out, err } = await run([...argv, '--stage', deployment.stage], { cwd });
  expect({ code, err }).toEqual({ code: 0, err: '' });
  return out;
};

/** Prints the commands, and returns the words of each as a shell reads them. */
const printed = async (name: string, ...options: string[]): Promise<string[][]> =>
  awsCommands(
    await commandFor(name, 'config', 'destination', '--source-account', SOURCE_ACCOUNT, ...options),
  );

const deploy = async (words: readonly string[]): Promise<void> => {
  await aws.cloudformation.deploy({
    accountId: accountOf(words),
    region: optionOf(words, '--region'),
    stackName: optionOf(words, '--stack-name'),
    template: TEMPLATE,
    parameters: parametersOf(words),
  });
  // The policy refuses HTTP. The adapters of this process do not know the certificate of the local AWS, so they use HTTP.
  const owner = ownerOf(accountOf(words), optionOf(words, '--region'));
  const { BucketName: Bucket = '' } = parametersOf(words);
  await owner.send(new DeleteBucketPolicyCommand({ Bucket })).finally(() => owner.destroy());
};

/** The account is not in the command: its first line says in which account to run it. */
const accountOf = (words: readonly string[]): string =>
  Object.values(CONFIGURATIONS)
    .flatMap(({ text }) => ruleDestinations(parseConfiguration(text).replication))
    .find(({ destination }) => destination.bucket === parametersOf(words)['BucketName'])
    ?.destination.roleArn?.split(':')[4] ?? '';

const ALLOW_ALL = [{ Statement: [{ Effect: 'Allow' as const, Action: '*', Resource: '*' }] }];

/**
 * Creates the source buckets and the roles of the source account. The roles may do everything in that account, because only the destination
 * is tested.
 */
const createSource = ({ replication, deployment, stack }: Configuration): void => {
  for (const { source } of replication.rules)
    aws.s3.createBucket({
      name: source.bucket,
      accountId: SOURCE_ACCOUNT,
      region: deployment.region,
      VersioningConfiguration: { Status: 'Enabled' },
      ObjectLockEnabled: true,
      OwnershipControls: { Rules: [{ ObjectOwnership: 'ObjectWriter' }] },
    });
  for (const roleName of [resourceNames(deployment).replicateRole, 'reader'])
    aws.iam.putRole({
      accountId: SOURCE_ACCOUNT,
      roleName,
      path: stack.rolePath,
      assumeRolePolicy: {
        Statement: [{ Effect: 'Allow', Action: 'sts:AssumeRole', Principal: { AWS: SOURCE_ACCOUNT } }],
      },
      policies: ALLOW_ALL,
    });
};

const ownerOf = (accountId: string, region: string): S3Client =>
  new S3Client(clientConfig(aws, aws.root(accountId), { region }));

/** Returns a function that converges a key with the role of the replicate function, and resolves to the outcome. */
const replicatorOf = ({ replication, deployment, stack }: Configuration) => {
  const role = `arn:aws:iam::${SOURCE_ACCOUNT}:role${stack.rolePath}${resourceNames(deployment).replicateRole}`;
  const { credentials } = aws.iam.createSession(role, 'acme', 3_600);
  setAwsVariables({ endpoint: aws.httpEndpoint, credentials });
  const clients = createS3Clients({
    region: deployment.region,
    sessionName: 'acme',
    sourceIdentity: 'acme',
    sessions: narrowSessions(replication, 'write'),
    ownAccount: async () => SOURCE_ACCOUNT,
  });
  const buckets = createBuckets(clients, new AbortController().signal);
  return async ({ rule, destination }: RuleDestination, key: string): Promise<string> => {
    const { outcome } = await converge(createTask({ rule, destination, key }, { expectedBytes: 1 }), {
      source: buckets.source(rule),
      destination: buckets.destination(destination),
      invocation: testInvocation({ deadlineMs: Date.now() + 900_000 }),
      clock: { now: Date.now, sleep: async () => undefined },
      ...noTransfers(),
      versionReceipts: memoryVersionReceipts(),
      brake: noBrakes,
      passOver: async () => undefined,
    });
    return outcome;
  };
};

const keyOf = ({ rule }: RuleDestination): string => `${rule.source.prefix}one${rule.source.suffix}`;

const YEAR_MS = 365 * 24 * 3_600_000;

/** Uploads an object that uses what the rule replicates. */
const upload = async (where: RuleDestination, region: string): Promise<void> => {
  const { rule, destination } = where;
  const source = ownerOf(SOURCE_ACCOUNT, region);
  await source.send(
    new PutObjectCommand({
      Bucket: rule.source.bucket,
      Key: keyOf(where),
      Body: 'content',
      Tagging: new URLSearchParams(rule.filter.tags).toString(),
      ...(rule.acl === 'replicate' ? { GrantRead: `id="${canonicalUserId('333333333333')}"` } : {}),
      ...(destination.objectLock === 'ignore'
        ? {}
        : {
            ObjectLockMode: 'GOVERNANCE' as const,
            ObjectLockRetainUntilDate: new Date(Date.now() + YEAR_MS),
          }),
    }),
  );
  source.destroy();
};

/** Configurations for another partition. The local AWS has only one partition, in which none of their roles can be assumed. */
const OTHER_PARTITION = ['govcloud'];

const deployable = Object.keys(CONFIGURATIONS).filter((name) => !OTHER_PARTITION.includes(name));

test.each(drawn(deployable, 3))(
  'with the stacks that config destination prints for the configuration %s, every rule replicates',
  async (name) => {
    const configuration = configurationOf(name);
    const { replication, deployment } = configuration;
    createSource(configuration);
    const commands = await printed(name, '--create-bucket', '--object-lock');
    expect(commands).toHaveLength(ruleDestinations(replication).length);
    for (const words of commands) await deploy(words);
    const replicate = replicatorOf(configuration);
    for (const where of ruleDestinations(replication)) {
      const { rule, destination } = where;
      await upload(where, deployment.region);
      if (rule.copy === 'server-side') await grantSources(name);
      expect(await replicate(where, keyOf(where))).toBe('replicated');
      const replica = { Bucket: destination.bucket, Key: destinationKey(rule, destination, keyOf(where)) };
      const owner = ownerOf(destination.account ?? '', destination.region);
      const head = await owner.send(new HeadObjectCommand(replica));
      expect(head.ContentLength).toBe(7);
      expect(head.ObjectLockMode).toBe(destination.objectLock === 'ignore' ? undefined : 'GOVERNANCE');
      if (destination.kmsKeyArn !== null) expect(head.SSEKMSKeyId).toBe(destination.kmsKeyArn);
      if (rule.acl === 'replicate')
        expect((await owner.send(new GetObjectAclCommand(replica))).Grants).toHaveLength(2);
      if (rule.deletes === 'replicate') expect(await markersAfterDelete(where, owner, replicate)).toBe(1);
      owner.destroy();
    }
  },
);

/** Puts the bucket policies that `config policy` prints. */
const grantSources = async (name: string): Promise<void> => {
  const { buckets } = JSON.parse(await commandFor(name, 'config', 'policy', '--json'));
  const source = ownerOf(SOURCE_ACCOUNT, configurationOf(name).deployment.region);
  for (const { bucket, statements } of buckets)
    await source.send(
      new PutBucketPolicyCommand({ Bucket: bucket, Policy: JSON.stringify({ Statement: statements }) }),
    );
  source.destroy();
};

const markersAfterDelete = async (
  where: RuleDestination,
  owner: S3Client,
  replicate: ReturnType<typeof replicatorOf>,
): Promise<number> => {
  const source = ownerOf(SOURCE_ACCOUNT, aws.region);
  await source.send(new DeleteObjectCommand({ Bucket: where.rule.source.bucket, Key: keyOf(where) }));
  source.destroy();
  await replicate(where, keyOf(where));
  const { DeleteMarkers: markers = [] } = await owner.send(
    new ListObjectVersionsCommand({ Bucket: where.destination.bucket }),
  );
  return markers.length;
};

test('the stack that config destination prints for another partition can be deployed', async () => {
  for (const name of OTHER_PARTITION)
    for (const words of await printed(name, '--create-bucket')) await deploy(words);
});

/** Parameters that the command leaves out unless an option gives them. They keep their default, or the value of an existing stack. */
const DELIBERATELY_LEFT = ['ListOwnBuckets', 'PermissionsBoundary'];

test('config destination gives every parameter of the template, except those that this file names', async () => {
  const vault = [
    '--create-bucket',
    '--object-lock',
    '--retention-mode',
    'GOVERNANCE',
    '--retention-days',
    '9',
  ];
  const given = new Set<string>();
  for (const name of Object.keys(CONFIGURATIONS))
    for (const words of await printed(name, ...vault))
      for (const parameter of Object.keys(parametersOf(words))) given.add(parameter);
  const known = Object.keys(parseTemplate(TEMPLATE).Parameters);
  expect([...given, ...DELIBERATELY_LEFT].toSorted()).toEqual(known.toSorted());
});
