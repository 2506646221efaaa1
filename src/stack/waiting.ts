import type { ResourceNames } from '../lib/configuration/resource-names.ts';
import { type ReplicationConfiguration, ruleDestinations, waitingQueueSuffix } from '../lib/model/rule.ts';
import { substitute } from './cloudformation.ts';
import type { Resources, Statement } from './cloudformation.ts';
import { policyOf, RETENTION_SECONDS } from './queues.ts';

/** The waiting queues: one for each destination of each rule. No function polls them. */
export const waitingQueues = (names: ResourceNames, replication: ReplicationConfiguration): Resources =>
  Object.fromEntries(
    ruleDestinations(replication).flatMap(({ rule, destination }) => {
      const suffix = waitingQueueSuffix(rule, destination);
      const logicalId = `WaitingQueue${suffix}`;
      return [
        [
          logicalId,
          {
            Type: 'AWS::SQS::Queue',
            Properties: {
              QueueName: `${names.waitingQueues}${suffix}`,
              MessageRetentionPeriod: RETENTION_SECONDS,
              SqsManagedSseEnabled: true,
            },
          },
        ],
        policyOf(logicalId, ['ReplicateRole']),
      ];
    }),
  );

/**
 * The permissions to put messages into the waiting queues, to count them and to let them back. The queues are named by their
 * prefix, because a policy has little room.
 */
export const keepWaiting = (names: ResourceNames): Statement => ({
  Sid: 'Waiting',
  Effect: 'Allow',
  Action: ['sqs:SendMessage', 'sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes'],
  Resource: everyWaitingQueue(names),
});

/** The permission to count the messages in the waiting queues. */
export const countWaiting = (names: ResourceNames): Statement => ({
  Sid: 'Waiting',
  Effect: 'Allow',
  Action: 'sqs:GetQueueAttributes',
  Resource: everyWaitingQueue(names),
});

const everyWaitingQueue = (names: ResourceNames): unknown =>
  substitute(`arn:\${AWS::Partition}:sqs:\${AWS::Region}:\${AWS::AccountId}:${names.waitingQueues}*`);
