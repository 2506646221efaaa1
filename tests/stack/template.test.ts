import { afterAll, beforeAll, expect, test } from 'vitest';
import { destination, file, rule } from '../configuration/yaml.ts';
import { packaged } from './packaging.ts';
import type { Packaged, Template } from './packaging.ts';
import { grants, ofType, resource, roleStatements, spell, statementsOf } from './statements.ts';

const KEY = 'arn:aws:kms:eu-west-1:111111111111:key/12345678-1234-1234-1234-123456789012';

const CONFIGURATION = file(
  [
    rule('invoices', { bucket: 'acme-documents', prefix: 'invoices/', kmsKeyArn: KEY }, [
      destination('replica-1'),
    ]),
    rule('paid', { bucket: 'acme-documents', prefix: 'invoices/paid/' }, [
      destination('replica-2', { roleArn: 'arn:aws:iam::333333333333:role/second' }),
    ]),
    rule(
      'contracts',
      { bucket: 'acme-documents', prefix: 'contracts/', suffix: '.pdf' },
      [destination('replica-3', { objectLock: 'ignore' })],
      { acl: 'replicate', deletes: 'replicate', restore: { days: 1 } },
    ),
    rule(
      'media',
      { bucket: 'acme.media', events: 'eventbridge', prefix: 'photos/', suffix: '.jpg' },
      [destination('replica-4')],
      { versions: 'latest', acl: 'replicate', deletes: 'replicate' },
    ),
    rule(
      'elsewhere',
      { bucket: 'acme-elsewhere', roleArn: 'arn:aws:iam::111111111111:role/reader' },
      [destination('replica-5')],
      { acl: 'replicate', restore: { days: 1 } },
    ),
  ],
  {
    name: 'acme-replication',
    region: 'eu-west-1',
    transfers: { maximumConcurrency: 33 },
    stack: {
      maximumConcurrency: 7,
      batchSize: 3,
      logRetentionDays: 14,
      tags: { team: 'storage' },
      alarms: { email: 'ops@example.com' },
    },
  },
);

let stack: Packaged;
let template: Template;

beforeAll(async () => {
  stack = await packaged(CONFIGURATION, { stage: 'test' });
  template = stack.template;
});

afterAll(() => stack[Symbol.asyncDispose]());

/** Those that pass events of buckets on. */
const bucketRules = () =>
  ofType(template, 'AWS::Events::Rule').filter(
    ([, { Properties }]) => Properties['EventPattern'] !== undefined,
  );

const properties = (logicalId: string): Record<string, unknown> => resource(template, logicalId).Properties;

test('the replicate function runs as designed, fed by the live queue and apart from it by that of backfills', () => {
  expect(properties('ReplicateLambdaFunction')).toMatchObject({
    FunctionName: 'acme-replication-test-replicate',
    Handler: 'src/handlers/replicate.handler',
    Runtime: 'nodejs24.x',
    Architectures: ['arm64'],
    MemorySize: 1769,
    Timeout: 900,
    Role: { 'Fn::GetAtt': ['ReplicateRole', 'Arn'] },
    Environment: {
      Variables: {
        LIVE_QUEUE_URL: { Ref: 'LiveQueue' },
        DEAD_LETTER_QUEUE_URL: { Ref: 'LiveDeadLetterQueue' },
        BACKFILL_QUEUE_URL: { Ref: 'BackfillQueue' },
        RUNS_TABLE: { Ref: 'RunsTable' },
        IDEMPOTENCY_TABLE: { Ref: 'IdempotencyTable' },
        TRANSFERS_TABLE: { Ref: 'TransfersTable' },
        TRANSFER_QUEUE_URL: { Ref: 'TransferQueue' },
        TRANSFER_CONCURRENCY: '33',
        ROLE_SESSION_NAME: 's3r@acme-replication-test',
        POWERTOOLS_SERVICE_NAME: 'acme-replication',
        POWERTOOLS_METRICS_NAMESPACE: 's3-replicator',
        POWERTOOLS_LOG_LEVEL: 'INFO',
      },
    },
  });
  const mappings = ofType(template, 'AWS::Lambda::EventSourceMapping').map(
    ([, mapping]) => mapping.Properties,
  );
  expect(
    mappings.filter(({ FunctionName }) => spell(FunctionName) === 'ReplicateLambdaFunction.Arn'),
  ).toEqual([
    {
      BatchSize: 3,
      EventSourceArn: { 'Fn::GetAtt': ['LiveQueue', 'Arn'] },
      FunctionName: { 'Fn::GetAtt': ['ReplicateLambdaFunction', 'Arn'] },
      Enabled: true,
      FunctionResponseTypes: ['ReportBatchItemFailures'],
      ScalingConfig: { MaximumConcurrency: 7 },
    },
    {
      BatchSize: 3,
      EventSourceArn: { 'Fn::GetAtt': ['BackfillQueue', 'Arn'] },
      FunctionName: { 'Fn::GetAtt': ['ReplicateLambdaFunction', 'Arn'] },
      Enabled: true,
      FunctionResponseTypes: ['ReportBatchItemFailures'],
      ScalingConfig: { MaximumConcurrency: 10 },
    },
  ]);
});

