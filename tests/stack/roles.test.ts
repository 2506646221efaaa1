/** The permissions of every role that our code generates. */
import { expect, test } from 'vitest';
import { generatedTemplate, KEY } from './sample-stack.ts';
import { grants, resource, roleStatements, statementsOf } from './statements.ts';

const template = generatedTemplate();

test('the batch role may begin transfers, read the circuits and count for the brakes, and use no other queue or table', () => {
  expect(
    grants(roleStatements(template, 'BatchRole')).filter((grant) => /^(dynamodb|sqs):/.test(grant)),
  ).toEqual([
    'dynamodb:DeleteItem on TransfersTable.Arn',
    'dynamodb:GetItem on IdempotencyTable.Arn',
    'dynamodb:GetItem on RunsTable.Arn',
    'dynamodb:GetItem on TransfersTable.Arn',
    'dynamodb:PutItem on IdempotencyTable.Arn',
    'dynamodb:PutItem on TransfersTable.Arn',
    'dynamodb:UpdateItem on RunsTable.Arn',
    'dynamodb:UpdateItem on TransfersTable.Arn',
    'sqs:SendMessage on TransferQueue.Arn',
  ]);
});

test('the backfill role may not read the key that signs stamps', () => {
  const reads = roleStatements(template, 'BackfillRole').filter(({ Sid }) => Sid === 'Receipts');
  expect(reads).toMatchObject([
    { Condition: { 'ForAllValues:StringNotEquals': { 'dynamodb:LeadingKeys': ['stamp-key'] } } },
  ]);
});

test('the backfill role may list buckets and read metadata, and write only messages, runs and announcements of their end', () => {
  expect(
    grants(roleStatements(template, 'BackfillRole')).filter((grant) => !grant.startsWith('logs:')),
  ).toEqual([
    'dynamodb:BatchGetItem on RunsTable.Arn',
    'dynamodb:DeleteItem on RunsTable.Arn',
    'dynamodb:GetItem on IdempotencyTable.Arn',
    'dynamodb:GetItem on RunsTable.Arn',
    'dynamodb:PutItem on RunsTable.Arn',
    'dynamodb:Query on RunsTable.Arn',
    'dynamodb:Scan on TransfersTable.Arn',
    'dynamodb:UpdateItem on RunsTable.Arn',
    `kms:Decrypt on ${KEY}`,
    's3:GetObject on arn:aws:s3:::acme-documents/contracts/*',
    's3:GetObject on arn:aws:s3:::acme-documents/invoices/*',
    's3:GetObject on arn:aws:s3:::acme.media/photos/*',
    's3:GetObjectAcl on arn:aws:s3:::acme-documents/contracts/*',
    's3:GetObjectAcl on arn:aws:s3:::acme.media/photos/*',
    's3:GetObjectLegalHold on arn:aws:s3:::acme-documents/invoices/*',
    's3:GetObjectLegalHold on arn:aws:s3:::acme.media/photos/*',
    's3:GetObjectRetention on arn:aws:s3:::acme-documents/invoices/*',
    's3:GetObjectRetention on arn:aws:s3:::acme.media/photos/*',
    's3:GetObjectTagging on arn:aws:s3:::acme-documents/contracts/*',
    's3:GetObjectTagging on arn:aws:s3:::acme-documents/invoices/*',
    's3:GetObjectTagging on arn:aws:s3:::acme.media/photos/*',
    's3:GetObjectVersion on arn:aws:s3:::acme-documents/contracts/*',
    's3:GetObjectVersion on arn:aws:s3:::acme-documents/invoices/*',
    's3:GetObjectVersion on arn:aws:s3:::acme.media/photos/*',
    's3:GetObjectVersionAcl on arn:aws:s3:::acme-documents/contracts/*',
    's3:GetObjectVersionAcl on arn:aws:s3:::acme.media/photos/*',
    's3:GetObjectVersionTagging on arn:aws:s3:::acme-documents/contracts/*',
    's3:GetObjectVersionTagging on arn:aws:s3:::acme-documents/invoices/*',
    's3:GetObjectVersionTagging on arn:aws:s3:::acme.media/photos/*',
    's3:ListAllMyBuckets on *',
    's3:ListBucket on arn:aws:s3:::acme-documents',
    's3:ListBucket on arn:aws:s3:::acme.media',
    's3:ListBucketVersions on arn:aws:s3:::acme-documents',
    'sns:Publish on RunsTopic',
    'sqs:ChangeMessageVisibility on RangesQueue.Arn',
    'sqs:DeleteMessage on RangesQueue.Arn',
    'sqs:GetQueueAttributes on BackfillQueue.Arn',
    'sqs:GetQueueAttributes on RangesQueue.Arn',
    'sqs:GetQueueAttributes on arn:aws:sqs:${AWS::Region}:${AWS::AccountId}:acme-replication-test-waiting-*',
    'sqs:ReceiveMessage on RangesQueue.Arn',
    'sqs:SendMessage on BackfillQueue.Arn',
    'sqs:SendMessage on RangesQueue.Arn',
    'sts:AssumeRole on arn:aws:iam::111111111111:role/reader',
    ...['sts:AssumeRole', 'sts:SetSourceIdentity'].flatMap((action) =>
      ['222222222222:role/replica', '333333333333:role/second'].flatMap((role) => [
        `${action} on arn:aws:iam::${role}`,
        `${action} on arn:aws:iam::${role}-compare`,
      ]),
    ),
  ]);
});

