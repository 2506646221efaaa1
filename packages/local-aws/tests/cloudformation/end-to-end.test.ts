import {
  CreateBucketCommand,
  PutBucketNotificationConfigurationCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { build } from 'esbuild';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { clientConfig } from '../../src/start/client-config.ts';
import {
  ACCOUNT_ID,
  functionRole,
  lambdaFunction,
  REGION,
  startAwsFixture,
  type AwsFixture,
  PATIENCE,
} from './aws-fixture.ts';

const BUCKET = 'source-bucket';
const getAtt = (logicalId: string, name = 'Arn') => ({ 'Fn::GetAtt': [logicalId, name] });

/**
 * Code of a function that reads each object in an S3 event with the real SDK, and prints the object's text.
 */
const HANDLER = `
  import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
  const s3 = new S3Client({ forcePathStyle: true });
  export const handler = async (event) => {
    for (const { body, messageId } of event.Records) {
      for (const record of JSON.parse(body).Records ?? []) {
        const { Body } = await s3.send(new GetObjectCommand({ Bucket: record.s3.bucket.name, Key: record.s3.object.key }));
        process.stdout.write('read ' + (await Body.transformToString()) + '\\n');
      }
    }
    return { batchItemFailures: [] };
  };`;

const statements = [
  {
    Effect: 'Allow',
    Action: ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes'],
    Resource: getAtt('Queue'),
  },
  { Effect: 'Allow', Action: 's3:GetObject', Resource: `arn:aws:s3:::${BUCKET}/*` },
];

const resources = (roleStatements: object[]) => ({
  Queue: { Type: 'AWS::SQS::Queue', Properties: { QueueName: 'live', VisibilityTimeout: 60 } },
  QueuePolicy: {
    Type: 'AWS::SQS::QueuePolicy',
    Properties: {
      Queues: [{ Ref: 'Queue' }],
      PolicyDocument: {
        Version: '2012-10-17',
        Statement: [
          {
            Effect: 'Allow',
            Principal: { Service: 's3.amazonaws.com' },
            Action: 'sqs:SendMessage',
            Resource: getAtt('Queue'),
            Condition: {
              ArnEquals: { 'aws:SourceArn': `arn:aws:s3:::${BUCKET}` },
              StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } },
            },
          },
        ],
      },
    },
  },
  Role: functionRole(roleStatements),
  Reader: lambdaFunction('reader', { FunctionName: 'reader', Timeout: 30 }),
  Mapping: {
    Type: 'AWS::Lambda::EventSourceMapping',
    Properties: {
      EventSourceArn: getAtt('Queue'),
      FunctionName: getAtt('Reader'),
      FunctionResponseTypes: ['ReportBatchItemFailures'],
    },
  },
});

let fixture: AwsFixture;
let s3: S3Client;

beforeAll(async () => {
  fixture = await startAwsFixture();
  const bundle = await build({
    stdin: { contents: HANDLER, resolveDir: import.meta.dirname },
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node24',
    write: false,
    minify: true,
  });
  await fixture.artifact('reader', bundle.outputFiles[0]?.text ?? '');
  s3 = new S3Client(clientConfig(fixture.aws, fixture.aws.root(ACCOUNT_ID)));
  await s3.send(
    new CreateBucketCommand({ Bucket: BUCKET, CreateBucketConfiguration: { LocationConstraint: REGION } }),
  );
}, 30_000);
afterAll(() => fixture.close());

test('an upload reaches the function through the bucket notification, the queue and the event source mapping', async () => {
  await fixture.deploy(resources(statements));
  await s3.send(
    new PutBucketNotificationConfigurationCommand({
      Bucket: BUCKET,
      NotificationConfiguration: {
        QueueConfigurations: [
          { QueueArn: `arn:aws:sqs:${REGION}:${ACCOUNT_ID}:live`, Events: ['s3:ObjectCreated:*'] },
        ],
      },
    }),
  );
  await s3.send(new PutObjectCommand({ Bucket: BUCKET, Key: 'greeting', Body: 'hello' }));
  await expect.poll(() => fixture.lines, PATIENCE).toContain('read hello');
});

test('a function is denied what its role does not allow', async () => {
  await fixture.deploy(resources(statements.slice(0, 1)));
  await s3.send(new PutObjectCommand({ Bucket: BUCKET, Key: 'secret', Body: 'secret' }));
  await expect
    .poll(() => fixture.lines.find((line) => line.includes('AccessDenied')), PATIENCE)
    .toMatch(/is not authorized to perform: s3:GetObject/);
  expect(fixture.lines).not.toContain('read secret');
});

test('after a stack is deleted, its queue, mapping and function are gone', async () => {
  await fixture.remove();
  expect(fixture.stack()?.status).toBe('DELETE_COMPLETE');
  expect(fixture.aws.lambda.functionArns()).toEqual([]);
  expect(fixture.aws.lambda.eventSources.list()).toEqual([]);
  const sqs = new SQSClient({ ...clientConfig(fixture.aws, fixture.aws.root(ACCOUNT_ID)), maxAttempts: 1 });
  const url = `${fixture.aws.endpoint}/${ACCOUNT_ID}/live`;
  await expect(sqs.send(new SendMessageCommand({ QueueUrl: url, MessageBody: 'x' }))).rejects.toThrow(
    /does not exist/,
  );
});
