import { keyedTable } from './table.ts';
import type { BackfillSettings } from '../lib/configuration/configuration.ts';
import type { ResourceNames } from '../lib/configuration/resource-names.ts';
import { attribute, denyWithoutTls, policyDocument, ref } from './cloudformation.ts';
import type { Resources } from './cloudformation.ts';
import { tlsOnly } from './queues.ts';

/** What runs (backfill and verify) need besides functions and roles. */
export const runs = (names: ResourceNames): Resources => ({
  RunsTable: keyedTable(names.runsTable, ['run', 'item'], 'expires'),
  RangesQueue: {
    Type: 'AWS::SQS::Queue',
    Properties: {
      QueueName: names.rangesQueue,
      VisibilityTimeout: RANGE_VISIBILITY_SECONDS,
      MessageRetentionPeriod: FOURTEEN_DAYS_SECONDS,
      SqsManagedSseEnabled: true,
      RedrivePolicy: {
        deadLetterTargetArn: attribute('RangesDeadLetterQueue', 'Arn'),
        maxReceiveCount: MAXIMUM_RECEIVE_COUNT,
      },
    },
  },
  RangesDeadLetterQueue: {
    Type: 'AWS::SQS::Queue',
    Properties: {
      QueueName: names.rangesDeadLetterQueue,
      MessageRetentionPeriod: FOURTEEN_DAYS_SECONDS,
      SqsManagedSseEnabled: true,
    },
  },
  BackfillQueue: {
    Type: 'AWS::SQS::Queue',
    Properties: {
      QueueName: names.backfillQueue,
      VisibilityTimeout: HINT_VISIBILITY_SECONDS,
      MessageRetentionPeriod: FOURTEEN_DAYS_SECONDS,
      SqsManagedSseEnabled: true,
      // The one place where operators look for what failed.
      RedrivePolicy: {
        deadLetterTargetArn: attribute('LiveDeadLetterQueue', 'Arn'),
        maxReceiveCount: HINT_MAXIMUM_RECEIVE_COUNT,
      },
    },
  },
  ...Object.fromEntries(['RangesQueue', 'RangesDeadLetterQueue', 'BackfillQueue'].map(tlsOnly)),
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
 * A range whose invocation died comes back after so long. Not six times the function's time-out, as Lambda advises: batches are of one
 * message, so that none waits while others are worked on, and a throttled one is only delayed.
 */
const RANGE_VISIBILITY_SECONDS = 16 * 60;
/** The function fails the run long before. What reaches it has crashed or timed out each time. */
const MAXIMUM_RECEIVE_COUNT = 12;
/** As in the live queue. */
const HINT_VISIBILITY_SECONDS = 6 * 900;
const HINT_MAXIMUM_RECEIVE_COUNT = 15;
const FOURTEEN_DAYS_SECONDS = 14 * 24 * 60 * 60;

/** Environment variables of the backfill function, besides those all have. */
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
});
