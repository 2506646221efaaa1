/**
 * Sends everything to the live queue that may arrive there besides plain S3 events, and counts the requests that a duplicate costs.
 */
import { DeleteObjectCommand } from '@aws-sdk/client-s3';
import {
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
  StartMessageMoveTaskCommand,
} from '@aws-sdk/client-sqs';
import { clientConfig } from '@s3-replicator/local-aws';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { SOURCE_ACCOUNT } from '../../demo/two-accounts.ts';
import { formatHint } from '../../src/lib/hint/hint.ts';
import { expectReplicas, seen } from './support/objects.ts';
import { watchRequests } from './support/operations.ts';
import { deadLetters, purge, s3Record, send } from './support/queues.ts';
import { REGION, settled, startStage, type Stage } from './support/stages/stage.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await startStage();
});
afterAll(async () => {
  await stage?.stop();
});
beforeEach(() => purge(stage));
afterEach(() => {
  stage.aws.faults.plan = undefined;
});

test('an event that arrives through SNS is understood, with and without raw delivery', async () => {
  for (const [key, wrap] of [
    [
      'wrapped',
      (event: string) => JSON.stringify({ Type: 'Notification', TopicArn: 'arn:aws:sns:x', Message: event }),
    ],
    ['raw', (event: string) => event],
  ] as const) {
    await stage.put('main', key, 'x');
    expect(await settled(stage)).toBe(true);
    await stage.destination.s3().send(new DeleteObjectCommand({ Bucket: 'main-replica', Key: key }));
    await send(stage, wrap(JSON.stringify({ Records: [s3Record('main', key)] })));
    expect(await settled(stage)).toBe(true);
    await expectReplicas(stage, 'main', key);
  }
});

test('neither the root of the account nor a role with sqs:* can send to a queue of the deployed stack', async () => {
  const { aws, source, names } = stage;
  const { arn } = aws.iam.putRole({
    accountId: SOURCE_ACCOUNT,
    roleName: 'analyst',
    assumeRolePolicy: { Statement: { Effect: 'Allow', Principal: { AWS: '*' }, Action: 'sts:AssumeRole' } },
    policies: [{ Statement: { Effect: 'Allow', Action: 'sqs:*', Resource: '*' } }],
  });
  await stage.put('main', 'coveted', 'x');
  expect(await settled(stage)).toBe(true);
  const analyst = new SQSClient(clientConfig(aws, aws.iam.createSession(arn, 'a', 900).credentials));
  const forged = formatHint({
    bucket: 'main',
    key: 'coveted',
    versionId: null,
    sizeBytes: null,
    kind: 'extra',
    identity: null,
    principalId: null,
    rule: null,
    destination: null,
    run: null,
  });
  for (const queue of [
    names.liveQueue,
    names.backfillQueue,
    names.deadLetterQueue,
    names.rangesQueue,
    names.transferQueue,
  ])
    for (const client of [source.sqs, analyst]) {
      const QueueUrl = aws.sqs.queueUrl(`arn:aws:sqs:${REGION}:${SOURCE_ACCOUNT}:${queue}`);
      const sending = client.send(new SendMessageCommand({ QueueUrl, MessageBody: forged }));
      await expect(sending, queue).rejects.toThrow(/explicit deny in a resource-based policy/);
    }
  const move = {
    SourceArn: `arn:aws:sqs:${REGION}:${SOURCE_ACCOUNT}:${names.deadLetterQueue}`,
    DestinationArn: `arn:aws:sqs:${REGION}:${SOURCE_ACCOUNT}:${names.liveQueue}`,
  };
  await expect(analyst.send(new StartMessageMoveTaskCommand(move))).rejects.toThrow(/sqs:sendmessage/i);
  analyst.destroy();
});

test('the test event of S3 is acknowledged', async () => {
  await send(stage, { Service: 'Amazon S3', Event: 's3:TestEvent', Bucket: 'main' });
  expect(await settled(stage)).toBe(true);
  expect(stage.dead.counts().visible).toBe(0);
});

test('all records of a message are replicated, and only the invalid ones among them are quarantined', async () => {
  for (const key of ['r1', 'r2', 'r 3']) await stage.put('main', key, key);
  expect(await settled(stage)).toBe(true);
  for (const key of ['r1', 'r2', 'r 3']) {
    await stage.destination.s3().send(new DeleteObjectCommand({ Bucket: 'main-replica', Key: key }));
  }
  const records = ['r1', 'r2', 'r 3'].map((key) => s3Record('main', key));
  await send(stage, { Records: [records[0], { eventSource: 'aws:ec2' }, records[1], null, records[2]] });
  expect(await settled(stage)).toBe(true);
  for (const key of ['r1', 'r2', 'r 3']) await expectReplicas(stage, 'main', key);
  const letters = await deadLetters(stage);
  expect(letters.map(({ attributes }) => attributes['reason'])).toEqual([
    'malformed-message',
    'malformed-message',
  ]);
  expect(letters.map(({ body }) => body).toSorted()).toEqual([
    '{"Records":[null]}',
    '{"Records":[{"eventSource":"aws:ec2"}]}',
  ]);
});

