/**
 * The functions and outputs of the compiled template. Only this file packages the sample stack, because
 * packaging is slow.
 */
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Packaged, Template } from './packaging.ts';
import { generatedTemplate, packagedSample } from './sample-stack.ts';
import { ofType, resource, roleStatements, spell, statementsOf } from './statements.ts';

let stack: Packaged;
let template: Template;

beforeAll(async () => {
  stack = await packagedSample();
  template = stack.template;
});

afterAll(() => stack[Symbol.asyncDispose]());

const properties = (logicalId: string): Record<string, unknown> => resource(template, logicalId).Properties;

// The tests of roles, queues and events check the generated resources without packaging. They rely on this
// test.
test('the template contains the generated resources unchanged, and apart from schedules of functions no other resources of their types', () => {
  const generated = generatedTemplate();
  // The framework puts in another id for each deployment.
  const { deployment } = properties('SubscriptionCheck');
  expect(deployment).toMatch(/^\d+$/);
  Object.assign(resource(generated, 'SubscriptionCheck').Properties, { deployment });
  expect(template.Resources).toEqual({ ...template.Resources, ...generated.Resources });

  const types = new Set(Object.values(generated.Resources).map(({ Type }) => Type));
  const ids = ({ Resources }: Template): string[] =>
    Object.entries(Resources)
      .filter(([id, { Type }]) => types.has(Type) && !/Schedule\d+$/.test(id))
      .map(([id]) => id)
      .toSorted();
  expect(ids(template)).toEqual(ids(generated));
});

test('the replicate function has the designed settings and is fed by the live queue and, separately, by the backfill queue', () => {
  expect(properties('ReplicateLambdaFunction')).toMatchObject({
    FunctionName: 'acme-replication-test-replicate',
    Handler: 'src/handlers/replicate.handler',
    Runtime: 'nodejs24.x',
    Architectures: ['arm64'],
    MemorySize: 1769,
    Timeout: 420,
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
        ROLE_SESSION_NAME: 's3r@eu-west-1.acme-replication-test',
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
      MaximumBatchingWindowInSeconds: 0,
      EventSourceArn: { 'Fn::GetAtt': ['LiveQueue', 'Arn'] },
      FunctionName: { 'Fn::GetAtt': ['ReplicateLambdaFunction', 'Arn'] },
      Enabled: true,
      FunctionResponseTypes: ['ReportBatchItemFailures'],
      ScalingConfig: { MaximumConcurrency: 7 },
    },
    {
      BatchSize: 3,
      MaximumBatchingWindowInSeconds: 0,
      EventSourceArn: { 'Fn::GetAtt': ['BackfillQueue', 'Arn'] },
      FunctionName: { 'Fn::GetAtt': ['ReplicateLambdaFunction', 'Arn'] },
      Enabled: true,
      FunctionResponseTypes: ['ReportBatchItemFailures'],
      ScalingConfig: { MaximumConcurrency: 10 },
    },
  ]);
});

test("the backfill function works on one range at a time, and the message of the range outlives the function's time-out", () => {
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
        ROLE_SESSION_NAME: 's3r@eu-west-1.acme-replication-test',
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
      maxReceiveCount: 1000,
    },
  });
});

test('the transfer function has the role and settings of the replicate function, but its own queue', () => {
  const { FunctionName, Handler, ...others } = properties('TransferLambdaFunction');
  expect([FunctionName, Handler]).toEqual([
    'acme-replication-test-transfer',
    'src/handlers/transfer.handler',
  ]);
  const { Role, Environment, MemorySize } = properties('ReplicateLambdaFunction');
  expect(others).toMatchObject({ Role, Environment, MemorySize, Timeout: 900 });
  const [[, mapping] = []] = ofType(template, 'AWS::Lambda::EventSourceMapping').filter(
    ([, { Properties }]) => spell(Properties['FunctionName']) === 'TransferLambdaFunction.Arn',
  );
  expect(mapping?.Properties).toMatchObject({
    BatchSize: 1,
    EventSourceArn: { 'Fn::GetAtt': ['TransferQueue', 'Arn'] },
    FunctionResponseTypes: ['ReportBatchItemFailures'],
    ScalingConfig: { MaximumConcurrency: 33 },
  });
});