test('the backfill function works on one range at a time, whose message outlives it', () => {
  expect(properties('BackfillLambdaFunction')).toMatchObject({
    FunctionName: 'acme-replication-test-backfill',
    Handler: 'src/handlers/backfill.handler',
    Timeout: 900,
    Environment: {
      Variables: {
        STACK: 'acme-replication-test',
        RUNS_TABLE: { Ref: 'RunsTable' },
        RANGES_QUEUE_URL: { Ref: 'RangesQueue' },
        BACKFILL_QUEUE_URL: { Ref: 'BackfillQueue' },
        RUNS_TOPIC_ARN: { Ref: 'RunsTopic' },
        LISTING_CONCURRENCY: '8',
        REPORT_BUCKET: '',
        REPORT_PREFIX: '',
        ROLE_SESSION_NAME: 's3r@acme-replication-test',
      },
    },
  });
  const [[, mapping] = []] = ofType(template, 'AWS::Lambda::EventSourceMapping').filter(
    ([, { Properties }]) => spell(Properties['FunctionName']) === 'BackfillLambdaFunction.Arn',
  );
  expect(mapping?.Properties).toMatchObject({
    BatchSize: 1,
    EventSourceArn: { 'Fn::GetAtt': ['RangesQueue', 'Arn'] },
    ScalingConfig: { MaximumConcurrency: 8 },
  });
  expect(properties('RangesQueue')).toMatchObject({
    QueueName: 'acme-replication-test-ranges',
    VisibilityTimeout: 960,
    RedrivePolicy: {
      deadLetterTargetArn: { 'Fn::GetAtt': ['RangesDeadLetterQueue', 'Arn'] },
      maxReceiveCount: 12,
    },
  });
  expect(properties('BackfillQueue')).toMatchObject({
    RedrivePolicy: {
      deadLetterTargetArn: { 'Fn::GetAtt': ['LiveDeadLetterQueue', 'Arn'] },
      maxReceiveCount: 15,
    },
  });
});

