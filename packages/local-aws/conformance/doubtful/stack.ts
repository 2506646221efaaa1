/** Deploys the stack that the questions about Lambda, SQS and EventBridge share. It contains a function. */
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { build } from 'esbuild';
import type { Context } from '../context.ts';
import type { Endpoint } from '../endpoint.ts';
import type { Resources } from '../resources.ts';
import { CLOUDFORMATION_VERSION } from '../signed-call.ts';
import { zipOf } from '../zip.ts';
import { type DoubtfulStack, watch } from './question.ts';

/** Deploys the stack. The end of the run removes it. */
export const deployStack = async (
  endpoint: Endpoint,
  context: Context,
  resources: Resources,
): Promise<DoubtfulStack> => {
  const [code, bucket, eventBucket] = await Promise.all([
    resources.createBucket('never'),
    resources.createBucket('never'),
    resources.createBucket('never'),
  ]);
  await context.s3.send(
    new PutObjectCommand({ Bucket: code, Key: 'function.zip', Body: zipOf({ 'index.js': await bundle() }) }),
  );
  const StackName = resources.stack();
  const template = templateOf({ name: StackName, code, bucket, eventBucket });
  await endpoint.call({
    service: 'cloudformation',
    method: 'POST',
    form: {
      Action: 'CreateStack',
      Version: CLOUDFORMATION_VERSION,
      StackName,
      TemplateBody: JSON.stringify(template),
      'Capabilities.member.1': 'CAPABILITY_NAMED_IAM',
    },
  });
  const outputs = await watch({ context, endpoint }, STACK_LIMIT_MS, () => completed(endpoint, StackName));
  if (outputs === null)
    throw new Error(`stack ${StackName} was not complete in ${STACK_LIMIT_MS / 60_000} minutes`);
  const output = (key: string): string => {
    const [, value = ''] =
      new RegExp(`<OutputKey>${key}</OutputKey>\\s*<OutputValue>([^<]*)<`).exec(outputs) ?? [];
    return value;
  };
  return {
    completeAtMs: context.now(),
    functionName: StackName,
    queueUrl: output('Queue'),
    queueArn: output('QueueArn'),
    deadLetterQueueUrl: output('DeadLetters'),
    resultsUrl: output('Results'),
    eventsUrl: output('Events'),
    bucket,
    eventBucket,
  };
};

const STACK_LIMIT_MS = 300_000;

/**
 * Returns the XML that describes the stack; null while the stack is being created. Throws if the creation failed.
 */
const completed = async (endpoint: Endpoint, StackName: string): Promise<string | null> => {
  const form = { Action: 'DescribeStacks', Version: CLOUDFORMATION_VERSION, StackName };
  const described = await endpoint.call({ service: 'cloudformation', method: 'POST', form });
  const [, status = ''] = /<StackStatus>(\w+)<\/StackStatus>/.exec(described) ?? [];
  if (status === 'CREATE_IN_PROGRESS') return null;
  if (status === 'CREATE_COMPLETE') return described.replaceAll('&amp;', '&');
  throw new Error(`stack ${StackName}: ${status}; its events say why`);
};

/**
 * Returns the code of the function together with the SDK, because the local AWS does not provide the SDK as AWS's
 * runtime does.
 */
const bundle = async (): Promise<string> => {
  const bundled = await build({
    stdin: { contents: HANDLER, resolveDir: import.meta.dirname },
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node24',
    write: false,
    minify: true,
  });
  return bundled.outputFiles[0]?.text ?? '';
};

/**
 * How many times the function passes a message on. After that, no loop detection has stopped it, and the function
 * gives up.
 */
export const MOST_HOPS = 40;

/**
 * The function's code. It sends each message with `hops` to the function's own queue again, reads the objects in
 * S3 events, and sends the results to the queue RESULTS.
 */
