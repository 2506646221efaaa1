/** The life of a message: visibility, delay, retention, and the move to a dead-letter queue. */
import {
  ChangeMessageVisibilityCommand,
  DeleteMessageCommand,
  PurgeQueueCommand,
  ReceiveMessageCommand,
} from '@aws-sdk/client-sqs';
import { expect, test } from 'vitest';
import { contentOf } from '../../src/sqs/message-content.ts';
import { accountId, region } from '../core-services.ts';
import { useQueues } from './queue-calls.ts';

const { client, services, queueUrl, createQueue, send, receive, invoke, wait, counts } = useQueues();

const arnOf = (url: string): string => `arn:aws:sqs:${region}:${accountId}:${url.split('/').at(-1)}`;

test('a message is received with its body and attributes, and is gone once deleted', async () => {
  const sent = await send({
    MessageBody: 'Grüße 🎉',
    MessageAttributes: {
      reason: { DataType: 'String', StringValue: 'access-denied' },
      attempts: { DataType: 'Number', StringValue: '3' },
      raw: { DataType: 'Binary', BinaryValue: new Uint8Array([0, 255, 7]) },
    },
  });
  const [message] = await receive({ MessageAttributeNames: ['All'], MessageSystemAttributeNames: ['All'] });
  expect(message).toMatchObject({
    MessageId: sent.MessageId,
    Body: 'Grüße 🎉',
    MD5OfMessageAttributes: sent.MD5OfMessageAttributes,
    MessageAttributes: {
      reason: { StringValue: 'access-denied' },
      raw: { BinaryValue: new Uint8Array([0, 255, 7]) },
    },
    Attributes: { ApproximateReceiveCount: '1', SenderId: accountId },
  });
  expect(await counts()).toEqual([0, 1, 0]);
  await client().send(
    new DeleteMessageCommand({ QueueUrl: queueUrl(), ReceiptHandle: message?.ReceiptHandle }),
  );
  expect(await counts()).toEqual([0, 0, 0]);
});

test('a received message is hidden until its visibility timeout ends, and the counts agree', async () => {
  await send();
  expect(await counts()).toEqual([1, 0, 0]);
  expect(await receive({ VisibilityTimeout: 60 })).toHaveLength(1);
  expect(await receive()).toHaveLength(0);
  wait(59);
  expect(await receive()).toHaveLength(0);
  wait(1);
  const [again] = await receive({ MessageSystemAttributeNames: ['ApproximateReceiveCount'] });
  expect(again?.Attributes).toEqual({ ApproximateReceiveCount: '2' });
});

test('the visibility of a message in flight can be changed, counting from now', async () => {
  await send();
  const [message] = await receive();
  const change = (seconds: number) =>
    client().send(
      new ChangeMessageVisibilityCommand({
        QueueUrl: queueUrl(),
        ReceiptHandle: message?.ReceiptHandle,
        VisibilityTimeout: seconds,
      }),
    );
  await change(100);
  wait(99);
  expect(await receive()).toHaveLength(0);
  await change(0);
  expect(await counts()).toEqual([1, 0, 0]);
  await expect(change(10)).rejects.toMatchObject({ name: 'MessageNotInflight' });
  expect(await receive()).toHaveLength(1);
  await expect(change(10)).rejects.toMatchObject({ name: 'MessageNotInflight' });
});

test('visibility cannot be extended beyond twelve hours, nor changed for a deleted message', async () => {
  await send();
  const [message] = await receive();
  const change = (seconds: number) =>
    client().send(
      new ChangeMessageVisibilityCommand({
        QueueUrl: queueUrl(),
        ReceiptHandle: message?.ReceiptHandle,
        VisibilityTimeout: seconds,
      }),
    );
  wait(10);
  await expect(change(43_200)).rejects.toThrow('beyond the limit [43200 seconds]');
  await client().send(
    new DeleteMessageCommand({ QueueUrl: queueUrl(), ReceiptHandle: message?.ReceiptHandle }),
  );
  await expect(change(1)).rejects.toMatchObject({
    name: 'InvalidParameterValue',
    message: expect.stringContaining('does not exist or is not available for visibility timeout change'),
  });
});

test('an older receipt handle deletes nothing, and the last one deletes even after its visibility timeout', async () => {
  await send();
  const [first] = await receive({ VisibilityTimeout: 0 });
  const [second] = await receive({ VisibilityTimeout: 0 });
  await client().send(
    new DeleteMessageCommand({ QueueUrl: queueUrl(), ReceiptHandle: first?.ReceiptHandle }),
  );
  expect(await counts()).toEqual([1, 0, 0]);
  await client().send(
    new DeleteMessageCommand({ QueueUrl: queueUrl(), ReceiptHandle: second?.ReceiptHandle }),
  );
  expect(await counts()).toEqual([0, 0, 0]);
});