test.each([
  'not JSON',
  '"a text"',
  '[]',
  '{}',
  '{"Records":[]}',
  '{"Records":"none"}',
  '{"Type":"Notification","Message":"{\\"Type\\":\\"Notification\\",\\"Message\\":\\"{}\\"}"}',
  '{"source":"aws.s3","detail":{}}',
  'ünïcode 語 \u{1f600}',
])('a message that cannot be parsed goes to the dead-letter queue unchanged: %s', async (body) => {
  await send(stage, body);
  expect(await settled(stage)).toBe(true);
  expect(await deadLetters(stage)).toEqual([
    { body, attributes: expect.objectContaining({ reason: 'malformed-message', attempts: '1' }) },
  ]);
});

test('an event for a bucket or key without a rule is acknowledged', async () => {
  await send(stage, { Records: [s3Record('nobodys', 'k'), s3Record('shared', 'elsewhere')] });
  expect(await settled(stage)).toBe(true);
  expect(stage.dead.counts().visible).toBe(0);
});

test('an event for an object that no longer exists is acknowledged, and nothing is written', async () => {
  const requests = watchRequests(stage);
  await send(stage, { Records: [s3Record('main', 'never there', { size: 1 })] });
  expect(await settled(stage)).toBe(true);
  expect(stage.dead.counts().visible).toBe(0);
  expect(requests.filter((request) => request.startsWith('s3:'))).toEqual(['s3:GetObject main/never there']);
});

test('a duplicate of a finished event costs one call to DynamoDB and none to S3', async () => {
  const { VersionId: versionId } = await stage.put('main', 'twice', 'x');
  expect(await settled(stage)).toBe(true);
  const event = { Records: [s3Record('main', 'twice', { versionId, sequencer: '00A1', size: 1 })] };
  await send(stage, event);
  expect(await settled(stage)).toBe(true);
  const requests = watchRequests(stage);
  await send(stage, event);
  expect(await settled(stage)).toBe(true);
  expect(requests).toEqual(['dynamodb:PutItem']);
});

test('an event that arrives after newer ones changes nothing', async () => {
  const first = await stage.put('main', 'late', 'old');
  await stage.put('main', 'late', 'new');
  expect(await settled(stage)).toBe(true);
  const requests = watchRequests(stage);
  const late = { versionId: first.VersionId, sequencer: '00', size: 3 };
  await send(stage, { Records: [s3Record('main', 'late', late)] });
  expect(await settled(stage)).toBe(true);
  expect(requests.filter((request) => /PutObject|Upload/.test(request))).toEqual([
    's3:PutObject main-replica/late',
  ]);
  expect(await seen(stage.destination.s3(), 'main-replica', 'late')).toMatchObject({ ContentLength: 3 });
  await expectReplicas(stage, 'main', 'late');
});

test('whoever waits for the replica of an object gets an event about it from EventBridge, and none about rules that announce nothing', async () => {
  const { aws, source } = stage;
  const QueueUrl = await deployListener(aws);
  const { VersionId: versionId } = await stage.put('shared', 'images/ä.png', 'meow');
  await stage.put('main', 'unannounced', 'x');
  expect(await settled(stage)).toBe(true);
  const replica = await seen(stage.destination.s3(), 'shared-replica', 'a-rather-long-prefix/ä.png');
  const receive = new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 });
  const { Messages: messages = [] } = await source.sqs.send(receive);
  expect(messages.map(({ Body: body }) => JSON.parse(body ?? '{}'))).toMatchObject([
    {
      source: 's3-replicator',
      'detail-type': 'Object Replicated',
      account: SOURCE_ACCOUNT,
      region: REGION,
      detail: {
        version: '1',
        rule: 'images',
        bucket: { name: 'shared' },
        object: { key: 'images/ä.png', size: 4, 'version-id': versionId },
        destination: { id: 'shared-replica', bucket: { name: 'shared-replica' }, region: REGION },
        replica: {
          key: 'a-rather-long-prefix/ä.png',
          'version-id': replica?.VersionId,
          etag: replica?.ETag?.replaceAll('"', ''),
        },
        proof: 'checksum',
        'replicated-at': expect.stringMatching(/^\d{4}-.*Z$/),
      },
    },
  ]);
});

/** Deploys a queue that gets the events of this product, as a user would. Resolves to its URL. */
const deployListener = async (aws: Stage['aws']): Promise<string> => {
  const template = {
    Resources: {
      Listener: { Type: 'AWS::SQS::Queue', Properties: { QueueName: 'listener' } },
      Replicated: {
        Type: 'AWS::Events::Rule',
        Properties: {
          EventPattern: {
            source: ['s3-replicator'],
            'detail-type': ['Object Replicated'],
            detail: { bucket: { name: ['shared', 'main'] } },
          },
          Targets: [{ Id: 'listener', Arn: { 'Fn::GetAtt': ['Listener', 'Arn'] } }],
        },
      },
      Policy: {
        Type: 'AWS::SQS::QueuePolicy',
        Properties: {
          Queues: [{ Ref: 'Listener' }],
          PolicyDocument: {
            Statement: [
              {
                Effect: 'Allow',
                Principal: { Service: 'events.amazonaws.com' },
                Action: 'sqs:SendMessage',
                Resource: { 'Fn::GetAtt': ['Listener', 'Arn'] },
                Condition: { ArnEquals: { 'aws:SourceArn': { 'Fn::GetAtt': ['Replicated', 'Arn'] } } },
              },
            ],
          },
        },
      },
    },
  };
  const place = { accountId: SOURCE_ACCOUNT, region: REGION, stackName: 'listener' };
  await aws.cloudformation.deploy({ ...place, template: JSON.stringify(template) });
  return aws.sqs.queueUrl(`arn:aws:sqs:${REGION}:${SOURCE_ACCOUNT}:listener`);
};