const HANDLER = `
  import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
  import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
  const forcePathStyle = process.env.AWS_ENDPOINT_URL !== undefined;
  const [s3, sqs] = [new S3Client({ forcePathStyle }), new SQSClient({})];
  const send = (QueueUrl, value) => sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: JSON.stringify(value) }));
  const read = ({ bucket: { name: Bucket }, object: { key: Key } }) =>
    s3.send(new GetObjectCommand({ Bucket, Key })).then(({ Body }) => Body.transformToString()).then(() => 'allowed', ({ name }) => name);
  export const handler = async ({ Records }) => {
    for (const record of Records) {
      const message = JSON.parse(record.body);
      const received = Number(record.attributes.ApproximateReceiveCount);
      if (message.hops !== undefined) {
        if (message.hops < ${MOST_HOPS}) await send(process.env.QUEUE, { hops: message.hops + 1 });
        else await send(process.env.RESULTS, { never: message.hops });
      }
      if (message.note !== undefined) await send(process.env.RESULTS, { note: message.note });
      for (const event of message.Records ?? []) {
        const reading = await read(event.s3);
        await send(process.env.RESULTS, { key: event.s3.object.key, reading, received });
        if (reading !== 'allowed') throw new Error(reading);
      }
    }
  };`;

const attribute = (resource: string, name = 'Arn') => ({ 'Fn::GetAtt': [resource, name] });
const allow = (Action: string | string[], Resource: unknown, more: object = {}) => ({
  Effect: 'Allow',
  Action,
  Resource,
  ...more,
});
const policy = (...Statement: object[]) => ({ Version: '2012-10-17', Statement });

/** Visibility timeout of the queues and timeout of the function, in seconds. */
const SECONDS = 6;

const queuesOf = (bucket: string) => {
  const queue = (Properties: object = {}) => ({ Type: 'AWS::SQS::Queue', Properties });
  const ofBucket = { 'Fn::Sub': `arn:\${AWS::Partition}:s3:::${bucket}` };
  const queuePolicy = (name: string, Service: string, sourceArn: unknown) => ({
    Type: 'AWS::SQS::QueuePolicy',
    Properties: {
      Queues: [{ Ref: name }],
      PolicyDocument: policy(
        allow('sqs:SendMessage', attribute(name), {
          Principal: { Service },
          Condition: { ArnEquals: { 'aws:SourceArn': sourceArn } },
        }),
      ),
    },
  });
  const RedrivePolicy = { deadLetterTargetArn: attribute('DeadLetters'), maxReceiveCount: 2 };
  return {
    DeadLetters: queue(),
    Results: queue(),
    Events: queue(),
    Queue: queue({ VisibilityTimeout: SECONDS, RedrivePolicy }),
    QueuePolicy: queuePolicy('Queue', 's3.amazonaws.com', ofBucket),
    EventsPolicy: queuePolicy('Events', 'events.amazonaws.com', attribute('Rule')),
  };
};

const templateOf = (names: { name: string; code: string; bucket: string; eventBucket: string }) => ({
  Resources: {
    ...queuesOf(names.bucket),
    Role: {
      Type: 'AWS::IAM::Role',
      Properties: {
        RoleName: names.name,
        AssumeRolePolicyDocument: policy({
          Effect: 'Allow',
          Principal: { Service: 'lambda.amazonaws.com' },
          Action: 'sts:AssumeRole',
        }),
        Policies: [
          {
            PolicyName: 'function',
            PolicyDocument: policy(
              allow(
                ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes'],
                attribute('Queue'),
              ),
              allow('sqs:SendMessage', [attribute('Queue'), attribute('Results')]),
              allow('s3:GetObject', { 'Fn::Sub': `arn:\${AWS::Partition}:s3:::${names.bucket}/*` }),
            ),
          },
        ],
      },
    },
    Function: {
      Type: 'AWS::Lambda::Function',
      Properties: {
        FunctionName: names.name,
        Runtime: 'nodejs24.x',
        Handler: 'index.handler',
        Role: attribute('Role'),
        Timeout: SECONDS,
        MemorySize: 256,
        Code: { S3Bucket: names.code, S3Key: 'function.zip' },
        Environment: { Variables: { QUEUE: { Ref: 'Queue' }, RESULTS: { Ref: 'Results' } } },
      },
    },
    Mapping: {
      Type: 'AWS::Lambda::EventSourceMapping',
      Properties: { EventSourceArn: attribute('Queue'), FunctionName: { Ref: 'Function' }, BatchSize: 1 },
    },
    Rule: {
      Type: 'AWS::Events::Rule',
      Properties: {
        EventPattern: { source: ['aws.s3'], detail: { bucket: { name: [names.eventBucket] } } },
        Targets: [{ Id: 'events', Arn: attribute('Events') }],
      },
    },
  },
  Outputs: {
    ...Object.fromEntries(
      ['Queue', 'DeadLetters', 'Results', 'Events'].map((name) => [name, { Value: { Ref: name } }]),
    ),
    QueueArn: { Value: attribute('Queue') },
  },
});
