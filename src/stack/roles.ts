import type { Configuration } from '../lib/configuration/configuration.ts';
import { resourceNames } from '../lib/configuration/resource-names.ts';
import type { ReplicationRule } from '../lib/model/rule.ts';
import { attribute, policyDocument, substitute } from './cloudformation.ts';
import type { CloudFormationResource, Resources, Statement } from './cloudformation.ts';
import { readSources } from './read-sources.ts';
import { keepTransfers } from './transfers.ts';

/** One role per function; the framework's shared role is not used. */
export const roles = (configuration: Configuration): Resources => {
  const names = resourceNames(configuration.deployment);
  return {
    ReplicateRole: role(names.replicateRole, replicateStatements(configuration)),
    // The permissions on source buckets are granted bucket by bucket, beside each subscription.
    SubscribeRole: role(names.subscribeRole, [writeLogs('SubscribeLogGroup')]),
  };
};

export const role = (name: string, statements: Statement[]): CloudFormationResource => ({
  Type: 'AWS::IAM::Role',
  Properties: {
    RoleName: name,
    AssumeRolePolicyDocument: policyDocument([
      {
        Effect: 'Allow',
        Principal: { Service: 'lambda.amazonaws.com' },
        Action: 'sts:AssumeRole',
      },
    ]),
    Policies: [{ PolicyName: 'function', PolicyDocument: policyDocument(statements) }],
  },
});

/** The role of the replicate function and of the transfer function, which do the same things to the same buckets. */
const replicateStatements = ({ replication, stack }: Configuration): Statement[] => [
  writeLogs('ReplicateLogGroup', 'TransferLogGroup'),
  {
    Sid: 'Queues',
    Effect: 'Allow',
    Action: [
      'sqs:ReceiveMessage',
      'sqs:DeleteMessage',
      'sqs:ChangeMessageVisibility',
      'sqs:GetQueueAttributes',
      // A message that ran out of receives without being processed is sent again as a new message.
      'sqs:SendMessage',
    ],
    // Backfill has its own queue, so that live replication does not wait behind it.
    Resource: ['LiveQueue', 'BackfillQueue', 'TransferQueue'].map((queue) => attribute(queue, 'Arn')),
  },
  {
    Sid: 'RunCounts',
    Effect: 'Allow',
    Action: ['dynamodb:GetItem', 'dynamodb:UpdateItem'],
    Resource: attribute('RunsTable', 'Arn'),
  },
  {
    Sid: 'Quarantine',
    Effect: 'Allow',
    Action: 'sqs:SendMessage',
    Resource: attribute('LiveDeadLetterQueue', 'Arn'),
  },
  {
    Sid: 'IdempotencyRecords',
    Effect: 'Allow',
    Action: ['dynamodb:GetItem', 'dynamodb:PutItem', 'dynamodb:UpdateItem', 'dynamodb:DeleteItem'],
    Resource: attribute('IdempotencyTable', 'Arn'),
  },
  keepTransfers(),
  // The sweep reads all transfers.
  {
    Sid: 'Sweep',
    Effect: 'Allow',
    Action: 'dynamodb:Scan',
    Resource: attribute('TransfersTable', 'Arn'),
  },
  ...readSources(replication.rules),
  ...decryptSources(stack.sourceKmsKeyArns),
  assumeRoles(replication.rules),
];

export const assumeRoles = (rules: ReplicationRule[]): Statement => ({
  Sid: 'ReplicationRoles',
  Effect: 'Allow',
  Action: 'sts:AssumeRole',
  Resource: roleArns(rules),
});

/** The framework creates the log groups, so the functions need not; the ARN attribute covers the group's streams. */
export const writeLogs = (...logGroups: string[]): Statement => ({
  Sid: 'Logs',
  Effect: 'Allow',
  Action: ['logs:CreateLogStream', 'logs:PutLogEvents'],
  Resource: logGroups.map((logGroup) => attribute(logGroup, 'Arn')),
});

export const decryptSources = (keyArns: string[]): Statement[] =>
  keyArns.length === 0
    ? []
    : [
        {
          Sid: 'DecryptSources',
          Effect: 'Allow',
          Action: 'kms:Decrypt',
          Resource: keyArns,
          // Only for decryption by S3, which uses only keys of its own region.
          Condition: {
            StringEquals: { 'kms:ViaService': substitute('s3.${AWS::Region}.${AWS::URLSuffix}') },
          },
        },
      ];

function roleArns(rules: ReplicationRule[]): string[] {
  const arns = rules.flatMap(({ source, destinations }) => [
    ...(source.roleArn === null ? [] : [source.roleArn]),
    ...destinations.map(({ roleArn }) => roleArn),
  ]);
  return [...new Set(arns)].toSorted();
}
