import { keyedTable } from './table.ts';
import type { BackfillSettings, StackSettings } from '../lib/configuration/configuration.ts';
import type { ResourceNames } from '../lib/configuration/resource-names.ts';
import { ACCOUNT_ID, attribute, denyWithoutTls, policyDocument, ref } from './cloudformation.ts';
import type { Resources } from './cloudformation.ts';
import {
  batchVisibilitySeconds,
  MAXIMUM_RECEIVE_COUNT,
  RETENTION_SECONDS,
  SINGLE_MESSAGE_VISIBILITY_SECONDS,
  policyOf,
} from './queues.ts';

/** The resources that runs (backfill and verify) need in addition to functions and roles. */
export const runs = (names: ResourceNames, settings: StackSettings): Resources => ({
  RunsTable: keyedTable(names.runsTable, ['run', 'item'], 'expires'),
  RangesQueue: {
    Type: 'AWS::SQS::Queue',
    Properties: {
      QueueName: names.rangesQueue,
      VisibilityTimeout: SINGLE_MESSAGE_VISIBILITY_SECONDS,
      MessageRetentionPeriod: RETENTION_SECONDS,
      SqsManagedSseEnabled: true,
      RedrivePolicy: {
        deadLetterTargetArn: attribute('RangesDeadLetterQueue', 'Arn'),
        maxReceiveCount: RANGE_MAXIMUM_RECEIVE_COUNT,
      },
    },
  },
  RangesDeadLetterQueue: {
    Type: 'AWS::SQS::Queue',
    Properties: {
      QueueName: names.rangesDeadLetterQueue,
      MessageRetentionPeriod: RETENTION_SECONDS,
      SqsManagedSseEnabled: true,
    },
  },
  BackfillQueue: {
    Type: 'AWS::SQS::Queue',
    Properties: {
      QueueName: names.backfillQueue,
      VisibilityTimeout: batchVisibilitySeconds(settings),
      MessageRetentionPeriod: RETENTION_SECONDS,
      SqsManagedSseEnabled: true,
      // Failed hints of runs go to the live dead-letter queue, because it is the only queue in which operators look for failures.
      RedrivePolicy: {
        deadLetterTargetArn: attribute('LiveDeadLetterQueue', 'Arn'),
        maxReceiveCount: MAXIMUM_RECEIVE_COUNT,
      },
    },
  },
  ...Object.fromEntries([
    policyOf('RangesQueue', ['BackfillRole']),
    policyOf('RangesDeadLetterQueue', []),
    // The replicate function sends failed hints again, and also sends the hints of an operator's command.
    policyOf('BackfillQueue', ['BackfillRole', 'ReplicateRole']),
  ]),
  RunsTopic: { Type: 'AWS::SNS::Topic', Properties: { TopicName: names.runsTopic } },
  RunsTopicPolicy: {
    Type: 'AWS::SNS::TopicPolicy',
    Properties: {
      Topics: [ref('RunsTopic')],
      PolicyDocument: policyDocument([denyWithoutTls('sns:Publish', ref('RunsTopic'))]),
    },
  },
});

/**
 * Maximum number of deliveries of a range's message. The function fails the run long before this number is reached. So a message
 * that reaches it has crashed the function or timed out each time.
 */
const RANGE_MAXIMUM_RECEIVE_COUNT = 12;

/** Environment variables of the backfill function, in addition to those of every function. */
export const runEnvironment = (
  names: ResourceNames,
  { listingConcurrency, report }: BackfillSettings,
): Record<string, unknown> => ({
  STACK: names.stack,
  RUNS_TABLE: ref('RunsTable'),
  TRANSFERS_TABLE: ref('TransfersTable'),
  RANGES_QUEUE_URL: ref('RangesQueue'),
  BACKFILL_QUEUE_URL: ref('BackfillQueue'),
  RUNS_TOPIC_ARN: ref('RunsTopic'),
  LISTING_CONCURRENCY: String(listingConcurrency),
  REPORT_BUCKET: report?.bucket ?? '',
  REPORT_PREFIX: report?.prefix ?? '',
  REPORT_ACCOUNT: report?.account ?? ACCOUNT_ID,
});
