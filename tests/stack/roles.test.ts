/** The permissions of every role in the compiled template. */
import { expect, test } from 'vitest';
import { KEY, sampleStack } from './sample-stack.ts';
import { grants, ofType, roleStatements, spell, statementsOf } from './statements.ts';

const sample = sampleStack();

test('the batch role may begin transfers, and has no queue and table besides', () => {
  expect(
    grants(roleStatements(sample.template(), 'BatchRole')).filter((grant) => /^(dynamodb|sqs):/.test(grant)),
  ).toEqual([
    'dynamodb:DeleteItem on TransfersTable.Arn',
    'dynamodb:GetItem on TransfersTable.Arn',
    'dynamodb:PutItem on TransfersTable.Arn',
    'dynamodb:UpdateItem on TransfersTable.Arn',
    'sqs:SendMessage on TransferQueue.Arn',
  ]);
});

test('the backfill role may list and look, and write nothing but messages, runs and their end', () => {
  expect(
    grants(roleStatements(sample.template(), 'BackfillRole')).filter((grant) => !grant.startsWith('logs:')),
  ).toEqual([
    'dynamodb:BatchGetItem on RunsTable.Arn',
    'dynamodb:DeleteItem on RunsTable.Arn',
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
    's3:ListBucket on arn:aws:s3:::acme-documents',
    's3:ListBucket on arn:aws:s3:::acme.media',
    's3:ListBucketVersions on arn:aws:s3:::acme-documents',
    'sns:Publish on RunsTopic',
    'sqs:ChangeMessageVisibility on RangesQueue.Arn',
    'sqs:DeleteMessage on RangesQueue.Arn',
    'sqs:GetQueueAttributes on BackfillQueue.Arn',
    'sqs:GetQueueAttributes on RangesQueue.Arn',
    'sqs:ReceiveMessage on RangesQueue.Arn',
    'sqs:SendMessage on BackfillQueue.Arn',
    'sqs:SendMessage on RangesQueue.Arn',
    'sts:AssumeRole on arn:aws:iam::111111111111:role/reader',
    'sts:AssumeRole on arn:aws:iam::222222222222:role/replica',
    'sts:AssumeRole on arn:aws:iam::333333333333:role/second',
  ]);
});

test('jobs of S3 Batch Operations may invoke their function, and nothing else where there is no bucket for reports', () => {
  expect(statementsOf(sample.properties('BatchJobRole')['AssumeRolePolicyDocument'])).toEqual([
    {
      Effect: 'Allow',
      Principal: { Service: 'batchoperations.s3.amazonaws.com' },
      Action: 'sts:AssumeRole',
    },
  ]);
  expect(grants(roleStatements(sample.template(), 'BatchJobRole'))).toEqual([
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
  'logs:CreateLogStream on ReplicateLogGroup.Arn',
  'logs:CreateLogStream on TransferLogGroup.Arn',
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
  's3:ListBucket on arn:aws:s3:::acme-documents',
  's3:ListBucket on arn:aws:s3:::acme.media',
  's3:ListBucketVersions on arn:aws:s3:::acme-documents',
  's3:RestoreObject on arn:aws:s3:::acme-documents/contracts/*',
  'sqs:ChangeMessageVisibility on BackfillQueue.Arn',
  'sqs:ChangeMessageVisibility on LiveQueue.Arn',
  'sqs:ChangeMessageVisibility on TransferQueue.Arn',
  'sqs:DeleteMessage on BackfillQueue.Arn',
  'sqs:DeleteMessage on LiveQueue.Arn',
  'sqs:DeleteMessage on TransferQueue.Arn',
  'sqs:GetQueueAttributes on BackfillQueue.Arn',
  'sqs:GetQueueAttributes on LiveQueue.Arn',
  'sqs:GetQueueAttributes on TransferQueue.Arn',
  'sqs:ReceiveMessage on BackfillQueue.Arn',
  'sqs:ReceiveMessage on LiveQueue.Arn',
  'sqs:ReceiveMessage on TransferQueue.Arn',
  'sqs:SendMessage on BackfillQueue.Arn',
  'sqs:SendMessage on LiveDeadLetterQueue.Arn',
  'sqs:SendMessage on LiveQueue.Arn',
  'sqs:SendMessage on TransferQueue.Arn',
  'sts:AssumeRole on arn:aws:iam::111111111111:role/reader',
  'sts:AssumeRole on arn:aws:iam::222222222222:role/replica',
  'sts:AssumeRole on arn:aws:iam::333333333333:role/second',
];

test('the replicate role may do this and nothing else', () => {
  expect(grants(roleStatements(sample.template(), 'ReplicateRole'))).toEqual(REPLICATE_GRANTS);
});

test('the subscribe role may change the notifications of source buckets and nothing else', () => {
  expect(grants(roleStatements(sample.template(), 'SubscribeRole'))).toEqual([
    'logs:CreateLogStream on SubscribeLogGroup.Arn',
    'logs:PutLogEvents on SubscribeLogGroup.Arn',
    ...['GetBucketNotification', 'PutBucketNotification'].flatMap((action) =>
      ['acme-documents', 'acme-elsewhere', 'acme.media'].map(
        (bucket) => `s3:${action} on arn:aws:s3:::${bucket}`,
      ),
    ),
  ]);
});

test('no policy of a role names a wildcard action or a bare wildcard resource', () => {
  for (const [role] of ofType(sample.template(), 'AWS::IAM::Role')) {
    for (const { Effect, Action, Resource } of roleStatements(sample.template(), role)) {
      expect(Effect).toBe('Allow');
      expect(JSON.stringify(Action)).not.toContain('*');
      expect(spell(Resource)).not.toBe('*');
    }
  }
});

test('every function has a role of its own that only Lambda may assume, but for the one that helps another', () => {
  const functions = ofType(sample.template(), 'AWS::Lambda::Function').map(([, { Properties }]) =>
    spell(Properties['Role']),
  );
  expect(functions.toSorted()).toEqual([
    'BackfillRole.Arn',
    'BatchRole.Arn',
    'ReplicateRole.Arn',
    'ReplicateRole.Arn',
    'SubscribeRole.Arn',
  ]);
  expect(
    ofType(sample.template(), 'AWS::IAM::Role')
      .map(([id]) => id)
      .toSorted(),
  ).toEqual(['BackfillRole', 'BatchJobRole', 'BatchRole', 'ReplicateRole', 'SubscribeRole']);
  for (const [id, { Properties }] of ofType(sample.template(), 'AWS::IAM::Role')) {
    if (id === 'BatchJobRole') continue;
    expect(statementsOf(Properties['AssumeRolePolicyDocument'])).toEqual([
      { Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' },
    ]);
  }
});

test('roles carry the region in their names: IAM is global', () => {
  expect(sample.properties('ReplicateRole')['RoleName']).toBe('acme-replication-test-eu-west-1-replicate');
  expect(sample.properties('SubscribeRole')['RoleName']).toBe('acme-replication-test-eu-west-1-subscribe');
});
