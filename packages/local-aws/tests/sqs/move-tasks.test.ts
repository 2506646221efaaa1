import {
  CancelMessageMoveTaskCommand,
  CreateQueueCommand,
  DeleteQueueCommand,
  ListMessageMoveTasksCommand,
  type ListMessageMoveTasksResultEntry,
  ReceiveMessageCommand,
  SendMessageCommand,
  type SQSClient,
  StartMessageMoveTaskCommand,
  type StartMessageMoveTaskCommandInput,
} from '@aws-sdk/client-sqs';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { accountId, type CoreServices, region, startCoreServices } from '../core-services.ts';

let services: CoreServices;
let client: SQSClient;
const arn = (name: string): string => `arn:aws:sqs:${region}:${accountId}:${name}`;
const url = (name: string): string => `${services.front.httpsEndpoint}/${accountId}/${name}`;

beforeEach(async () => {
  services = await startCoreServices();
  client = services.sqsClient();
  const RedrivePolicy = JSON.stringify({ deadLetterTargetArn: arn('dlq'), maxReceiveCount: 1 });
  for (const QueueName of ['dlq', 'other']) await client.send(new CreateQueueCommand({ QueueName }));
  await client.send(new CreateQueueCommand({ QueueName: 'live', Attributes: { RedrivePolicy } }));
});
afterEach(() => services.close());

async function quarantine(count: number): Promise<void> {
  for (let index = 0; index < count; index += 1) {
    const MessageAttributes = { reason: { DataType: 'String', StringValue: 'access-denied' } };
    await client.send(
      new SendMessageCommand({ QueueUrl: url('dlq'), MessageBody: `m${index}`, MessageAttributes }),
    );
  }
}

/**
 * Sends a message and receives it as a crashing function does, without deleting it. SQS then moves it to the
 * dead-letter queue.
 */
async function deadLetterBySqs(): Promise<void> {
  await client.send(new SendMessageCommand({ QueueUrl: url('live'), MessageBody: 'crash' }));
  const receive = new ReceiveMessageCommand({ QueueUrl: url('live'), VisibilityTimeout: 0 });
  await client.send(receive);
  await client.send(receive);
}

function start(input: Partial<StartMessageMoveTaskCommandInput> = {}, by = client) {
  return by.send(new StartMessageMoveTaskCommand({ SourceArn: arn('dlq'), ...input }));
}

async function lastTask(): Promise<ListMessageMoveTasksResultEntry | undefined> {
  const { Results } = await client.send(new ListMessageMoveTasksCommand({ SourceArn: arn('dlq') }));
  return Results?.[0];
}

async function finishedTask(): Promise<ListMessageMoveTasksResultEntry | undefined> {
  await vi.waitFor(async () => expect((await lastTask())?.Status).not.toMatch(/RUNNING|CANCELLING/), {
    timeout: 20_000,
  });
  return lastTask();
}

async function bodiesOf(name: string): Promise<(string | undefined)[]> {
  const answer = await client.send(
    new ReceiveMessageCommand({ QueueUrl: url(name), MaxNumberOfMessages: 10, VisibilityTimeout: 0 }),
  );
  return (answer.Messages ?? []).map(({ Body }) => Body);
}

test('a move task moves messages that were sent to the dead-letter queue to the named destination', async () => {
  await quarantine(3);
  const { TaskHandle } = await start({ DestinationArn: arn('live') });
  expect(TaskHandle).toEqual(expect.any(String));
  expect(await finishedTask()).toEqual({
    Status: 'COMPLETED',
    SourceArn: arn('dlq'),
    DestinationArn: arn('live'),
    ApproximateNumberOfMessagesMoved: 3,
    ApproximateNumberOfMessagesToMove: 3,
    StartedTimestamp: expect.any(Number),
  });
  expect(await bodiesOf('live')).toEqual(['m0', 'm1', 'm2']);
  expect(await bodiesOf('dlq')).toEqual([]);
});

test('a moved message is a new message with the old body and attributes', async () => {
  await deadLetterBySqs();
  const receive = (name: string) =>
    client.send(
      new ReceiveMessageCommand({
        QueueUrl: url(name),
        VisibilityTimeout: 0,
        MessageAttributeNames: ['All'],
        MessageSystemAttributeNames: ['All'],
      }),
    );
  const before = (await receive('dlq')).Messages?.[0];
  expect(before?.Attributes).toMatchObject({ DeadLetterQueueSourceArn: arn('live') });
  await start();
  expect(await finishedTask()).toMatchObject({ Status: 'COMPLETED', ApproximateNumberOfMessagesMoved: 1 });
  const after = (await receive('live')).Messages?.[0];
  expect(after?.Body).toBe('crash');
  expect(after?.MessageId).not.toBe(before?.MessageId);
  expect(after?.Attributes).toMatchObject({ ApproximateReceiveCount: '1' });
  expect(after?.Attributes).not.toHaveProperty('DeadLetterQueueSourceArn');
});

