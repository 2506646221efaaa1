import { keyedTable } from './table.ts';
import type { TransferSettings } from '../lib/configuration/configuration.ts';
import type { ResourceNames } from '../lib/configuration/resource-names.ts';
import { attribute, ref } from './cloudformation.ts';
import type { Resources, Statement } from './cloudformation.ts';
import {
  MAXIMUM_RECEIVE_COUNT,
  RETENTION_SECONDS,
  SINGLE_MESSAGE_VISIBILITY_SECONDS,
  policyOf,
} from './queues.ts';

/** The resources that transfers need in addition to the transfer function. This function uses the replicate function's role. */
export const transfers = (names: ResourceNames): Resources => ({
  TransfersTable: keyedTable(names.transfersTable, ['transfer']),
  TransferQueue: {
    Type: 'AWS::SQS::Queue',
    Properties: {
      QueueName: names.transferQueue,
      VisibilityTimeout: SINGLE_MESSAGE_VISIBILITY_SECONDS,
      MessageRetentionPeriod: RETENTION_SECONDS,
      SqsManagedSseEnabled: true,
      RedrivePolicy: {
        deadLetterTargetArn: attribute('TransferDeadLetterQueue', 'Arn'),
        maxReceiveCount: MAXIMUM_RECEIVE_COUNT,
      },
    },
  },
  TransferDeadLetterQueue: {
    Type: 'AWS::SQS::Queue',
    Properties: {
      QueueName: names.transferDeadLetterQueue,
      MessageRetentionPeriod: RETENTION_SECONDS,
      SqsManagedSseEnabled: true,
    },
  },
  ...Object.fromEntries([
    policyOf('TransferQueue', ['ReplicateRole', 'BatchRole']),
    policyOf('TransferDeadLetterQueue', []),
  ]),
});

/** Environment variables of every function that replicates. Each of these functions may begin a transfer. */
export const transferEnvironment = ({ maximumConcurrency }: TransferSettings): Record<string, unknown> => ({
  TRANSFERS_TABLE: ref('TransfersTable'),
  TRANSFER_QUEUE_URL: ref('TransferQueue'),
  TRANSFER_CONCURRENCY: String(maximumConcurrency),
});

/** The permissions to begin, resume and finish transfers. */
export const keepTransfers = (): Statement => ({
  Sid: 'Transfers',
  Effect: 'Allow',
  Action: ['dynamodb:GetItem', 'dynamodb:PutItem', 'dynamodb:UpdateItem', 'dynamodb:DeleteItem'],
  Resource: attribute('TransfersTable', 'Arn'),
});