test('a long poll ends when a message arrives or becomes visible, or when its time is over', async () => {
  const poll = () => invoke('ReceiveMessage', { WaitTimeSeconds: 20, VisibilityTimeout: 5 });
  const first = poll();
  await send();
  expect(await first).toMatchObject({ Messages: [{ Body: 'body' }] });
  const second = poll();
  services().clock.advance(6_000);
  expect(await second).toMatchObject({ Messages: [{ Body: 'body' }] });
  await createQueue();
  const inVain = poll();
  services().clock.advance(20_000);
  expect(await inVain).toEqual({});
});

test('a client that hangs up during a long poll takes no message with it', async () => {
  const abort = new AbortController();
  const command = new ReceiveMessageCommand({ QueueUrl: queueUrl(), WaitTimeSeconds: 20 });
  const waiting = client()
    .send(command, { abortSignal: abort.signal })
    .catch((error: Error) => error.name);
  await new Promise((resolve) => setTimeout(resolve, 30));
  abort.abort();
  expect(await waiting).toBe('AbortError');
  await new Promise((resolve) => setTimeout(resolve, 30));
  await send();
  expect(await counts()).toEqual([1, 0, 0]);
});

test('a delayed message is not visible before its delay ends', async () => {
  await send({ DelaySeconds: 30 });
  expect(await counts()).toEqual([0, 0, 1]);
  expect(await receive()).toHaveLength(0);
  wait(30);
  expect(await receive()).toHaveLength(1);
});

test('a message older than the retention period is deleted', async () => {
  await createQueue({ MessageRetentionPeriod: '60' });
  await send();
  wait(30);
  await send({ MessageBody: 'younger' });
  wait(31);
  expect(await counts()).toEqual([1, 0, 0]);
  expect((await receive()).map(({ Body }) => Body)).toEqual(['younger']);
});

test('a message received too often moves to the dead-letter queue and keeps the ARN of its source', async () => {
  const deadLetterUrl = queueUrl();
  await createQueue({
    RedrivePolicy: JSON.stringify({ deadLetterTargetArn: arnOf(deadLetterUrl), maxReceiveCount: 2 }),
  });
  const sent = await send({ MessageAttributes: { a: { DataType: 'String', StringValue: 'x' } } });
  expect(await receive({ VisibilityTimeout: 0 })).toHaveLength(1);
  expect(await receive({ VisibilityTimeout: 0 })).toHaveLength(1);
  expect(await receive({ VisibilityTimeout: 0 })).toHaveLength(0);
  expect(await counts()).toEqual([0, 0, 0]);
  const [dead] = await receive({
    QueueUrl: deadLetterUrl,
    MessageSystemAttributeNames: ['DeadLetterQueueSourceArn', 'ApproximateReceiveCount'],
    MessageAttributeNames: ['All'],
  });
  expect(dead).toMatchObject({
    MessageId: sent.MessageId,
    // Two receives from the original queue and one from the dead-letter queue. SQS does not reset the count
    // when it moves a message.
    Attributes: { DeadLetterQueueSourceArn: arnOf(queueUrl()), ApproximateReceiveCount: '3' },
    MessageAttributes: { a: { StringValue: 'x' } },
  });
});

test('a purge deletes all messages and is allowed once a minute', async () => {
  await send();
  await client().send(new PurgeQueueCommand({ QueueUrl: queueUrl() }));
  expect(await counts()).toEqual([0, 0, 0]);
  await expect(client().send(new PurgeQueueCommand({ QueueUrl: queueUrl() }))).rejects.toMatchObject({
    name: 'PurgeQueueInProgress',
  });
});

test('a short poll is OverLimit once 120,000 messages are in flight, and a long poll finds no message', async () => {
  // The messages are added directly to the store, because sending 120,001 of them would take half a minute.
  const messages = services().sqs.queues.byArn(arnOf(queueUrl()))?.messages;
  const message = { content: contentOf('x'), senderId: accountId, delayMs: 0 };
  for (let added = 0; added < 120_005; added += 1) messages?.add(message);
  messages?.take(119_999, 60_000, () => false);
  expect(await receive({ MaxNumberOfMessages: 10 })).toHaveLength(1);
  await expect(receive()).rejects.toMatchObject({ name: 'OverLimit' });
  expect(await receive({ WaitTimeSeconds: 1 })).toEqual([]);
});