test('the role of S3 Batch Operations jobs may only invoke the batch function if there is no bucket for reports', () => {
  expect(statementsOf(resource(template, 'BatchJobRole').Properties['AssumeRolePolicyDocument'])).toEqual([
    {
      Effect: 'Allow',
      Principal: { Service: 'batchoperations.s3.amazonaws.com' },
      Action: 'sts:AssumeRole',
    },
  ]);
  expect(grants(roleStatements(template, 'BatchJobRole'))).toEqual([
    'lambda:InvokeFunction on ${BatchLambdaFunction.Arn}:*',
    'lambda:InvokeFunction on BatchLambdaFunction.Arn',
  ]);
});

const REPLICATE_GRANTS = [
  'dynamodb:DeleteItem on IdempotencyTable.Arn',
  'dynamodb:DeleteItem on TransfersTable.Arn',
  'dynamodb:GetItem on IdempotencyTable.Arn',
  'dynamodb:GetItem on RunsTable.Arn',
  'dynamodb:GetItem on TransfersTable.Arn',
  'dynamodb:PutItem on IdempotencyTable.Arn',
  'dynamodb:PutItem on TransfersTable.Arn',
  'dynamodb:Scan on TransfersTable.Arn',
  'dynamodb:UpdateItem on IdempotencyTable.Arn',
  'dynamodb:UpdateItem on RunsTable.Arn',
  'dynamodb:UpdateItem on TransfersTable.Arn',
  `kms:Decrypt on ${KEY}`,
  'logs:CreateLogStream on InspectLogGroup.Arn',
  'logs:CreateLogStream on ReplicateLogGroup.Arn',
  'logs:CreateLogStream on TransferLogGroup.Arn',
  'logs:PutLogEvents on InspectLogGroup.Arn',
  'logs:PutLogEvents on ReplicateLogGroup.Arn',
  'logs:PutLogEvents on TransferLogGroup.Arn',
  's3:GetObject on arn:aws:s3:::acme-documents/contracts/*',
  's3:GetObject on arn:aws:s3:::acme-documents/invoices/*',
  's3:GetObject on arn:aws:s3:::acme.media/photos/*',
  's3:GetObjectAcl on arn:aws:s3:::acme-documents/contracts/*',
  's3:GetObjectAcl on arn:aws:s3:::acme.media/photos/*',
  's3:GetObjectLegalHold on arn:aws:s3:::acme-documents/invoices/*',
  's3:GetObjectLegalHold on arn:aws:s3:::acme.media/photos/*',
  's3:GetObjectRetention on arn:aws:s3:::acme-documents/invoices/*',
  's3:GetObjectRetention on arn:aws:s3:::acme.media/photos/*',
  's3:GetObjectTagging on arn:aws:s3:::acme-documents/contracts/*',
  's3:GetObjectTagging on arn:aws:s3:::acme-documents/invoices/*',
  's3:GetObjectTagging on arn:aws:s3:::acme.media/photos/*',
  's3:GetObjectVersion on arn:aws:s3:::acme-documents/contracts/*',
  's3:GetObjectVersion on arn:aws:s3:::acme-documents/invoices/*',
  's3:GetObjectVersion on arn:aws:s3:::acme.media/photos/*',
  's3:GetObjectVersionAcl on arn:aws:s3:::acme-documents/contracts/*',
  's3:GetObjectVersionAcl on arn:aws:s3:::acme.media/photos/*',
  's3:GetObjectVersionTagging on arn:aws:s3:::acme-documents/contracts/*',
  's3:GetObjectVersionTagging on arn:aws:s3:::acme-documents/invoices/*',
  's3:GetObjectVersionTagging on arn:aws:s3:::acme.media/photos/*',
  's3:ListAllMyBuckets on *',
  's3:ListBucket on arn:aws:s3:::acme-documents',
  's3:ListBucket on arn:aws:s3:::acme.media',
  's3:ListBucketVersions on arn:aws:s3:::acme-documents',
  's3:ListBucketVersions on arn:aws:s3:::acme.media',
  's3:RestoreObject on arn:aws:s3:::acme-documents/contracts/*',
  'sqs:ChangeMessageVisibility on BackfillQueue.Arn',
  'sqs:ChangeMessageVisibility on LiveQueue.Arn',
  'sqs:ChangeMessageVisibility on TransferQueue.Arn',
  'sqs:DeleteMessage on BackfillQueue.Arn',
  'sqs:DeleteMessage on LiveQueue.Arn',
  'sqs:DeleteMessage on TransferQueue.Arn',
  'sqs:DeleteMessage on arn:aws:sqs:${AWS::Region}:${AWS::AccountId}:acme-replication-test-waiting-*',
  'sqs:GetQueueAttributes on BackfillQueue.Arn',
  'sqs:GetQueueAttributes on LiveQueue.Arn',
  'sqs:GetQueueAttributes on TransferQueue.Arn',
  'sqs:GetQueueAttributes on arn:aws:sqs:${AWS::Region}:${AWS::AccountId}:acme-replication-test-waiting-*',
  'sqs:ReceiveMessage on BackfillQueue.Arn',
  'sqs:ReceiveMessage on LiveQueue.Arn',
  'sqs:ReceiveMessage on TransferQueue.Arn',
  'sqs:ReceiveMessage on arn:aws:sqs:${AWS::Region}:${AWS::AccountId}:acme-replication-test-waiting-*',
  'sqs:SendMessage on BackfillQueue.Arn',
  'sqs:SendMessage on LiveDeadLetterQueue.Arn',
  'sqs:SendMessage on LiveQueue.Arn',
  'sqs:SendMessage on TransferQueue.Arn',
  'sqs:SendMessage on arn:aws:sqs:${AWS::Region}:${AWS::AccountId}:acme-replication-test-waiting-*',
  'sts:AssumeRole on arn:aws:iam::111111111111:role/reader',
  'sts:AssumeRole on arn:aws:iam::222222222222:role/replica',
  'sts:AssumeRole on arn:aws:iam::333333333333:role/second',
  'sts:SetSourceIdentity on arn:aws:iam::222222222222:role/replica',
  'sts:SetSourceIdentity on arn:aws:iam::333333333333:role/second',
];

