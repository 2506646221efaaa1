/**
 * The files of `s3-replicator build`, deployed without the Serverless framework. The soak runs these tests, with CARRIER=plain. Each test
 * continues where the previous one ended.
 */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import {
  type Capability,
  CloudFormationClient,
  CreateStackCommand,
  DeleteStackCommand,
  UpdateStackCommand,
} from '@aws-sdk/client-cloudformation';
import {
  CreateBucketCommand,
  GetBucketNotificationConfigurationCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { DeleteQueueCommand } from '@aws-sdk/client-sqs';
import { clientConfig } from '@s3-replicator/local-aws';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { packageStack, TEMPLATE_FILE } from '../../demo/package-stack.ts';
import { runServerless, withoutAws } from '../../demo/serverless.ts';
import {
  DESTINATION_ACCOUNT,
  SOURCE_ACCOUNT,
  startTwoAccounts,
  type TwoAccounts,
} from '../../demo/two-accounts.ts';
import { type Build, buildOf } from '../../src/cli/build/build-files.ts';

const CONFIGURATION = {
  name: 'carried',
  region: 'us-east-1',
  rules: [
    {
      id: 'documents',
      source: { bucket: 'documents' },
      destinations: [
        {
          bucket: 'documents-replica',
          region: 'us-east-1',
          roleArn: `arn:aws:iam::${DESTINATION_ACCOUNT}:role/documents`,
          externalId: 'external',
        },
      ],
    },
  ],
};

const isWanted = process.env['CARRIER'] === 'plain';

let accounts: TwoAccounts;
let folder: string;
let build: Build;
let byServerless: string[];
beforeAll(async () => {
  if (!isWanted) return;
  folder = await mkdtemp(join(tmpdir(), 'carriers-'));
  accounts = await startTwoAccounts({ configuration: CONFIGURATION, deploy: 'serverless' });
  byServerless = resourcesOf();
  const { replicationFile } = accounts;
  await packageStack({ replicationFile, outDirectory: folder });
  const template = await readFile(join(folder, TEMPLATE_FILE), 'utf8');
  build = buildOf(accounts.configuration, { folder, template });
  await runServerless(['remove'], { replicationFile, environment: accounts.source.environment() });
  await deleteWhatIsKept();
});
afterAll(async () => {
  await accounts?.stop();
  if (isWanted) await rm(folder, { recursive: true, force: true });
});

test.skipIf(!isWanted)(
  'the plain template has the resources of serverless deploy when it is deployed from any bucket with CloudFormation alone',
  async () => {
    const s3 = accounts.source.s3();
    await s3.send(new CreateBucketCommand({ Bucket: 'artifacts' }));
    const keys = new Map(build.manifest.files.map(({ path, key = path }) => [path, key]));
    for (const { path, content } of build.files)
      await s3.send(
        new PutObjectCommand({ Bucket: 'artifacts', Key: keys.get(path) ?? path, Body: content }),
      );

    await deploy(build.manifest, { CodeBucket: 'artifacts' });
    expect(stackOf()).toMatchObject({ status: 'CREATE_COMPLETE', statusReason: null });
    expect(resourcesOf()).toEqual(
      byServerless.filter((line) => !line.includes('ServerlessDeploymentBucket')),
    );
  },
);

test.skipIf(!isWanted)('the plain template replicates', async () => {
  await accounts.source.s3().send(new PutObjectCommand({ Bucket: 'documents', Key: 'a.txt', Body: 'a' }));
  await accounts.waitUntilReplicated([{ bucket: 'documents', key: 'a.txt' }]);
});

test.skipIf(!isWanted)(
  'the plain template protects the tables from the second deployment on, if it is told to',
  async () => {
    await deploy(build.manifest, { CodeBucket: 'artifacts', ProtectTables: 'yes' });
    expect(stackOf()?.status).toBe('UPDATE_COMPLETE');
    const tables = accounts.aws.dynamodb.tables(SOURCE_ACCOUNT, 'us-east-1');
    expect((await tables.call('DeleteTable', { TableName: 'carried-prod-runs' })).status).toBe(400);
  },
);

test.skipIf(!isWanted)(
  'the plain template is deleted by CloudFormation alone, and unsubscribes the source bucket',
  async () => {
    await clientOf().send(new DeleteStackCommand({ StackName: 'carried-prod' }));
    await accounts.aws.cloudformation.idle();
    expect(stackOf()?.status).toBe('DELETE_COMPLETE');
    expect(accounts.aws.lambda.functionArns()).toEqual([]);
    const notifications = new GetBucketNotificationConfigurationCommand({ Bucket: 'documents' });
    const { QueueConfigurations } = await accounts.source.s3().send(notifications);
    expect(QueueConfigurations).toBeUndefined();
  },
);

test.skipIf(!isWanted)(
  'the plain template is taken over by CDK with all its resources',
  { timeout: 600_000 },
  async ({ skip }) => {
    const template = String(build.files.find(({ path }) => path === 'template.json')?.content);
    const synthesised = await synthesise(template);
    if ('missing' in synthesised) return skip(`the registry gives no aws-cdk-lib: ${synthesised.missing}`);
    const { Resources } = JSON.parse(
      template
        .replaceAll(/\{\s*"Ref": "CodeBucket"\s*\}/g, '"acme-artifacts"')
        .replaceAll('${CodePrefix}', 's3-replicator/'),
    );
    expect(withSortedDependencies(synthesised.resources)).toEqual(withSortedDependencies(Resources));
  },
);

const stackOf = () =>
  accounts.aws.cloudformation.describe({
    accountId: SOURCE_ACCOUNT,
    region: 'us-east-1',
    stackName: 'carried-prod',
  });
const resourcesOf = (): string[] =>
  Array.from(stackOf()?.resources ?? [], ([id, { type, physicalId }]) =>
    /Custom::|Permission|Mapping|Policy/.test(type)
      ? `${type} ${id}`
      : `${type} ${id} ${physicalId?.replace(/-[A-Z0-9]{12}$/, '')}`,
  ).toSorted();
const clientOf = () =>
  new CloudFormationClient(clientConfig(accounts.aws, accounts.aws.root(SOURCE_ACCOUNT)));

const deleteWhatIsKept = async (): Promise<void> => {
  const tables = accounts.aws.dynamodb.tables(SOURCE_ACCOUNT, 'us-east-1');
  const { table, runsTable, transfersTable } = accounts.names;
  for (const TableName of [table, runsTable, transfersTable]) {
    await tables.call('UpdateTable', { TableName, DeletionProtectionEnabled: false });
    await tables.call('DeleteTable', { TableName });
  }
  await accounts.source.sqs.send(new DeleteQueueCommand({ QueueUrl: accounts.deadLetterQueueUrl }));
  // SQS does not create a queue within a minute after a queue of the same name was deleted.
  accounts.aws.clock.advance(61_000);
};

const deploy = async (manifest: Build['manifest'], parameters: Record<string, string>): Promise<void> => {
  const input = {
    StackName: manifest.stack,
    TemplateURL: 'https://artifacts.s3.us-east-1.amazonaws.com/template.json',
    Capabilities: manifest.capabilities as Capability[],
    Tags: Object.entries(manifest.tags).map(([Key, Value]) => ({ Key, Value })),
    Parameters: Object.entries(parameters).map(([ParameterKey, ParameterValue]) => ({
      ParameterKey,
      ParameterValue,
    })),
  };
  const { status } = stackOf() ?? {};
  if (status === 'DELETE_COMPLETE') await clientOf().send(new CreateStackCommand(input));
  else await clientOf().send(new UpdateStackCommand(input));
  await accounts.aws.cloudformation.idle();
};

type Resources = Record<string, { DependsOn?: string[] }>;

/**
 * Installs CDK from the registry and runs the program of docs/carriers.md. Resolves to the resources, or to why CDK could not be installed.
 */
const synthesise = async (template: string): Promise<{ resources: Resources } | { missing: string }> => {
  const cdk = join(folder, 'cdk');
  await mkdir(cdk);
  await writeFile(join(folder, 'template.json'), template);
  const packages = ['--no-audit', '--no-fund', '--prefix', cdk, 'aws-cdk-lib', 'constructs'];
  const missing = await run('npm', ['install', ...packages], folder);
  if (missing !== null) return { missing };
  await writeFile(join(cdk, 'app.cjs'), await cdkApp());
  expect(await run(process.execPath, ['app.cjs'], cdk)).toBeNull();
  const text = await readFile(join(cdk, 'cdk.out', 'carried-prod.template.json'), 'utf8');
  return { resources: JSON.parse(text).Resources };
};

/** The order of dependencies means nothing, and CDK changes it. */
const withSortedDependencies = (resources: Resources): object =>
  Object.fromEntries(
    Object.entries(resources).map(([id, { DependsOn = [], ...others }]) => [
      id,
      { ...others, DependsOn: DependsOn.toSorted() },
    ]),
  );

/** Returns what went wrong, or null. */
const run = async (program: string, argv: string[], cwd: string): Promise<string | null> =>
  promisify(execFile)(program, argv, { cwd, env: withoutAws(process.env) }).then(
    () => null,
    (error: unknown) => String(error).slice(0, 2_000),
  );

/** The program of docs/carriers.md, for the stack of this test. */
const cdkApp = async (): Promise<string> => {
  const text = await readFile('docs/carriers.md', 'utf8');
  const [, program = ''] = /```js\n(.*?)```/s.exec(text) ?? [];
  return program
    .replaceAll('build/template.json', '../template.json')
    .replaceAll('s3-replicator-prod', 'carried-prod');
};
