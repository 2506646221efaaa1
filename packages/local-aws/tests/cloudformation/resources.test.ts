import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { clientConfig } from '../../src/start/client-config.ts';
import {
  ACCOUNT_ID,
  functionRole,
  lambdaFunction,
  REGION,
  startAwsFixture,
  type AwsFixture,
} from './aws-fixture.ts';

let fixture: AwsFixture;
beforeEach(async () => {
  fixture = await startAwsFixture();
  await fixture.artifact('code', `exports.handler = async () => 'one'`);
});
afterEach(() => fixture.close());

const arn = (logicalId: string) => ({ 'Fn::GetAtt': [logicalId, 'Arn'] });
const attribute = (logicalId: string, name = 'Arn') =>
  fixture.stack()?.resources.get(logicalId)?.attributes[name] ?? '';
const invoke = async (name: string) =>
  JSON.parse((await fixture.aws.lambda.invoke(name, {})).payload) as unknown;

test('a function runs the zip its S3 key names, and a new zip after an update', async () => {
  await fixture.deploy({ Role: functionRole(), Fn: lambdaFunction('code', { FunctionName: 'fn' }) });
  expect(await invoke('fn')).toBe('one');
  await fixture.artifact('newer', `exports.handler = async () => 'two'`);
  await fixture.deploy({ Role: functionRole(), Fn: lambdaFunction('newer', { FunctionName: 'fn' }) });
  expect(await invoke('fn')).toBe('two');
  expect(attribute('Fn')).toBe(`arn:aws:lambda:${REGION}:${ACCOUNT_ID}:function:fn`);
});

test('a failed update restores the old code of a function', async () => {
  await fixture.deploy({ Role: functionRole(), Fn: lambdaFunction('code', { FunctionName: 'fn' }) });
  await fixture.artifact('newer', `exports.handler = async () => 'two'`);
  const Bad = { Type: 'AWS::SQS::Queue', DependsOn: 'Fn', Properties: { QueueName: 'no name!' } };
  const Fn = lambdaFunction('newer', { FunctionName: 'fn' });
  await expect(fixture.deploy({ Role: functionRole(), Fn, Bad })).rejects.toThrow(/Bad/);
  expect(await invoke('fn')).toBe('one');
});

test('a function whose zip does not exist fails with NoSuchKey', async () => {
  await expect(fixture.deploy({ Role: functionRole(), Fn: lambdaFunction('missing') })).rejects.toThrow(
    /Error occurred while GetObject. S3 Error Code: NoSuchKey/,
  );
});

test('a function version with another CodeSha256 than the deployed code is refused', async () => {
  const version = {
    Type: 'AWS::Lambda::Version',
    Properties: { FunctionName: { Ref: 'Fn' }, CodeSha256: 'other' },
  };
  await expect(
    fixture.deploy({ Role: functionRole(), Fn: lambdaFunction('code'), Version: version }),
  ).rejects.toThrow(/CodeSHA256 \(other\) is different from current CodeSHA256/);
});

test('an event source mapping of a queue with too short a visibility timeout rolls the stack back', async () => {
  await expect(
    fixture.deploy({
      Queue: { Type: 'AWS::SQS::Queue', Properties: { VisibilityTimeout: 10 } },
      Role: functionRole([
        {
          Effect: 'Allow',
          Action: ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes'],
          Resource: arn('Queue'),
        },
      ]),
      Fn: lambdaFunction('code', { Timeout: 30 }),
      Mapping: {
        Type: 'AWS::Lambda::EventSourceMapping',
        Properties: { EventSourceArn: arn('Queue'), FunctionName: { Ref: 'Fn' } },
      },
    }),
  ).rejects.toThrow(/Queue visibility timeout: 10 seconds is less than Function timeout: 30 seconds/);
  expect(fixture.aws.lambda.functionArns()).toEqual([]);
});

test('a Lambda permission lets a principal of another account invoke the function', async () => {
  const other = fixture.aws.iam.rootCaller('222222222222');
  const permission = {
    Type: 'AWS::Lambda::Permission',
    Properties: { FunctionName: { Ref: 'Fn' }, Action: 'lambda:InvokeFunction', Principal: '222222222222' },
  };
  const mayInvoke = () =>
    fixture.aws.iam.decide({
      caller: other,
      action: 'lambda:InvokeFunction',
      resource: attribute('Fn'),
      resourceAccountId: ACCOUNT_ID,
      resourcePolicy: fixture.aws.lambda.function('fn').policy(),
      secureTransport: true,
    }).allowed;
  const Fn = lambdaFunction('code', { FunctionName: 'fn' });
  await fixture.deploy({ Role: functionRole(), Fn, Permission: permission });
  expect(mayInvoke()).toBe(true);
  await fixture.deploy({ Role: functionRole(), Fn });
  expect(mayInvoke()).toBe(false);
});

test('a bucket without a name gets a valid one, and cannot be deleted while it has objects', async () => {
  const stack = await fixture.deploy({
    MyBucketWithQuiteALongLogicalNameThatIsCutSomewhereInTheMiddle: { Type: 'AWS::S3::Bucket' },
  });
  const name = [...stack.resources.values()][0]?.physicalId ?? '';
  expect(name).toMatch(/^test-mybucket[a-z0-9-]+-[a-z0-9]{12}$/);
  expect(name.length).toBeLessThanOrEqual(63);
  const s3 = new S3Client(clientConfig(fixture.aws, fixture.aws.root(ACCOUNT_ID)));
  await s3.send(new PutObjectCommand({ Bucket: name, Key: 'k', Body: 'x' }));
  await expect(fixture.remove()).rejects.toThrow(/DELETE_FAILED.*not empty/);
});

