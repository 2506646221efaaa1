import type { Configuration } from '../lib/configuration/configuration.ts';
import { resourceNames } from '../lib/configuration/resource-names.ts';
import { DETAIL_TYPE, EVENT_SOURCE } from '../lib/model/replica-event.ts';
import type { ReplicationRule } from '../lib/model/rule.ts';
import { attribute, policyDocument, substitute } from './cloudformation.ts';
import type { CloudFormationResource, Resources, Statement } from './cloudformation.ts';
import { onlyExpectedOwners, readSources } from './read-sources.ts';
import { subscribeStatements } from './subscriptions.ts';
import { keepTransfers } from './transfers.ts';
import { keepWaiting } from './waiting.ts';

/** The roles of the functions. The Serverless framework's shared role is not used. */
export const roles = (configuration: Configuration): Resources => {
  const names = resourceNames(configuration.deployment);
  return {
    ReplicateRole: role(names.replicateRole, replicateStatements(configuration)),
    // The permissions on buckets are separate resources, one beside each subscription: see `subscriptions.ts`.
    SubscribeRole: role(names.subscribeRole, [
      writeLogs('SubscribeLogGroup'),
      ...subscribeStatements(configuration.stack.alarms),
    ]),
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

/**
 * The permissions of the role that the replicate, transfer and inspect functions share. The first two do the same things to the same
 * buckets. The inspect function shows what they would see and do, so it must be the same principal for the destinations.
 */
const replicateStatements = ({ replication, stack, deployment }: Configuration): Statement[] => [
  writeLogs('ReplicateLogGroup', 'TransferLogGroup', 'InspectLogGroup'),
  {
    Sid: 'Queues',
    Effect: 'Allow',
    Action: [
      'sqs:ReceiveMessage',
      'sqs:DeleteMessage',
      'sqs:ChangeMessageVisibility',
      'sqs:GetQueueAttributes',
      // A message that failed is sent again as a new message.
      'sqs:SendMessage',
    ],
    // Hints of backfills have a separate queue, so that live replication does not wait behind them.
    Resource: ['LiveQueue', 'BackfillQueue', 'TransferQueue'].map((queue) => attribute(queue, 'Arn')),
  },
  keepWaiting(resourceNames(deployment)),
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
  ...onlyExpectedOwners(replication.rules),
  ...decryptSources(stack.sourceKmsKeyArns),
  ...assumeRoles(replication.rules, (roleArn) => [roleArn]),
  ...announceReplicas(replication.rules),
];

/** The permission to assume the roles of the sources, and the roles that `of` returns for each role that writes. */
export const assumeRoles = (rules: ReplicationRule[], of: (roleArn: string) => string[]): Statement[] => {
  const sources = rules.flatMap(({ source }) => source.roleArn ?? []);
  const destinations = rules.flatMap((rule) =>
    rule.destinations.flatMap(({ roleArn }) => (roleArn === null ? [] : of(roleArn))),
  );
  return [
    ...(destinations.length === 0
      ? []
      : [
          {
            Sid: 'ReplicationRoles',
            Effect: 'Allow' as const,
            Action: ['sts:AssumeRole', 'sts:SetSourceIdentity'],
            Resource: sortedSet(destinations),
          },
        ]),
    ...readSecrets(rules),
    ...(sources.length === 0
      ? []
      : [
          {
            Sid: 'SourceRoles',
            Effect: 'Allow' as const,
            Action: ['sts:AssumeRole'],
            Resource: sortedSet(sources),
          },
        ]),
  ];
};

/** The permission to put our own events on the default event bus. Most stacks announce nothing and do not need it. */
export const announceReplicas = (rules: ReplicationRule[]): Statement[] =>
  rules.every(({ announce }) => announce === 'none')
    ? []
    : [
        {
          Sid: 'Announcements',
          Effect: 'Allow',
          Action: ['events:PutEvents'],
          Resource: substitute(
            'arn:${AWS::Partition}:events:${AWS::Region}:${AWS::AccountId}:event-bus/default',
          ),
          Condition: {
            // Both keys have several values. https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-conditions.html
            'ForAllValues:StringEquals': {
              'events:source': EVENT_SOURCE,
              'events:detail-type': DETAIL_TYPE,
            },
          },
        },
      ];

/** The permission to read the access keys of other S3 services. Most stacks have no such keys. */
const readSecrets = (rules: ReplicationRule[]): Statement[] => {
  const arns = rules.flatMap(({ source, destinations }) =>
    [source, ...destinations].flatMap(({ service }) => service?.secretArn ?? []),
  );
  return arns.length === 0
    ? []
    : [
        {
          Sid: 'AccessKeys',
          Effect: 'Allow',
          Action: 'secretsmanager:GetSecretValue',
          Resource: sortedSet(arns),
        },
      ];
};

const sortedSet = (arns: string[]): string[] => [...new Set(arns)].toSorted();

/**
 * The Serverless framework creates the log groups, so the functions need no permission to create them. The ARN attribute of a log
 * group also covers its streams.
 */
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
          // The permission is limited to decryption by S3, which uses only keys of its own region.
          Condition: {
            StringEquals: { 'kms:ViaService': substitute('s3.${AWS::Region}.${AWS::URLSuffix}') },
          },
        },
      ];
