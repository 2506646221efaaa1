import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClock, type AdjustableClock } from '../core/clock.ts';
import { createCloudFormationApi } from '../cloudformation/api/api.ts';
import { createCloudFormation, type CloudFormation } from '../cloudformation/cloudformation.ts';
import { createCustomResourceProvider } from '../cloudformation/custom-resource.ts';
import { iamProviders } from '../cloudformation/iam-resources.ts';
import { kmsKeyProvider } from '../cloudformation/kms-resources.ts';
import { lambdaProviders } from '../cloudformation/lambda-resources.ts';
import { createPermit } from '../cloudformation/permit.ts';
import { plainProviders } from '../cloudformation/plain-resources.ts';
import type { Provider } from '../cloudformation/provider.ts';
import { createResponseEndpoint, type ResponseEndpoint } from '../cloudformation/response-endpoint.ts';
import { s3Providers } from '../cloudformation/s3-resources.ts';
import { schedulerProviders } from '../cloudformation/scheduler-resources.ts';
import type { Credentials } from '../core/access.ts';
import type { Faults } from '../core/fault.ts';
import type { AwsService } from '../core/request.ts';
import { createDynamoDb, type DynamoDb } from '../dynamodb/dynamodb.ts';
import { createEcr } from '../ecr/ecr.ts';
import { createEventBridge, type EventBridge } from '../events/events.ts';
import { startFrontDoor, type FrontDoor } from '../front/front-door.ts';
import { createIamApi } from '../iam/iam-api.ts';
import { createIam, type Iam } from '../iam/iam.ts';
import { createKmsKeys, type KmsKeys } from '../kms/kms.ts';
import { createLambda, type Lambda, type LambdaOptions } from '../lambda/lambda.ts';
import type { LogLine } from '../lambda/log-sink.ts';
import type { S3Options } from '../s3/model/state.ts';
import { createS3, type S3Service } from '../s3/service.ts';
import { createScheduler, type Scheduler } from '../scheduler/scheduler.ts';
import { createKmsApi } from '../kms/kms-api.ts';
import { createSecretsManager, type SecretsManager } from '../secretsmanager/secretsmanager.ts';
import { createSns, type Sns } from '../sns/sns.ts';
import { createQueuePolicyResource, createQueueResource } from '../sqs/resources.ts';
import { createSqs, type Sqs } from '../sqs/sqs.ts';
import { createSts } from '../sts/sts.ts';
import { createWatch } from './watch.ts';

export interface LocalAwsOptions {
  /** The folder for objects and unpacked functions. The default is a new folder, which `stop` removes. */
  directory?: string;
  /**
   * The value of {@link LocalAws.region}. Requests may also use other regions. Resources such as queues, tables and functions belong to a
   * single region.
   */
  region?: string;
  clock?: AdjustableClock;
  onLog?: (line: LogLine) => void;
  httpPort?: number;
  httpsPort?: number;
  /** Options of S3. */
  s3?: Pick<S3Options, 'lockTakesTrailers' | 'takesUndeclaredChecksums'>;
  /** Options of the Lambda service. */
  lambda?: Pick<LambdaOptions, 'accountConcurrency' | 'idleMs' | 'asyncRetryDelaysMs' | 'mappingSwitchMs'>;
  /** Options of SQS. */
  sqs?: { maximumInFlight?: number };
}

/** A local AWS in this process. It has any number of accounts and regions, and the same endpoint for all services. */
export interface LocalAws {
  /** The HTTPS endpoint. In its requests, the condition key aws:SecureTransport is true. */
  endpoint: string;
  /** The HTTP endpoint. In its requests, the condition key aws:SecureTransport is false. */
  httpEndpoint: string;
  /** The path of a PEM file with the certificate authority, for NODE_EXTRA_CA_CERTS and AWS_CA_BUNDLE. */
  caFile: string;
  caPem: string;
  directory: string;
  region: string;
  clock: AdjustableClock;
  /** Returns the access key of an account's root user. Accounts need not be created first. */
  root(accountId: string): Credentials;
  s3: S3Service;
  sqs: Sqs;
  iam: Iam;
  sts: AwsService;
  lambda: Lambda;
  events: EventBridge;
  sns: Sns;
  scheduler: Scheduler;
  dynamodb: DynamoDb;
  kms: KmsKeys;
  secretsmanager: SecretsManager;
  cloudformation: CloudFormation;
  faults: Faults;
  /** Stops the functions and servers. Removes the folder if `startLocalAws` created it. */
  stop(): Promise<void>;
}

/** How often, in milliseconds, S3 performs the due work of lifecycle rules, archive tiers and restores. */
const RUN_DUE_EVERY_MS = 100;