test('a bucket policy is removed together with its resource', async () => {
  const Bucket = { Type: 'AWS::S3::Bucket', Properties: { BucketName: 'bucket' } };
  const Policy = {
    Type: 'AWS::S3::BucketPolicy',
    Properties: {
      Bucket: { Ref: 'Bucket' },
      PolicyDocument: {
        Statement: [
          {
            Effect: 'Deny',
            Principal: '*',
            Action: 's3:*',
            Resource: 'arn:aws:s3:::bucket/*',
            Condition: { Bool: { 'aws:SecureTransport': false } },
          },
        ],
      },
    },
  };
  const put = () =>
    new S3Client(clientConfig(fixture.aws, fixture.aws.root(ACCOUNT_ID), { tls: false })).send(
      new PutObjectCommand({ Bucket: 'bucket', Key: 'k', Body: 'x' }),
    );
  await fixture.deploy({ Bucket, Policy });
  await expect(put()).rejects.toThrow(/denied/i);
  await fixture.deploy({ Bucket });
  await put();
});

test('a bucket policy for a bucket of another account is refused', async () => {
  fixture.aws.s3.createBucket({ name: 'theirs', accountId: '222222222222', region: REGION });
  const PolicyDocument = {
    Statement: [
      { Effect: 'Allow', Principal: '*', Action: 's3:GetObject', Resource: 'arn:aws:s3:::theirs/*' },
    ],
  };
  await expect(
    fixture.deploy({
      Policy: { Type: 'AWS::S3::BucketPolicy', Properties: { Bucket: 'theirs', PolicyDocument } },
    }),
  ).rejects.toThrow(/Access Denied/);
});

test('resources of the simple types have their ARNs', async () => {
  await fixture.deploy({
    Group: {
      Type: 'AWS::Logs::LogGroup',
      Properties: { LogGroupName: '/aws/lambda/fn', RetentionInDays: 14 },
    },
    Alarm: {
      Type: 'AWS::CloudWatch::Alarm',
      Properties: {
        AlarmName: 'alarm',
        Namespace: 'AWS/SQS',
        MetricName: 'NumberOfMessagesSent',
        Statistic: 'Sum',
        Period: 300,
        EvaluationPeriods: 1,
        ComparisonOperator: 'GreaterThanThreshold',
        Threshold: 1,
        AlarmActions: [{ Ref: 'Topic' }],
      },
    },
    Key: { Type: 'AWS::KMS::Key', Properties: { EnableKeyRotation: true } },
    Alias: { Type: 'AWS::KMS::Alias', Properties: { AliasName: 'alias/key', TargetKeyId: { Ref: 'Key' } } },
    Topic: { Type: 'AWS::SNS::Topic', Properties: { TopicName: 'alarms' } },
    Queue: { Type: 'AWS::SQS::Queue' },
    Table: {
      Type: 'AWS::DynamoDB::Table',
      Properties: {
        TableName: 'table',
        BillingMode: 'PAY_PER_REQUEST',
        AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
        KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
      },
    },
    Rule: {
      Type: 'AWS::Events::Rule',
      Properties: {
        Name: 'rule',
        EventPattern: { source: ['aws.s3'] },
        Targets: [{ Id: 'queue', Arn: arn('Queue') }],
      },
    },
  });
  const prefix = `${REGION}:${ACCOUNT_ID}`;
  expect(attribute('Group')).toBe(`arn:aws:logs:${prefix}:log-group:/aws/lambda/fn:*`);
  expect(attribute('Alarm')).toBe(`arn:aws:cloudwatch:${prefix}:alarm:alarm`);
  expect(attribute('Topic', 'TopicArn')).toBe(`arn:aws:sns:${prefix}:alarms`);
  expect(attribute('Table')).toBe(`arn:aws:dynamodb:${prefix}:table/table`);
  expect(attribute('Rule')).toBe(`arn:aws:events:${prefix}:rule/rule`);
  expect(fixture.aws.kms.policy(attribute('Key'))).toBeDefined();
  await fixture.remove();
});

test('a dashboard needs a body with widgets of known types', async () => {
  const dashboard = (body: unknown) => ({
    Dashboard: {
      Type: 'AWS::CloudWatch::Dashboard',
      Properties: { DashboardName: 'all', DashboardBody: JSON.stringify(body) },
    },
  });
  await expect(fixture.deploy(dashboard({ widgets: [{ type: 'picture', properties: {} }] }))).rejects.toThrow(
    /The dashboard body is invalid/,
  );
  await fixture.remove();
  await fixture.deploy(dashboard({ widgets: [{ type: 'text', properties: { markdown: 'x' } }] }));
  await fixture.remove();
});

test.each([
  ['AWS::CloudWatch::Alarm', /Unrecognized key: "Surprise"/],
  ['AWS::S3::Bucket', /Unrecognized key: "Surprise"/],
  ['AWS::SQS::Queue', /Surprise is not supported/],
  ['AWS::KMS::Key', /Unrecognized key: "Surprise"/],
])('%s with an unknown property is refused', async (type, message) => {
  await expect(fixture.deploy({ It: { Type: type, Properties: { Surprise: 1 } } })).rejects.toThrow(message);
});

test('a resource with a name that is taken is refused', async () => {
  const group = { Type: 'AWS::Logs::LogGroup', Properties: { LogGroupName: 'group' } };
  await expect(fixture.deploy({ One: group, Two: group })).rejects.toThrow(/'group' already exists/);
});