test('the transfer function has the role and the settings of the replicate function, and a queue and a schedule of its own', () => {
  const { FunctionName, Handler, ...others } = properties('TransferLambdaFunction');
  expect([FunctionName, Handler]).toEqual([
    'acme-replication-test-transfer',
    'src/handlers/transfer.handler',
  ]);
  const { Role, Environment, MemorySize, Timeout } = properties('ReplicateLambdaFunction');
  expect(others).toMatchObject({ Role, Environment, MemorySize, Timeout });
  const [[, mapping] = []] = ofType(template, 'AWS::Lambda::EventSourceMapping').filter(
    ([, { Properties }]) => spell(Properties['FunctionName']) === 'TransferLambdaFunction.Arn',
  );
  expect(mapping?.Properties).toMatchObject({
    BatchSize: 1,
    EventSourceArn: { 'Fn::GetAtt': ['TransferQueue', 'Arn'] },
    FunctionResponseTypes: ['ReportBatchItemFailures'],
    ScalingConfig: { MaximumConcurrency: 33 },
  });
  const scheduled = ofType(template, 'AWS::Events::Rule').filter(
    ([, { Properties }]) => Properties['ScheduleExpression'] !== undefined,
  );
  expect(scheduled.map(([, { Properties }]) => Properties)).toMatchObject([
    {
      ScheduleExpression: 'rate(15 minutes)',
      State: 'ENABLED',
      Targets: [{ Arn: { 'Fn::GetAtt': ['TransferLambdaFunction', 'Arn'] }, Input: '{"sweep":true}' }],
    },
  ]);
});

test('a range outlives the function that works on it, and is received as often as SQS allows', () => {
  expect(properties('TransferQueue')).toEqual({
    QueueName: 'acme-replication-test-transfers',
    VisibilityTimeout: 960,
    MessageRetentionPeriod: 1_209_600,
    SqsManagedSseEnabled: true,
    RedrivePolicy: {
      deadLetterTargetArn: { 'Fn::GetAtt': ['TransferDeadLetterQueue', 'Arn'] },
      maxReceiveCount: 1000,
    },
  });
  expect(properties('TransferDeadLetterQueue')['QueueName']).toBe('acme-replication-test-transfers-dlq');
  for (const queue of ['TransferQueue', 'TransferDeadLetterQueue']) {
    expect(statementsOf(properties(`${queue}Policy`)['PolicyDocument'])).toMatchObject([
      { Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } },
    ]);
  }
});

test('the table of transfers is on demand and can be restored to a point in time', () => {
  expect(properties('TransfersTable')).toEqual({
    TableName: 'acme-replication-test-transfers',
    BillingMode: 'PAY_PER_REQUEST',
    AttributeDefinitions: [{ AttributeName: 'transfer', AttributeType: 'S' }],
    KeySchema: [{ AttributeName: 'transfer', KeyType: 'HASH' }],
    PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
    SSESpecification: { SSEEnabled: true },
  });
});