test('the replicate role has the listed permissions and no others', () => {
  expect(grants(roleStatements(template, 'ReplicateRole'))).toEqual(REPLICATE_GRANTS);
});

test.each(['ReplicateRole', 'BackfillRole', 'BatchRole'])(
  'every bucket of another account is denied to the %s, whatever its name',
  (role) => {
    const denied = roleStatements(template, role).filter(({ Effect }) => Effect === 'Deny');
    expect(denied).toEqual([
      {
        Sid: 'OtherOwners',
        Effect: 'Deny',
        Action: 's3:*',
        Resource: '*',
        Condition: {
          StringNotEquals: { 'aws:ResourceAccount': { Ref: 'AWS::AccountId' } },
          Null: { 'aws:ResourceAccount': 'false' },
        },
      },
    ]);
  },
);

test('the subscribe role may change the notifications of a bucket only if it belongs to the account of the stack', () => {
  const ofBuckets = roleStatements(template, 'SubscribeRole').filter(({ Action }) =>
    String(Action).startsWith('s3:'),
  );
  expect(ofBuckets).toHaveLength(1);
  for (const { Condition } of ofBuckets)
    expect(Condition).toEqual({ StringEquals: { 'aws:ResourceAccount': { Ref: 'AWS::AccountId' } } });
});

test('the subscribe role may read and change the notifications of source buckets, keep its records, announce, write its logs, and nothing else', () => {
  expect(grants(roleStatements(template, 'SubscribeRole'))).toEqual([
    'dynamodb:DeleteItem on RunsTable.Arn',
    'dynamodb:GetItem on RunsTable.Arn',
    'dynamodb:Query on RunsTable.Arn',
    'dynamodb:UpdateItem on RunsTable.Arn',
    'logs:CreateLogStream on SubscribeLogGroup.Arn',
    'logs:PutLogEvents on SubscribeLogGroup.Arn',
    ...['GetBucketNotification', 'PutBucketNotification'].flatMap((action) =>
      ['acme-documents', 'acme-elsewhere', 'acme.media'].map(
        (bucket) => `s3:${action} on arn:aws:s3:::${bucket}`,
      ),
    ),
    'sns:Publish on AlarmTopic',
  ]);
});

test('the names of roles contain the region, because IAM is global', () => {
  expect(resource(template, 'ReplicateRole').Properties['RoleName']).toBe(
    'acme-replication-test-eu-west-1-replicate',
  );
  expect(resource(template, 'SubscribeRole').Properties['RoleName']).toBe(
    'acme-replication-test-eu-west-1-subscribe',
  );
});
