import type { Configuration } from '../lib/configuration/configuration.ts';
import { ConfigurationError, type ConfigurationProblem } from '../lib/configuration/problem.ts';
import { productVersion } from '../lib/configuration/package-files.ts';
import { resourceNames } from '../lib/configuration/resource-names.ts';
import type { ResourceNames } from '../lib/configuration/resource-names.ts';
import { sessionName } from '../lib/hint/session-name.ts';
import { alarms, alarmTopic } from './alarms.ts';
import { NAMESPACE } from '../lib/model/metrics.ts';
import { ACCOUNT_ID, attribute, ref } from './cloudformation.ts';
import type { Resources } from './cloudformation.ts';
import { withDashboard } from './dashboard.ts';
import { eventRules } from './event-rules.ts';
import { logGroupExtensions, onPlatform, type Platform, platformOf } from './platform.ts';
import { type Excess, excessOf, fixOfBucket } from './limits.ts';
import { queues, REPLICATE_TIMEOUT_SECONDS } from './queues.ts';
import { roles } from './roles.ts';
import { runRoles } from './run-roles.ts';
import { deployedRules } from './rules-digest.ts';
import { runEnvironment, runs } from './runs.ts';
import { sourceBuckets } from './source-buckets.ts';
import { splitAdvice, splitRules } from './split.ts';
import { subscribeEnvironment, subscriptions } from './subscriptions.ts';
import { idempotencyTable } from './table.ts';
import { transferEnvironment, transfers } from './transfers.ts';
import { waitingQueues } from './waiting.ts';

/** The values that `serverless.yml` refers to. The names are those that `serverless.yml` uses. */
export interface Stack {
  name: string;
  stage: string;
  region: string;
  names: ResourceNames;
  settings: Configuration['stack'];
  replicateTimeoutSeconds: number;
  tags: Record<string, string>;
  backfill: Configuration['backfill'];
  transfers: Configuration['transfers'];
  replicateEnvironment: Record<string, unknown>;
  backfillEnvironment: Record<string, unknown>;
  subscribeEnvironment: Record<string, unknown>;
  inspectEnvironment: Record<string, unknown>;
  platform: Platform;
  resources: {
    Resources: Resources;
    Metadata: Record<string, { Version: string }>;
    Outputs: Record<string, { Description: string; Value: unknown }>;
    extensions?: Record<string, { Properties: { KmsKeyId: string } }>;
  };
}

/**
 * Returns the stack of a configuration. The same configuration always gives the same stack.
 *
 * @throws ConfigurationError if there are too many buckets and roles for one stack. It says how to split the rules
 */
export function stackOf(configuration: Configuration): Stack {
  const { deployment, stack } = configuration;
  const names = resourceNames(deployment);
  const resources = resourcesOf(configuration, names);
  const excess = excessIn(configuration, resources);
  if (excess.length > 0) throw new ConfigurationError('replication.yml', problemsOf(configuration, excess));
  return {
    name: deployment.name,
    stage: deployment.stage,
    region: deployment.region,
    names,
    settings: stack,
    replicateTimeoutSeconds: REPLICATE_TIMEOUT_SECONDS,
    tags: { application: deployment.name, stage: deployment.stage, ...stack.tags },
    backfill: configuration.backfill,
    transfers: configuration.transfers,
    replicateEnvironment: replicateEnvironment(configuration, names),
    backfillEnvironment: backfillEnvironment(configuration, names),
    inspectEnvironment: inspectEnvironment(configuration, names),
    subscribeEnvironment: subscribeEnvironment(deployment, names, stack),
    platform: platformOf(stack),
    resources: {
      Metadata: { [PRODUCT]: { Version: productVersion() } },
      Resources: resources,
      Outputs: { ...outputs(stack), ...deployedRules(configuration) },
      ...logGroupExtensions(stack.kmsKeyArn),
    },
  };
}

const excessIn = (configuration: Configuration, resources: Resources): Excess[] =>
  excessOf(resources, sourceBuckets(configuration.replication.rules));

/** All problems that a second stack would solve are reported as one problem, so that the split is printed once. */
const problemsOf = (configuration: Configuration, excess: Excess[]): ConfigurationProblem[] => {
  const common = { path: 'rules', line: null, column: null };
  const ofBuckets = excess.flatMap(({ found, bucket }) =>
    bucket === null ? [] : [{ ...common, found, fix: fixOfBucket(bucket) }],
  );
  const ofStack = excess.filter(({ bucket }) => bucket === null).map(({ found }) => found);
  if (ofStack.length === 0) return ofBuckets;
  const found = `too many buckets and roles for one stack: ${ofStack.join('; ')}`;
  return [...ofBuckets, { ...common, found, fix: split(configuration) }];
};

const split = (configuration: Configuration): string => {
  const names = resourceNames(configuration.deployment);
  const fits = (part: Configuration): boolean => excessIn(part, resourcesOf(part, names)).length === 0;
  const stacks = splitRules(configuration, fits);
  return stacks === null
    ? 'the rules of one source bucket alone are too much: replace several of its rules or destinations by one with a shorter prefix'
    : splitAdvice(configuration.deployment.name, stacks);
};

const resourcesOf = (configuration: Configuration, names: ResourceNames): Resources =>
  onPlatform(plainResources(configuration, names), configuration.stack, names.stack);

function plainResources(configuration: Configuration, names: ResourceNames): Resources {
  const buckets = sourceBuckets(configuration.replication.rules);
  return {
    ...queues(names, buckets, configuration.stack),
    ...waitingQueues(names, configuration.replication),
    ...idempotencyTable(names),
    ...roles(configuration),
    ...runs(names, configuration.stack),
    ...runRoles(configuration),
    ...transfers(names),
    ...eventRules(buckets, names.stack),
    ...subscriptions(names, buckets),
    ...withDashboard(configuration, alarms(configuration)),
  };
}

