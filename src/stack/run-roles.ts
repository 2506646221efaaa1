import type { Configuration } from '../lib/configuration/configuration.ts';
import { resourceNames } from '../lib/configuration/resource-names.ts';
import { compareRoleArn } from '../lib/model/rule.ts';
import { accountsOf, attribute, denyOtherOwners, objectsArn, policyDocument, ref } from './cloudformation.ts';
import type { Resources, Statement } from './cloudformation.ts';
import { listSources, onlyExpectedOwners, readSources } from './read-sources.ts';
import { announceReplicas, assumeRoles, decryptSources, role, writeLogs } from './roles.ts';
import { STAMP_KEY_ID } from '../lib/model/rule.ts';
import { keepTransfers } from './transfers.ts';
import { countWaiting } from './waiting.ts';

/** The roles of the backfill function, the batch function and the S3 Batch Operations jobs that invoke the batch function. */
export const runRoles = (configuration: Configuration): Resources => {
  const names = resourceNames(configuration.deployment);
  return {
    BackfillRole: role(names.backfillRole, backfillStatements(configuration)),
    BatchRole: role(names.batchRole, batchStatements(configuration)),
    BatchJobRole: {
      Type: 'AWS::IAM::Role',
      Properties: {
        RoleName: names.batchJobRole,
        AssumeRolePolicyDocument: policyDocument([
          {
            Effect: 'Allow',
            Principal: { Service: 'batchoperations.s3.amazonaws.com' },
            Action: 'sts:AssumeRole',
          },
        ]),
        Policies: [{ PolicyName: 'job', PolicyDocument: policyDocument(jobStatements(configuration)) }],
      },
    },
  };
};

/**
 * The permissions of the backfill function. The function reads listings and metadata of objects, but never their content. In S3
 * it writes only reports.
 */
const backfillStatements = ({ replication, stack, backfill, deployment }: Configuration): Statement[] => [
  writeLogs('BackfillLogGroup'),
  {
    Sid: 'Ranges',
    Effect: 'Allow',
    Action: [
      'sqs:ReceiveMessage',
      'sqs:DeleteMessage',
      'sqs:ChangeMessageVisibility',
      'sqs:GetQueueAttributes',
      'sqs:SendMessage',
    ],
    Resource: attribute('RangesQueue', 'Arn'),
  },
  {
    Sid: 'Hints',
    Effect: 'Allow',
    Action: ['sqs:SendMessage', 'sqs:GetQueueAttributes'],
    Resource: attribute('BackfillQueue', 'Arn'),
  },
  {
    Sid: 'Runs',
    Effect: 'Allow',
    Action: [
      'dynamodb:GetItem',
      'dynamodb:BatchGetItem',
      'dynamodb:Query',
      'dynamodb:PutItem',
      'dynamodb:UpdateItem',
      'dynamodb:DeleteItem',
    ],
    Resource: attribute('RunsTable', 'Arn'),
  },
  // A run is not over while transfers are still moving its objects, so the function counts them.
  {
    Sid: 'Moving',
    Effect: 'Allow',
    Action: 'dynamodb:Scan',
    Resource: attribute('TransfersTable', 'Arn'),
  },
  readReceipts(),
  countWaiting(resourceNames(deployment)),
  { Sid: 'End', Effect: 'Allow', Action: 'sns:Publish', Resource: ref('RunsTopic') },
  ...listSources(replication.rules),
  ...onlyExpectedOwners(replication.rules, backfill.report === null ? [] : [backfill.report.account]),
  ...decryptSources(stack.sourceKmsKeyArns),
  // The function uses the writing roles only if the destination stack has an older template without roles for comparing.
  ...assumeRoles(replication.rules, (roleArn) => [roleArn, compareRoleArn(roleArn)]),
  ...(backfill.report === null
    ? []
    : [
        {
          Sid: 'Reports',
          Effect: 'Allow' as const,
          // A file holds the differences of one step of a range. A step is only a page or two, so the file is never uploaded in
          // parts.
          Action: ['s3:PutObject'],
          Resource: objectsArn(
            backfill.report.bucket,
            `${backfill.report.prefix}${resourceNames(deployment).stack}/`,
          ),
        },
      ]),
];

/**
 * The receipt of a version shows the source of the copy. It is read only if no digest can be compared. The key that signs stamps is an
 * item of the same table, which the backfill function may not read.
 */
const readReceipts = (): Statement => ({
  Sid: 'Receipts',
  Effect: 'Allow',
  Action: 'dynamodb:GetItem',
  Resource: attribute('IdempotencyTable', 'Arn'),
  Condition: { 'ForAllValues:StringNotEquals': { 'dynamodb:LeadingKeys': [STAMP_KEY_ID] } },
});

/**
 * The permissions of the batch function. It has the replicate function's permissions on sources, keys and roles. On queues and
 * tables, it has only the permissions to begin transfers.
 */
const batchStatements = ({ replication, stack }: Configuration): Statement[] => [
  writeLogs('BatchLogGroup'),
  {
    Sid: 'Ranges',
    Effect: 'Allow',
    Action: 'sqs:SendMessage',
    Resource: attribute('TransferQueue', 'Arn'),
  },
  keepTransfers(),
  // The function counts deletes and overwrites, and records the keys that a closed brake holds.
  ...(replication.rules.some(({ brake }) => brake !== null)
    ? [
        {
          Sid: 'Brakes',
          Effect: 'Allow' as const,
          Action: ['dynamodb:GetItem', 'dynamodb:UpdateItem'],
          Resource: attribute('RunsTable', 'Arn'),
        },
      ]
    : []),
  // The function reads which destinations are avoided, and keeps the receipts of versions.
  {
    Sid: 'Circuits',
    Effect: 'Allow',
    Action: ['dynamodb:GetItem', 'dynamodb:PutItem'],
    Resource: attribute('IdempotencyTable', 'Arn'),
  },
  ...readSources(replication.rules),
  ...onlyExpectedOwners(replication.rules),
  ...decryptSources(stack.sourceKmsKeyArns),
  ...assumeRoles(replication.rules, (roleArn) => [roleArn]),
  ...announceReplicas(replication.rules),
];

/**
 * The permissions of a job of S3 Batch Operations. The job reads its manifest from the report bucket, and S3 writes the job's
 * completion reports there.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/batch-ops-iam-role-policies.html
 */
const jobStatements = ({ backfill: { report } }: Configuration): Statement[] => [
  {
    Sid: 'Invoke',
    Effect: 'Allow',
    Action: 'lambda:InvokeFunction',
    Resource: [attribute('BatchLambdaFunction', 'Arn'), { 'Fn::Sub': '${BatchLambdaFunction.Arn}:*' }],
  },
  ...(report === null
    ? []
    : [
        {
          Sid: 'Manifest',
          Effect: 'Allow' as const,
          Action: ['s3:GetObject', 's3:GetObjectVersion', 's3:PutObject'],
          Resource: objectsArn(report.bucket, report.prefix),
        },
        denyOtherOwners(accountsOf([report.account])),
      ]),
];
