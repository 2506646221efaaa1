/** Identifies one stack. The same configuration can be deployed as several stacks. */
export interface Deployment {
  /** `name` of the configuration. */
  name: string;
  /** The option `--stage`. It separates stacks in one account, for instance `test` from `prod`. */
  stage: string;
  /** The option `--region`. S3 notifies only queues in the bucket's own region, so the source buckets are in this region too. */
  region: string;
}

export interface ResourceNames {
  stack: string;
  liveQueue: string;
  deadLetterQueue: string;
  /** The beginning of the names of all waiting queues. */
  waitingQueues: string;
  table: string;
  replicateFunction: string;
  subscribeFunction: string;
  /**
   * The role has a fixed name, so that the destination account can trust the role before the role exists. Names of roles must be
   * unique within an account across all regions, so the name contains the region.
   */
  replicateRole: string;
  subscribeRole: string;
  alarmTopic: string;
  /** Resources of runs (backfill and verify). */
  runsTable: string;
  rangesQueue: string;
  rangesDeadLetterQueue: string;
  backfillQueue: string;
  runsTopic: string;
  /** Resources of transfers, which move objects that need more than one invocation. */
  transfersTable: string;
  transferQueue: string;
  transferDeadLetterQueue: string;
  transferFunction: string;
  backfillFunction: string;
  batchFunction: string;
  inspectFunction: string;
  backfillRole: string;
  batchRole: string;
  batchJobRole: string;
}

/** Returns the name of the stack and the fixed names of its resources. */
export function resourceNames({ name, stage, region }: Deployment): ResourceNames {
  const stack = `${name}-${stage}`;
  return {
    stack,
    liveQueue: `${stack}-live`,
    deadLetterQueue: `${stack}-live-dlq`,
    waitingQueues: `${stack}-waiting-`,
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
    inspectFunction: `${stack}-inspect`,
    backfillRole: `${stack}-${region}-backfill`,
    batchRole: `${stack}-${region}-batch`,
    batchJobRole: `${stack}-${region}-batch-job`,
  };
}

/**
 * Returns the number of characters by which the longest derived name exceeds AWS's limit; 0 if all names fit. Only the name of
 * the replicate role is checked, because no other name is longer and no other limit is lower (64 characters).
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
 */
export const excessOfNames = (deployment: Deployment): number =>
  Math.max(0, resourceNames(deployment).replicateRole.length - MAXIMUM_ROLE_NAME_LENGTH);

const MAXIMUM_ROLE_NAME_LENGTH = 64;

/** Returns the prefix by which this stack recognises the Ids of its own entries in a bucket's notification configuration. */
export const subscriptionIdPrefix = (names: ResourceNames): string => `${names.stack}:`;