const backfillEnvironment = (
  configuration: Configuration,
  names: ResourceNames,
): Record<string, unknown> => ({
  ...runEnvironment(names, configuration.backfill),
  IDEMPOTENCY_TABLE: ref('IdempotencyTable'),
  WAITING_QUEUES: names.waitingQueues,
  ...commonEnvironment(configuration, names),
});

const replicateEnvironment = (
  configuration: Configuration,
  names: ResourceNames,
): Record<string, unknown> => ({
  LIVE_QUEUE_URL: ref('LiveQueue'),
  BACKFILL_QUEUE_URL: ref('BackfillQueue'),
  RUNS_TABLE: ref('RunsTable'),
  DEAD_LETTER_QUEUE_URL: ref('LiveDeadLetterQueue'),
  WAITING_QUEUES: names.waitingQueues,
  ...(configuration.stack.metrics === 'standard' ? {} : { METRICS: configuration.stack.metrics }),
  LIVE_CONCURRENCY: String(configuration.stack.maximumConcurrency),
  BACKFILL_CONCURRENCY: String(configuration.backfill.maximumConcurrency),
  IDEMPOTENCY_TABLE: ref('IdempotencyTable'),
  ...transferEnvironment(configuration.transfers),
  ...commonEnvironment(configuration, names),
});

/**
 * The tables that the inspect function reads, and the time limit of the replicate function. The inspect function uses no queue.
 */
const inspectEnvironment = (configuration: Configuration, names: ResourceNames): Record<string, unknown> => ({
  RUNS_TABLE: ref('RunsTable'),
  IDEMPOTENCY_TABLE: ref('IdempotencyTable'),
  TRANSFERS_TABLE: ref('TransfersTable'),
  REPLICATE_SECONDS: String(REPLICATE_TIMEOUT_SECONDS),
  ...commonEnvironment(configuration, names),
});

const commonEnvironment = (
  { deployment, stack }: Configuration,
  names: ResourceNames,
): Record<string, unknown> => ({
  ACCOUNT_ID,
  ROLE_SESSION_NAME: sessionName(names.stack, deployment.region),
  POWERTOOLS_SERVICE_NAME: deployment.name,
  POWERTOOLS_METRICS_NAMESPACE: NAMESPACE,
  POWERTOOLS_LOG_LEVEL: stack.logLevel,
  ...(stack.loggedKeys === 'plain' ? {} : { LOGGED_KEYS: stack.loggedKeys }),
});

/** The key in the metadata of both templates. */
const PRODUCT = 's3-replicator';

const outputs = (stack: Configuration['stack']): Stack['resources']['Outputs'] => ({
  Version: { Description: 'The version of s3-replicator that was deployed', Value: productVersion() },
  ReplicateRoleArn: {
    Description:
      'The role that destination accounts trust (parameter SourceRoleArn of destination/template.yml)',
    Value: attribute('ReplicateRole', 'Arn'),
  },
  ReplicateFunctionName: {
    Description: 'The function that replicates',
    Value: ref('ReplicateLambdaFunction'),
  },
  SubscribeFunctionName: {
    Description: 'The function that subscribes source buckets during deployment, and checks them',
    Value: ref('SubscribeLambdaFunction'),
  },
  Subscriptions: {
    Description: 'What the last deployment found about the subscriptions of the source buckets',
    Value: attribute('SubscriptionCheck', 'Report'),
  },
  LiveQueueUrl: { Description: 'The queue at which events arrive', Value: ref('LiveQueue') },
  LiveQueueArn: { Description: 'The queue at which events arrive', Value: attribute('LiveQueue', 'Arn') },
  DeadLetterQueueUrl: {
    Description: 'The queue of events that need a person',
    Value: ref('LiveDeadLetterQueue'),
  },
  DeadLetterQueueArn: {
    Description: 'The queue of events that need a person',
    Value: attribute('LiveDeadLetterQueue', 'Arn'),
  },
  IdempotencyTableName: { Description: 'Idempotency records and receipts', Value: ref('IdempotencyTable') },
  RunsTableName: { Description: 'Runs of backfill and verify', Value: ref('RunsTable') },
  RunsTopicArn: { Description: 'Told when a run has come to its end', Value: ref('RunsTopic') },
  TransfersTableName: {
    Description: 'Objects that take more than one invocation',
    Value: ref('TransfersTable'),
  },
  TransferQueueUrl: { Description: 'Ranges of their parts', Value: ref('TransferQueue') },
  TransferFunctionName: {
    Description: 'The function that moves them',
    Value: ref('TransferLambdaFunction'),
  },
  BackfillFunctionName: {
    Description: 'The function that compares buckets, and starts runs: invoke it with events/backfill.json',
    Value: ref('BackfillLambdaFunction'),
  },
  BatchFunctionArn: {
    Description: 'The function that jobs of S3 Batch Operations invoke, with InvocationSchemaVersion 2.0',
    Value: attribute('BatchLambdaFunction', 'Arn'),
  },
  BatchJobRoleArn: {
    Description: 'The role of jobs of S3 Batch Operations',
    Value: attribute('BatchJobRole', 'Arn'),
  },
  InspectFunctionName: {
    Description: 'The function that tells operators what the replicate function would see and do',
    Value: ref('InspectLambdaFunction'),
  },
  AlarmTopicArn: { Description: 'The topic at which alarms are published', Value: alarmTopic(stack.alarms) },
});
