/**
 * Two local AWS accounts, into which the packaged stack is deployed and whose permissions are enforced. The demo, the end-to-end tests and
 * the benchmarks run on these accounts.
 *
 * ```ts
 * await using accounts = await startTwoAccounts({ configuration: { … }, packaged: '.serverless' });
 * await accounts.source.s3().send(new PutObjectCommand({ Bucket, Key, Body }));
 * await accounts.waitUntilReplicated([{ bucket: Bucket, key: Key }]);
 * ```
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type Credentials,
  type LocalAws,
  type LocalAwsOptions,
  type LogLine,
  startLocalAws,
} from '@s3-replicator/local-aws';
import { parseTemplate, type Template } from '@s3-replicator/local-aws/template';
import { loadConfiguration } from '../src/lib/configuration/configuration.ts';
import type { Configuration } from '../src/lib/configuration/configuration.ts';
import { resourceNames } from '../src/lib/configuration/resource-names.ts';
import type { ResourceNames } from '../src/lib/configuration/resource-names.ts';
import { createAccount } from './account.ts';
import type { Account } from './account.ts';
import { createOutcomes } from './outcome-lines.ts';
import type { Outcomes } from './outcome-lines.ts';
import { packageStack, REPOSITORY, TEMPLATE_FILE } from './package-stack.ts';
import { runServerless } from './serverless.ts';
import { createWaits } from './waits.ts';
import type { Waits } from './waits.ts';

export const SOURCE_ACCOUNT = '111111111111';
export const DESTINATION_ACCOUNT = '222222222222';

export interface TwoAccountsOptions {
  /** The path of a replication.yml, or its content as an object. Default: the replication.yml of the repository. */
  configuration?: string | object;
  /** The stage. Default: `prod`. */
  stage?: string;
  /**
   * How the stack is deployed into the source account. With `in-process`, which is the default, the local CloudFormation deploys a package
   * directly. With `serverless`, a real `serverless deploy` packages, uploads and waits in the same way as with the real AWS.
   */
  deploy?: 'in-process' | 'serverless';
  /** Used only with `serverless`. Returns the credentials of the deployment. Default: those of the account's administrator. */
  deployAs?: (started: Pick<TwoAccounts, 'aws' | 'configuration'>) => Credentials;
  /**
   * Used only with `in-process`. The output folder of {@link packageStack} for this configuration and stage. Default: a new package is
   * made.
   */
  packaged?: string;
  /** The directory for objects and unpacked functions. Default: a new directory, which `stop` removes. */
  directory?: string;
  /**
   * The properties of the source buckets, by bucket name, in the format of AWS::S3::Bucket. The source buckets are created before the
   * deployment. Default: a bucket with versioning.
   */
  sourceBuckets?: Record<string, BucketProperties>;
  /** Additional parameters of `destination/template.yml`. The keys are the ARNs of the roles that the template creates. */
  destinationParameters?: Record<string, Record<string, string>>;
  /** Functions that change a template before its deployment, e.g. to remove a permission. `stack` is used only with `in-process`. */
  edit?: { stack?: (template: Template) => void; destination?: (template: Template) => void };
  /** Runs before the deployment, e.g. to set up the notifications of other teams. */
  before?: (accounts: Pick<TwoAccounts, 'aws' | 'source' | 'destination'>) => Promise<void>;
  /** Called for every line that the functions write to their logs. */
  onLog?: (line: LogLine) => void;
  /** Called at the end of each step. */
  onStep?: (step: Step) => void;
  lambda?: LocalAwsOptions['lambda'];
  /** Aborting this signal cancels the startup and stops everything that is already running. */
  signal?: AbortSignal;
}

/** The properties of AWS::S3::Bucket that the local S3 implements. */
type BucketProperties = Omit<Parameters<LocalAws['s3']['createBucket']>[0], 'name' | 'accountId' | 'region'>;

export type Step = 'started' | 'destinations-deployed' | 'stack-deployed';

export interface TwoAccounts extends Waits, AsyncDisposable {
  /** The local AWS, with its clock, faults, lambda.usage(), iam, cloudformation and more. */
  aws: LocalAws;
  configuration: Configuration;
  /** The file from which the configuration was read. */
  replicationFile: string;
  names: ResourceNames;
  source: Account;
  destination: Account;
  /** The outputs of the stack in the source account. */
  outputs: Record<string, string>;
  liveQueueUrl: string;
  deadLetterQueueUrl: string;
  /** The outcomes that the replicate function writes to its log. */
  outcomes: Outcomes;
  /** Ends all processes and servers, and removes all files of the accounts. May be called more than once. */
  stop(): Promise<void>;
}

/**
 * Starts the accounts. If starting fails, everything that was started is stopped. @throws StackError when a stack cannot be deployed, Error
 * when packaging fails
 */