test('a move task without a destination fails at a message that was sent directly, and leaves the message', async () => {
  await quarantine(1);
  await start();
  expect(await finishedTask()).toMatchObject({
    Status: 'FAILED',
    FailureReason: 'CouldNotDetermineMessageSource',
    ApproximateNumberOfMessagesMoved: 0,
  });
  expect(await bodiesOf('dlq')).toEqual(['m0']);
});

test('a move task leaves messages in flight', async () => {
  await quarantine(2);
  await client.send(new ReceiveMessageCommand({ QueueUrl: url('dlq') }));
  await start({ DestinationArn: arn('live') });
  expect(await finishedTask()).toMatchObject({
    ApproximateNumberOfMessagesMoved: 1,
    ApproximateNumberOfMessagesToMove: 1,
  });
});

test('a move task can be slowed down and cancelled, and excludes a second one', async () => {
  await quarantine(5);
  const { TaskHandle } = await start({ DestinationArn: arn('live'), MaxNumberOfMessagesPerSecond: 1 });
  expect(await lastTask()).toMatchObject({ Status: 'RUNNING', TaskHandle, MaxNumberOfMessagesPerSecond: 1 });
  await expect(start({ DestinationArn: arn('live') })).rejects.toMatchObject({
    name: 'InvalidParameterValue',
    message: expect.stringContaining('There is already a task running.'),
  });
  const cancelled = await client.send(new CancelMessageMoveTaskCommand({ TaskHandle }));
  expect(cancelled.ApproximateNumberOfMessagesMoved).toBe(0);
  await vi.waitFor(async () => expect((await lastTask())?.Status).toBe('CANCELLED'), { timeout: 20_000 });
  expect(await lastTask()).not.toHaveProperty('TaskHandle');
  expect(await bodiesOf('dlq')).toHaveLength(5);
});

test('a move task fails if its destination is deleted', async () => {
  await quarantine(3);
  await start({ DestinationArn: arn('other'), MaxNumberOfMessagesPerSecond: 20 });
  await client.send(new DeleteQueueCommand({ QueueUrl: url('other') }));
  expect(await finishedTask()).toMatchObject({
    Status: 'FAILED',
    FailureReason: 'AWS.SimpleQueueService.NonExistentQueue',
  });
});

test('a move task needs a dead-letter queue as source, and both queues must exist', async () => {
  await expect(start({ SourceArn: arn('other') })).rejects.toMatchObject({
    name: 'InvalidParameterValue',
    message: 'Source queue must be configured as a Dead Letter Queue.',
  });
  await expect(start({ SourceArn: arn('none') })).rejects.toMatchObject({
    name: 'ResourceNotFoundException',
  });
  await expect(start({ DestinationArn: arn('none') })).rejects.toThrow('DestinationArn');
  await expect(start({ MaxNumberOfMessagesPerSecond: 501 })).rejects.toThrow('between 1 and 500');
  const cancel = new CancelMessageMoveTaskCommand({ TaskHandle: 'nonsense' });
  await expect(client.send(cancel)).rejects.toThrow('Value for parameter TaskHandle is invalid.');
});

test.each([
  'sqs:StartMessageMoveTask',
  'sqs:ReceiveMessage',
  'sqs:DeleteMessage',
  'sqs:GetQueueAttributes',
  'sqs:SendMessage',
])('a move task does not start without the permission %s', async (missing) => {
  const all = [
    'StartMessageMoveTask',
    'ReceiveMessage',
    'DeleteMessage',
    'GetQueueAttributes',
    'SendMessage',
  ];
  const allow = (actions: string[]) =>
    services.sqsClient(
      services.sessionOf('operator', [
        {
          Effect: 'Allow',
          Action: actions.map((action) => `sqs:${action}`),
          Resource: [arn('dlq'), arn('live')],
        },
      ]),
    );
  const without = allow(all.filter((action) => `sqs:${action}` !== missing));
  await expect(start({ DestinationArn: arn('live') }, without)).rejects.toMatchObject({
    name: 'AccessDenied',
  });
  await expect(start({ DestinationArn: arn('live') }, allow(all))).resolves.toBeDefined();
});