/** Starts a local AWS on 127.0.0.1, without any resources. Templates and API calls create them. */
export const startLocalAws = async (options: LocalAwsOptions = {}): Promise<LocalAws> => {
  const directory = options.directory ?? (await mkdtemp(join(tmpdir(), 'local-aws-')));
  await mkdir(directory, { recursive: true });
  const removeDirectory = async (): Promise<void> => {
    if (options.directory === undefined) await rm(directory, { recursive: true, force: true });
  };
  const faults: LocalAws['faults'] = { plan: undefined };
  const services = createServices(options, directory, faults, () => front);
  const { iam, clock, lambda, cloudformation, responses, scheduler } = services;
  const front = await startFrontDoor({
    services: frontServices(services),
    iam,
    clock,
    faults,
    killFunction: async ({ headers }) => void (await lambda.killSender(headers['user-agent'])),
    ...(options.httpPort !== undefined && { httpPort: options.httpPort }),
    ...(options.httpsPort !== undefined && { httpsPort: options.httpsPort }),
  }).catch(async (error: unknown) => {
    await removeDirectory();
    throw error;
  });
  // Performs due work of S3, such as lifecycle rules and restores, even if S3 receives no requests.
  const dueTimer = setInterval(() => services.s3.runDue(), RUN_DUE_EVERY_MS).unref();
  return {
    ...services,
    endpoint: front.httpsEndpoint,
    httpEndpoint: front.httpEndpoint,
    caFile: front.caFile,
    caPem: front.caPem,
    directory,
    region: options.region ?? 'eu-central-1',
    root: (accountId) => iam.rootCredentials(accountId),
    faults,
    stop: async () => {
      clearInterval(dueTimer);
      scheduler.stop();
      services.stopWatch();
      services.events.stop();
      responses.close();
      await lambda.stop();
      await cloudformation.idle();
      await front.close();
      await services.s3.close();
      await removeDirectory();
    },
  };
};

type Services = ReturnType<typeof createServices>;

const createServices = (
  options: LocalAwsOptions,
  directory: string,
  faults: LocalAws['faults'],
  front: () => FrontDoor,
) => {
  const clock = options.clock ?? createClock();
  const endpoint = (): string => front().httpsEndpoint;
  const iam = createIam({ clock, faults });
  const kms = createKmsKeys({ clock, faults, keep: (policy) => iam.keep(policy, 'resource') });
  const sqs = createSqs({ iam, kms, clock, endpoint, faults, ...options.sqs });
  const sns = createSns({ iam, clock, queues: sqs });
  const watch = createWatch({ clock, iam, kms });
  const lambda = createLambda({
    directory: join(directory, 'lambda'),
    clock,
    iam,
    queues: sqs,
    hostVariables: () => ({ AWS_ENDPOINT_URL: endpoint(), NODE_EXTRA_CA_CERTS: front().caFile }),
    faults,
    onLog: (line) => {
      watch.onLog(line);
      options.onLog?.(line);
    },
    ...options.lambda,
  });
  const events = createEventBridge({ clock, queues: sqs, iam, lambda });
  const s3 = createS3({
    directory: join(directory, 's3'),
    clock,
    authorizer: iam,
    queues: sqs,
    topics: sns,
    events,
    faults,
    kms,
    ...options.s3,
    secretOf: (accessKeyId, sessionToken) => {
      const key = iam.callerOf(accessKeyId, sessionToken);
      return key.status === 'active' ? key.credentials.secretAccessKey : undefined;
    },
  });
  const scheduler = createScheduler({ clock, iam, lambda });
  const made = { clock, iam, sqs, events, kms, s3, lambda, sns, scheduler };
  const dynamodb = createDynamoDb({ iam, clock });
  const responses = createResponseEndpoint(endpoint);
  const own = { ...watch.providers, 'AWS::KMS::Key': kmsKeyProvider(kms) };
  const providers = resourceProviders({ ...made, dynamodb }, own, responses);
  const cloudformation = createCloudFormation({ clock, providers, permit: createPermit(iam, kms) });
  const others = {
    ...watch.start(made),
    sts: createSts({ iam }),
    ecr: createEcr({ iam }),
    secretsmanager: createSecretsManager({ iam, kms, clock }),
  };
  return { ...made, ...others, dynamodb, responses, cloudformation };
};

const resourceProviders = (
  services: Pick<LocalAws, 'iam' | 'sqs' | 'events' | 's3' | 'lambda' | 'sns' | 'scheduler' | 'dynamodb'>,
  own: Record<string, Provider>,
  responses: ResponseEndpoint,
): Record<string, Provider> => ({
  ...iamProviders(services.iam),
  ...lambdaProviders(services.lambda, services.s3),
  ...s3Providers(services.s3),
  ...schedulerProviders(services.scheduler),
  ...plainProviders(),
  ...own,
  'AWS::CloudFormation::CustomResource': createCustomResourceProvider(services.lambda, responses),
  'AWS::DynamoDB::Table': services.dynamodb.tableResource,
  'AWS::Events::Rule': services.events.ruleResource,
  'AWS::SNS::Subscription': services.sns.subscriptionResource,
  'AWS::SNS::Topic': services.sns.topicResource,
  'AWS::SNS::TopicPolicy': services.sns.topicPolicyResource,
  'AWS::SQS::Queue': createQueueResource(services.sqs),
  'AWS::SQS::QueuePolicy': createQueuePolicyResource(services.sqs),
});

/**
 * Returns the services by their SigV4 names. Unsigned requests to CloudFormation's bucket, which contain the responses of custom resources,
 * do not reach S3.
 */
const frontServices = ({
  s3,
  sqs,
  sts,
  dynamodb,
  ecr,
  lambda,
  sns,
  events,
  iam,
  cloudformation,
  responses,
  monitoring,
  logs,
  kms,
  secretsmanager,
}: Services): Record<string, AwsService> => ({
  s3: {
    handle: async (request, response) => {
      if (!(await responses.handle(request, response))) await s3.handle(request, response);
    },
  },
  sqs,
  sts,
  dynamodb,
  ecr,
  lambda,
  sns,
  events,
  iam: createIamApi(iam),
  monitoring,
  logs,
  secretsmanager,
  kms: createKmsApi({ iam, kms }),
  cloudformation: createCloudFormationApi({ cloudformation, authorizer: iam, objects: s3 }),
});