test('schedules let waiting messages back and tend runs every minute, and look after transfers and subscriptions every five minutes', () => {
  const scheduled = ofType(template, 'AWS::Events::Rule').flatMap(([, { Properties }]) =>
    Properties['ScheduleExpression'] === undefined ? [] : [JSON.stringify(Properties)],
  );
  const expected = [
    /"rate\(1 minute\)".*waiting.*ReplicateLambdaFunction/,
    /"rate\(1 minute\)".*tend.*BackfillLambdaFunction/,
    /"rate\(5 minutes\)".*SubscribeLambdaFunction.*check/,
    /"rate\(5 minutes\)".*sweep.*TransferLambdaFunction/,
  ];
  for (const rule of expected) expect(scheduled).toContainEqual(expect.stringMatching(rule));
  expect(scheduled).toHaveLength(expected.length);
});

test('the message of a part range outlives the time-out of the transfer function and may be received as often as SQS allows', () => {
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
    expect(statementsOf(properties(`${queue}Policy`)['PolicyDocument'])).toMatchObject(
      ['OnlyThisStack', 'TlsOnly'].map((Sid) => ({ Effect: 'Deny', Sid })),
    );
  }
});

test('no policy of a role allows a wildcard action or the bare resource `*`', () => {
  for (const [role] of ofType(template, 'AWS::IAM::Role')) {
    for (const { Effect, Action, Resource } of roleStatements(template, role)) {
      if (Effect === 'Deny') continue;
      expect(JSON.stringify(Action)).not.toContain('*');
      // ListAllMyBuckets has no resource.
      if (String(Action) !== 's3:ListAllMyBuckets') expect(spell(Resource)).not.toBe('*');
    }
  }
});

test('every function has its own role that only Lambda may assume, except that the transfer and inspect functions share the replicate role', () => {
  const functions = ofType(template, 'AWS::Lambda::Function').map(([, { Properties }]) =>
    spell(Properties['Role']),
  );
  const shared = Array.from({ length: 3 }, () => 'ReplicateRole.Arn');
  expect(functions.toSorted()).toEqual(['BackfillRole.Arn', 'BatchRole.Arn', ...shared, 'SubscribeRole.Arn']);
  const roles = ofType(template, 'AWS::IAM::Role').map(([id]) => id);
  expect(roles.toSorted()).toEqual([
    'BackfillRole',
    'BatchJobRole',
    'BatchRole',
    'ReplicateRole',
    'SubscribeRole',
  ]);
  for (const [id, { Properties }] of ofType(template, 'AWS::IAM::Role')) {
    if (id === 'BatchJobRole') continue;
    expect(statementsOf(Properties['AssumeRolePolicyDocument'])).toEqual([
      { Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' },
    ]);
  }
});

test('the logs of all functions expire after the configured number of days', () => {
  for (const [, { Properties }] of ofType(template, 'AWS::Logs::LogGroup')) {
    expect(Properties['RetentionInDays']).toBe(14);
  }
});

test('all functions carry the tags of the stack', () => {
  for (const [, { Properties }] of ofType(template, 'AWS::Lambda::Function')) {
    expect(Properties['Tags']).toEqual([
      { Key: 'application', Value: 'acme-replication' },
      { Key: 'stage', Value: 'test' },
      { Key: 'team', Value: 'storage' },
    ]);
  }
});

test('the deployment bucket is encrypted, closed to the public and denies requests without TLS', () => {
  expect(properties('ServerlessDeploymentBucket')).toMatchObject({
    BucketEncryption: expect.anything(),
    PublicAccessBlockConfiguration: { BlockPublicAcls: true, RestrictPublicBuckets: true },
  });
  expect(statementsOf(properties('ServerlessDeploymentBucketPolicy')['PolicyDocument'])[0]?.Effect).toBe(
    'Deny',
  );
});

test('the outputs of the stack name the resources that operators and destination accounts need', () => {
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

test('the functions that send messages on to their own queues may run in a recursive loop, and no other function', () => {
  const looping = ofType(template, 'AWS::Lambda::Function').filter(
    ([, { Properties }]) => Properties['RecursiveLoop'] === 'Allow',
  );
  expect(looping.map(([id]) => id.slice(0, 8))).toEqual(['Replicat', 'Transfer', 'Backfill']);
});

test('the operations guide lists the permissions of a deployment for the service of every resource', async () => {
  const guide = await readFile('docs/operations.md', 'utf8');
  const [, section = ''] = guide.split('## What deploying needs');
  const services = Object.values(template.Resources).flatMap(
    ({ Type }) => /^AWS::(\w+)/.exec(Type)?.[1]?.toLowerCase() ?? [],
  );

  const named = new Set([...section.matchAll(/`([a-z0-9]+):[\w*]+`/g)].map(([, service]) => service));
  expect([...new Set(services)].filter((service) => !named.has(service))).toEqual([]);
  expect(section).toContain('`lambda:PutFunctionRecursionConfig`');
});
