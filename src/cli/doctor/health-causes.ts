/** All problems that a deployment can have although its settings are right. */
import type { Cause } from './finding.ts';

export const HEALTH_CAUSES = {
  behind: {
    verdict: 'error',
    asks: 'sqs:GetQueueAttributes, cloudwatch:GetMetricData',
    means: 'Events wait longer than `stack.alarms.oldestMessageMinutes`.',
    fix: 'npx s3-replicator dlq list, which shows what fails',
  },
  'dead-letters': {
    verdict: 'warning',
    asks: 'sqs:GetQueueAttributes, cloudwatch:GetMetricData, logs:FilterLogEvents',
    means: 'Objects could not be replicated.',
    fix: 'npx s3-replicator dlq list',
  },
  'function-crashed': {
    verdict: 'error',
    asks: 'sqs:GetQueueAttributes',
    means: 'Ranges of runs or parts of transfers were given up, because their function crashed.',
    fix: 'npx s3-replicator backfill list, or transfers list',
  },
  'destination-avoided': {
    verdict: 'error',
    asks: 'dynamodb:GetItem (the record of the circuits)',
    means: 'A destination denies everything, fails or does not answer. Its messages wait.',
    fix: 'npx s3-replicator waiting list',
  },
  'deletes-paused': {
    verdict: 'warning',
    asks: 'dynamodb:Query (the records of the brake)',
    means: 'Mass deletes are held back.',
    fix: 'npx s3-replicator brake status',
  },
  'verify-differs': {
    verdict: 'warning',
    asks: 'dynamodb:Query (the records of the runs)',
    means: 'The last verify found differences.',
    fix: 'npx s3-replicator verify start --repair',
  },
  'verify-not-started': {
    verdict: 'warning',
    asks: 'dynamodb:Query (the records of scheduled verifies)',
    means:
      'The last verify of the schedule was skipped, because another run was under way, or refused, because of its budget.',
    fix: 'npx s3-replicator verify start, or a larger `verify.maxDollars` in replication.yml',
  },
  'run-failed': {
    verdict: 'warning',
    asks: 'dynamodb:Query (the records of the runs)',
    means: 'A run has failed, and another one of the same rule cannot begin.',
    fix: 'npx s3-replicator backfill status',
  },
  'transfer-failed': {
    verdict: 'warning',
    asks: 'dynamodb:Scan (the records of the transfers)',
    means: 'The transfer of a large object needs a person.',
    fix: 'npx s3-replicator transfers list',
  },
  alarm: {
    verdict: 'warning',
    asks: 'cloudwatch:DescribeAlarms',
    means: 'An alarm of the stack is on.',
    fix: 'the command in the description of the alarm',
  },
} as const satisfies Record<string, Cause>;
