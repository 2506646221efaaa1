/** Selects one of the stacks of a configuration. */
export interface Deployment {
  /** `name` of the configuration. */
  name: string;
  /** `--stage`; separates, say, `test` from `prod` in one account. */
  stage: string;
  /** `--region`; S3 notifies queues of the bucket's own region only, so it is the source buckets' region too. */
  region: string;
}

export interface ResourceNames {
  stack: string;
  liveQueue: string;
  deadLetterQueue: string;
  table: string;
  replicateFunction: string;
  subscribeFunction: string;
  /** Named, so that the destination account can trust it before it exists. IAM names are global: hence the region. */
  replicateRole: string;
  subscribeRole: string;
  alarmTopic: string;
  /** Runs: backfill and verify. */
  runsTable: string;
  rangesQueue: string;
  rangesDeadLetterQueue: string;
  backfillQueue: string;
  runsTopic: string;
  /** Transfers: objects that take more than one invocation. */
  transfersTable: string;
  transferQueue: string;
  transferDeadLetterQueue: string;
  transferFunction: string;
  backfillFunction: string;
  batchFunction: string;
  backfillRole: string;
  batchRole: string;
  batchJobRole: string;
}

/** The names of all resources in the stack that are found by name. */
export function resourceNames({ name, stage, region }: Deployment): ResourceNames {
  const stack = `${name}-${stage}`;
  return {
    stack,
    liveQueue: `${stack}-live`,
    deadLetterQueue: `${stack}-live-dlq`,
    table: `${stack}-idempotency`,
    replicateFunction: `${stack}-replicate`,
    subscribeFunction: `${stack}-subscribe`,
    replicateRole: `${stack}-${region}-replicate`,
    subscribeRole: `${stack}-${region}-subscribe`,
    alarmTopic: `${stack}-alarms`,
    runsTable: `${stack}-runs`,
    rangesQueue: `${stack}-ranges`,
    rangesDeadLetterQueue: `${stack}-ranges-dlq`,
    backfillQueue: `${stack}-backfill`,
    runsTopic: `${stack}-runs`,
    transfersTable: `${stack}-transfers`,
    transferQueue: `${stack}-transfers`,
    transferDeadLetterQueue: `${stack}-transfers-dlq`,
    transferFunction: `${stack}-transfer`,
    backfillFunction: `${stack}-backfill`,
    batchFunction: `${stack}-batch`,
    backfillRole: `${stack}-${region}-backfill`,
    batchRole: `${stack}-${region}-batch`,
    batchJobRole: `${stack}-${region}-batch-job`,
  };
}

/**
 * The number of characters by which the longest derived name exceeds AWS's limit; 0 if all names fit. The IAM role name
 * (64 characters) always reaches its limit first: it has the longest ending and the lowest limit.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
 */
export const excessOfNames = (deployment: Deployment): number =>
  Math.max(0, resourceNames(deployment).replicateRole.length - MAXIMUM_ROLE_NAME_LENGTH);

const MAXIMUM_ROLE_NAME_LENGTH = 64;

/** The Id prefix by which this stack recognises its own entries in a bucket's notification configuration. */
export const subscriptionIdPrefix = (names: ResourceNames): string => `${names.stack}:`;