export const startTwoAccounts = async (options: TwoAccountsOptions = {}): Promise<TwoAccounts> => {
  await using cleanUp = new AsyncDisposableStack();
  const workspace = await mkdtemp(join(tmpdir(), 's3-replicator-'));
  cleanUp.defer(() => rm(workspace, { recursive: true, force: true }));
  const replicationFile = await configurationFile(options, workspace);
  const { stage } = options;
  const configuration = loadConfiguration(replicationFile, { stage });
  const { region } = configuration.deployment;
  const names = resourceNames(configuration.deployment);
  const outcomes = createOutcomes(names.replicateFunction);
  const aws = await startLocalAws({
    region,
    directory: options.directory ?? join(workspace, 'aws'),
    onLog: (line) => {
      outcomes.read(line);
      options.onLog?.(line);
    },
    ...(options.lambda && { lambda: options.lambda }),
  });
  cleanUp.defer(() => aws.stop());
  const source = cleanUp.use(createAccount(aws, SOURCE_ACCOUNT));
  const destination = cleanUp.use(createAccount(aws, DESTINATION_ACCOUNT));
  createSourceBuckets(aws, configuration, options.sourceBuckets ?? {});
  await options.before?.({ aws, source, destination });
  options.onStep?.('started');

  await deployDestinations(aws, configuration, names, options);
  options.onStep?.('destinations-deployed');
  if (options.deploy === 'serverless') {
    const credentials = options.deployAs?.({ aws, configuration });
    const environment = source.environment(credentials);
    await runServerless(['deploy'], { replicationFile, stage, environment, signal: options.signal });
  } else await deployInProcess(aws, names.stack, { replicationFile, workspace }, options);
  const outputs = stackOutputs(aws, names.stack);
  options.onStep?.('stack-deployed');

  const started = {
    aws,
    configuration,
    replicationFile,
    names,
    source,
    destination,
    outputs,
    liveQueueUrl: output(outputs, 'LiveQueueUrl'),
    deadLetterQueueUrl: output(outputs, 'DeadLetterQueueUrl'),
    outcomes,
  };
  const everything = cleanUp.move();
  const stop = () => everything.disposeAsync();
  return { ...started, ...createWaits(started), stop, [Symbol.asyncDispose]: stop };
};

const configurationFile = async (
  { configuration }: TwoAccountsOptions,
  workspace: string,
): Promise<string> => {
  if (typeof configuration !== 'object') return configuration ?? join(REPOSITORY, 'replication.yml');
  const file = join(workspace, 'replication.yml');
  // The object is written as JSON, which YAML parsers accept.
  await writeFile(file, JSON.stringify(configuration, null, 2));
  return file;
};

const VERSIONED: BucketProperties = { VersioningConfiguration: { Status: 'Enabled' } };

const createSourceBuckets = (
  aws: LocalAws,
  { replication, deployment }: Configuration,
  properties: Record<string, BucketProperties>,
): void => {
  for (const name of new Set(replication.rules.map(({ source }) => source.bucket))) {
    const place = { accountId: SOURCE_ACCOUNT, region: deployment.region };
    aws.s3.createBucket({ name, ...place, ...(properties[name] ?? VERSIONED) });
  }
};

/**
 * Deploys one stack for each destination bucket, as the README describes. The stack is in the region of the bucket and in the account of
 * the role.
 */
const deployDestinations = async (
  aws: LocalAws,
  { replication, deployment, stack }: Configuration,
  names: ResourceNames,
  { edit, sourceBuckets = {}, destinationParameters = {} }: TwoAccountsOptions,
): Promise<void> => {
  const { rolePath } = stack;
  const file = join(REPOSITORY, 'destination', 'template.yml');
  const template = edited(await readFile(file, 'utf8'), edit?.destination);
  const destinations = new Map(
    replication.rules
      .flatMap((rule) => rule.destinations)
      .flatMap((each) => (each.service === null ? [[each.bucket, each] as const] : [])),
  );
  for (const { bucket, region, roleArn, externalId, kmsKeyArn } of destinations.values()) {
    const rules = replication.rules.filter((rule) =>
      rule.destinations.some((each) => each.bucket === bucket),
    );
    const yesIf = (answer: boolean): string => (answer ? 'yes' : 'no');
    await aws.cloudformation.deploy({
      accountId: roleArn.split(':')[4] ?? '',
      region,
      stackName: `${deployment.name}-destination-${bucket.replaceAll('.', '-')}`,
      template,
      parameters: {
        SourceRoleArn: `arn:aws:iam::${SOURCE_ACCOUNT}:role${rolePath}${names.replicateRole}`,
        ExternalId: externalId,
        BucketName: bucket,
        CreateBucket: 'yes',
        RoleName: roleArn.split('/').at(-1) ?? '',
        ReplicateDeletes: yesIf(rules.some(({ deletes }) => deletes === 'replicate')),
        ReplicateAcl: yesIf(rules.some(({ acl }) => acl === 'replicate')),
        // A replica of a locked source version can be locked only if its bucket has Object Lock.
        EnableObjectLock: yesIf(
          rules.some(({ source }) => Boolean(sourceBuckets[source.bucket]?.ObjectLockEnabled)),
        ),
        ...(kmsKeyArn !== null && { KmsKeyArn: kmsKeyArn }),
        ...destinationParameters[roleArn],
      },
    });
  }
};

const deployInProcess = async (
  aws: LocalAws,
  stackName: string,
  { replicationFile, workspace }: { replicationFile: string; workspace: string },
  { edit, packaged, stage, signal }: TwoAccountsOptions,
): Promise<void> => {
  const artifacts = packaged ?? join(workspace, 'package');
  if (packaged === undefined) await packageStack({ replicationFile, stage, outDirectory: artifacts, signal });
  await aws.cloudformation.deploy({
    accountId: SOURCE_ACCOUNT,
    region: aws.region,
    stackName,
    template: edited(await readFile(join(artifacts, TEMPLATE_FILE), 'utf8'), edit?.stack),
    artifacts,
  });
};

const stackOutputs = (aws: LocalAws, stackName: string): Record<string, string> =>
  aws.cloudformation.describe({ accountId: SOURCE_ACCOUNT, region: aws.region, stackName })?.outputs ?? {};

const edited = (text: string, edit: ((template: Template) => void) | undefined): string => {
  if (edit === undefined) return text;
  const template = parseTemplate(text);
  edit(template);
  return JSON.stringify(template);
};

const output = (outputs: Record<string, string>, name: string): string => {
  const value = outputs[name];
  if (value === undefined) throw new Error(`the stack has no output ${name}`);
  return value;
};
