/** The functions, tables and outputs of the compiled template. */
import { expect, test } from 'vitest';
import { sampleStack } from './sample-stack.ts';
import { ofType, spell, statementsOf } from './statements.ts';

const sample = sampleStack();

test('the replicate function runs as designed, fed by the live queue and apart from it by that of backfills', () => {
  expect(sample.properties('ReplicateLambdaFunction')).toMatchObject({
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
  const mappings = ofType(sample.template(), 'AWS::Lambda::EventSourceMapping').map(
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
  expect(sample.properties('BackfillLambdaFunction')).toMatchObject({
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
  const [[, mapping] = []] = ofType(sample.template(), 'AWS::Lambda::EventSourceMapping').filter(
    ([, { Properties }]) => spell(Properties['FunctionName']) === 'BackfillLambdaFunction.Arn',
  );
  expect(mapping?.Properties).toMatchObject({
    BatchSize: 1,
    EventSourceArn: { 'Fn::GetAtt': ['RangesQueue', 'Arn'] },
    ScalingConfig: { MaximumConcurrency: 8 },
  });
  expect(sample.properties('RangesQueue')).toMatchObject({
    QueueName: 'acme-replication-test-ranges',
    VisibilityTimeout: 960,
    RedrivePolicy: {
      deadLetterTargetArn: { 'Fn::GetAtt': ['RangesDeadLetterQueue', 'Arn'] },
      maxReceiveCount: 12,
    },
  });
  expect(sample.properties('BackfillQueue')).toMatchObject({
    RedrivePolicy: {
      deadLetterTargetArn: { 'Fn::GetAtt': ['LiveDeadLetterQueue', 'Arn'] },
      maxReceiveCount: 15,
    },
  });
});

test('the transfer function has the role and the settings of the replicate function, and a queue and a schedule of its own', () => {
  const { FunctionName, Handler, ...others } = sample.properties('TransferLambdaFunction');
  expect([FunctionName, Handler]).toEqual([
    'acme-replication-test-transfer',
    'src/handlers/transfer.handler',
  ]);
  const { Role, Environment, MemorySize, Timeout } = sample.properties('ReplicateLambdaFunction');
  expect(others).toMatchObject({ Role, Environment, MemorySize, Timeout });
  const [[, mapping] = []] = ofType(sample.template(), 'AWS::Lambda::EventSourceMapping').filter(
    ([, { Properties }]) => spell(Properties['FunctionName']) === 'TransferLambdaFunction.Arn',
  );
  expect(mapping?.Properties).toMatchObject({
    BatchSize: 1,
    EventSourceArn: { 'Fn::GetAtt': ['TransferQueue', 'Arn'] },
    FunctionResponseTypes: ['ReportBatchItemFailures'],
    ScalingConfig: { MaximumConcurrency: 33 },
  });
  const scheduled = ofType(sample.template(), 'AWS::Events::Rule').filter(
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
  expect(sample.properties('TransferQueue')).toEqual({
    QueueName: 'acme-replication-test-transfers',
    VisibilityTimeout: 960,
    MessageRetentionPeriod: 1_209_600,
    SqsManagedSseEnabled: true,
    RedrivePolicy: {
      deadLetterTargetArn: { 'Fn::GetAtt': ['TransferDeadLetterQueue', 'Arn'] },
      maxReceiveCount: 1000,
    },
  });
  expect(sample.properties('TransferDeadLetterQueue')['QueueName']).toBe(
    'acme-replication-test-transfers-dlq',
  );
  for (const queue of ['TransferQueue', 'TransferDeadLetterQueue']) {
    expect(statementsOf(sample.properties(`${queue}Policy`)['PolicyDocument'])).toMatchObject([
      { Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } },
    ]);
  }
});

test('the table of transfers is on demand and can be restored to a point in time', () => {
  expect(sample.properties('TransfersTable')).toEqual({
    TableName: 'acme-replication-test-transfers',
    BillingMode: 'PAY_PER_REQUEST',
    AttributeDefinitions: [{ AttributeName: 'transfer', AttributeType: 'S' }],
    KeySchema: [{ AttributeName: 'transfer', KeyType: 'HASH' }],
    PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
    SSESpecification: { SSEEnabled: true },
  });
});

test('the table is on demand, expires records and can be restored to a point in time', () => {
  expect(sample.properties('IdempotencyTable')).toEqual({
    TableName: 'acme-replication-test-idempotency',
    BillingMode: 'PAY_PER_REQUEST',
    AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
    KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
    TimeToLiveSpecification: { AttributeName: 'expiration', Enabled: true },
    PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
    SSESpecification: { SSEEnabled: true },
  });
});

test('logs expire', () => {
  for (const [, { Properties }] of ofType(sample.template(), 'AWS::Logs::LogGroup')) {
    expect(Properties['RetentionInDays']).toBe(14);
  }
});

test('functions and stack carry the tags', () => {
  for (const [, { Properties }] of ofType(sample.template(), 'AWS::Lambda::Function')) {
    expect(Properties['Tags']).toEqual([
      { Key: 'application', Value: 'acme-replication' },
      { Key: 'stage', Value: 'test' },
      { Key: 'team', Value: 'storage' },
    ]);
  }
});

test('the deployment bucket is encrypted, closed to the public and takes no request without TLS', () => {
  expect(sample.properties('ServerlessDeploymentBucket')).toMatchObject({
    BucketEncryption: expect.anything(),
    PublicAccessBlockConfiguration: { BlockPublicAcls: true, RestrictPublicBuckets: true },
  });
  expect(
    statementsOf(sample.properties('ServerlessDeploymentBucketPolicy')['PolicyDocument'])[0]?.Effect,
  ).toBe('Deny');
});

test('the outputs name what operators and destination accounts need', () => {
  expect(Object.keys(sample.template().Outputs)).toEqual(
    expect.arrayContaining([
      'ReplicateRoleArn',
      'DeadLetterQueueUrl',
      'LiveQueueUrl',
      'IdempotencyTableName',
      'AlarmTopicArn',
    ]),
  );
});