test('the batch role may begin transfers, and has no queue and table besides', () => {
  expect(
    grants(roleStatements(template, 'BatchRole')).filter((grant) => /^(dynamodb|sqs):/.test(grant)),
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
    grants(roleStatements(template, 'BackfillRole')).filter((grant) => !grant.startsWith('logs:')),
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
  expect(statementsOf(properties('BatchJobRole')['AssumeRolePolicyDocument'])).toEqual([
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

test('messages live for fourteen days, hide for six time-outs and end in the dead-letter queue', () => {
  expect(properties('LiveQueue')).toEqual({
    QueueName: 'acme-replication-test-live',
    VisibilityTimeout: 5400,
    MessageRetentionPeriod: 1_209_600,
    SqsManagedSseEnabled: true,
    RedrivePolicy: {
      deadLetterTargetArn: { 'Fn::GetAtt': ['LiveDeadLetterQueue', 'Arn'] },
      maxReceiveCount: 15,
    },
  });
  expect(properties('LiveDeadLetterQueue')).toMatchObject({
    QueueName: 'acme-replication-test-live-dlq',
    MessageRetentionPeriod: 1_209_600,
    SqsManagedSseEnabled: true,
    RedriveAllowPolicy: { redrivePermission: 'byQueue' },
  });
});

test('only the source buckets of this account and our event rules may send, and nobody without TLS', () => {
  const [buckets, rules, tls, ...others] = statementsOf(properties('LiveQueuePolicy')['PolicyDocument']);

  expect(others).toEqual([]);
  expect(buckets).toMatchObject({
    Principal: { Service: 's3.amazonaws.com' },
    Action: 'sqs:SendMessage',
    Condition: {
      ArnEquals: {
        'aws:SourceArn': [
          { 'Fn::Sub': 'arn:${AWS::Partition}:s3:::acme-documents' },
          { 'Fn::Sub': 'arn:${AWS::Partition}:s3:::acme-elsewhere' },
        ],
      },
      StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } },
    },
  });
  const [[eventRule] = []] = bucketRules();
  expect(rules).toMatchObject({
    Principal: { Service: 'events.amazonaws.com' },
    Condition: { ArnEquals: { 'aws:SourceArn': [{ 'Fn::GetAtt': [eventRule, 'Arn'] }] } },
  });
  for (const policy of ['LiveQueuePolicy', 'LiveDeadLetterQueuePolicy']) {
    expect(statementsOf(properties(policy)['PolicyDocument'])).toContainEqual({
      ...tls,
      Resource: expect.anything(),
    });
  }
  expect(tls).toMatchObject({
    Effect: 'Deny',
    Principal: '*',
    Condition: { Bool: { 'aws:SecureTransport': 'false' } },
  });
});

test('the table is on demand, expires records and can be restored to a point in time', () => {
  expect(properties('IdempotencyTable')).toEqual({
    TableName: 'acme-replication-test-idempotency',
    BillingMode: 'PAY_PER_REQUEST',
    AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
    KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
    TimeToLiveSpecification: { AttributeName: 'expiration', Enabled: true },
    PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
    SSESpecification: { SSEEnabled: true },
  });
});

test('the replicate role may do this and nothing else', () => {
  expect(grants(roleStatements(template, 'ReplicateRole'))).toEqual([
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
  ]);
});

test('the subscribe role may change the notifications of source buckets and nothing else', () => {
  expect(grants(roleStatements(template, 'SubscribeRole'))).toEqual([
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
  for (const [role] of ofType(template, 'AWS::IAM::Role')) {
    for (const { Effect, Action, Resource } of roleStatements(template, role)) {
      expect(Effect).toBe('Allow');
      expect(JSON.stringify(Action)).not.toContain('*');
      expect(spell(Resource)).not.toBe('*');
    }
  }
});

test('every function has a role of its own that only Lambda may assume, but for the one that helps another', () => {
  const functions = ofType(template, 'AWS::Lambda::Function').map(([, { Properties }]) =>
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
    ofType(template, 'AWS::IAM::Role')
      .map(([id]) => id)
      .toSorted(),
  ).toEqual(['BackfillRole', 'BatchJobRole', 'BatchRole', 'ReplicateRole', 'SubscribeRole']);
  for (const [id, { Properties }] of ofType(template, 'AWS::IAM::Role')) {
    if (id === 'BatchJobRole') continue;
    expect(statementsOf(Properties['AssumeRolePolicyDocument'])).toEqual([
      { Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' },
    ]);
  }
});

test('roles carry the region in their names: IAM is global', () => {
  expect(properties('ReplicateRole')['RoleName']).toBe('acme-replication-test-eu-west-1-replicate');
  expect(properties('SubscribeRole')['RoleName']).toBe('acme-replication-test-eu-west-1-subscribe');
});

test('each source bucket is subscribed once, to what its rules want, with filters that do not overlap', () => {
  const subscriptions = ofType(template, 'Custom::BucketSubscription').map(
    ([, { Properties }]) => Properties,
  );

  expect(subscriptions).toMatchObject([
    {
      bucket: 'acme-documents',
      events: 's3',
      ServiceTimeout: '120',
      accountId: { Ref: 'AWS::AccountId' },
      idPrefix: 'acme-replication-test:',
      eventTypes: [
        's3:ObjectCreated:*',
        's3:ObjectTagging:*',
        's3:ObjectRestore:Completed',
        's3:ObjectAcl:Put',
        's3:ObjectRemoved:*',
        's3:LifecycleExpiration:*',
      ],
      filters: [
        { prefix: 'contracts/', suffix: '.pdf' },
        { prefix: 'invoices/', suffix: '' },
      ],
    },
    { bucket: 'acme.media', events: 'eventbridge', eventTypes: [], filters: [] },
    {
      bucket: 'acme-elsewhere',
      events: 's3',
      eventTypes: [
        's3:ObjectCreated:*',
        's3:ObjectTagging:*',
        's3:ObjectRestore:Completed',
        's3:ObjectAcl:Put',
      ],
      filters: [{ prefix: '', suffix: '' }],
    },
  ]);
});

test('a subscription waits for the queue policy, and its permission outlives it', () => {
  for (const [, { DependsOn = [] }] of ofType(template, 'Custom::BucketSubscription')) {
    expect(DependsOn).toContain('LiveQueuePolicy');
    expect(DependsOn.map((id) => template.Resources[id]?.Type)).toContain('AWS::IAM::Policy');
  }
});

test('EventBridge passes on what the rules of the bucket want', () => {
  expect(bucketRules().map(([, { Properties }]) => Properties['EventPattern'])).toEqual([
    {
      source: ['aws.s3'],
      'detail-type': [
        'Object Created',
        'Object Tags Added',
        'Object Tags Deleted',
        'Object Restore Completed',
        'Object ACL Updated',
        'Object Deleted',
      ],
      detail: { bucket: { name: ['acme.media'] }, object: { key: [{ wildcard: 'photos/*.jpg' }] } },
    },
  ]);
});

test('logs expire', () => {
  for (const [, { Properties }] of ofType(template, 'AWS::Logs::LogGroup')) {
    expect(Properties['RetentionInDays']).toBe(14);
  }
});

test('seven alarms tell the topic, which only CloudWatch of this account may publish to', () => {
  const alarms = ofType(template, 'AWS::CloudWatch::Alarm').map(([, { Properties }]) => Properties);

  expect(alarms.map(({ MetricName, Threshold }) => [MetricName, Threshold])).toEqual([
    ['ApproximateNumberOfMessagesVisible', 1],
    ['ApproximateAgeOfOldestMessage', 1800],
    ['ApproximateNumberOfMessagesVisible', 1],
    ['ApproximateNumberOfMessagesVisible', 1],
    ['Errors', 1],
    ['Errors', 1],
    ['Throttles', 1],
  ]);
  for (const alarm of alarms) {
    expect(alarm).toMatchObject({ AlarmActions: [{ Ref: 'AlarmTopic' }], TreatMissingData: 'notBreaching' });
  }
  expect(properties('AlarmTopic')).toMatchObject({
    Subscription: [{ Protocol: 'email', Endpoint: 'ops@example.com' }],
  });
  expect(statementsOf(properties('AlarmTopicPolicy')['PolicyDocument'])[0]).toMatchObject({
    Principal: { Service: 'cloudwatch.amazonaws.com' },
    Condition: { StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } } },
  });
});

test('functions and stack carry the tags', () => {
  for (const [, { Properties }] of ofType(template, 'AWS::Lambda::Function')) {
    expect(Properties['Tags']).toEqual([
      { Key: 'application', Value: 'acme-replication' },
      { Key: 'stage', Value: 'test' },
      { Key: 'team', Value: 'storage' },
    ]);
  }
});

test('the deployment bucket is encrypted, closed to the public and takes no request without TLS', () => {
  expect(properties('ServerlessDeploymentBucket')).toMatchObject({
    BucketEncryption: expect.anything(),
    PublicAccessBlockConfiguration: { BlockPublicAcls: true, RestrictPublicBuckets: true },
  });
  expect(statementsOf(properties('ServerlessDeploymentBucketPolicy')['PolicyDocument'])[0]?.Effect).toBe(
    'Deny',
  );
});

test('the outputs name what operators and destination accounts need', () => {
  expect(Object.keys(template.Outputs)).toEqual(
    expect.arrayContaining([
      'ReplicateRoleArn',
      'DeadLetterQueueUrl',
      'LiveQueueUrl',
      'IdempotencyTableName',
      'AlarmTopicArn',
    ]),
  );
});
