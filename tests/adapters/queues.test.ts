/** Queues through the SDK, against the local SQS. */
import {
  CreateQueueCommand,
  DeleteMessageCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { clientConfig, type LocalAws, startLocalAws } from '@s3-replicator/local-aws';
import { createLiveQueue, queueMessage } from '../../src/lib/aws/sqs/queues.ts';
import { createTransferQueue } from '../../src/lib/aws/sqs/queues.ts';
import type { QueueMessage } from '../../src/lib/delivery/deps.ts';
import type { PartRangeMessage } from '../../src/lib/copy/transfer/transfer.ts';

let aws: LocalAws;
let client: SQSClient;
let queueUrl: string;
beforeAll(async () => {
  aws = await startLocalAws();
  client = new SQSClient(clientConfig(aws, aws.root('111111111111'), { tls: false }));
  queueUrl = (await client.send(new CreateQueueCommand({ QueueName: 'live' }))).QueueUrl ?? '';
});
afterAll(async () => {
  client.destroy();
  await aws.stop();
});

const received = async (): Promise<QueueMessage> => {
  await client.send(new SendMessageCommand({ QueueUrl: queueUrl, MessageBody: 'hint' }));
  const { Messages } = await client.send(
    new ReceiveMessageCommand({ QueueUrl: queueUrl, WaitTimeSeconds: 5, VisibilityTimeout: 60 }),
  );
  const { Body, ReceiptHandle, MessageId } = Messages?.[0] ?? {};
  return queueMessage({
    messageId: MessageId ?? '',
    receiptHandle: ReceiptHandle ?? '',
    body: Body ?? '',
    attributes: {
      ApproximateReceiveCount: '1',
      SentTimestamp: '0',
      SenderId: '',
      ApproximateFirstReceiveTimestamp: '0',
    },
    messageAttributes: {},
    md5OfBody: '',
    eventSource: 'aws:sqs',
    eventSourceARN: '',
    awsRegion: '',
  });
};

describe('returning a message', () => {
  const retryLater = async (message: QueueMessage): Promise<void> => {
    await createLiveQueue(client, queueUrl).retryLater(message, 1);
  };

  // If the response to a first request takes too long, the SDK sends the request again. By then the message
  // may already be visible.
  test('returning a message that is visible again already succeeds', async () => {
    const message = await received();
    await retryLater(message);
    aws.clock.advance(2_000);
    await expect(retryLater(message)).resolves.toBeUndefined();
  });

  test('returning a message that is gone succeeds', async () => {
    const message = await received();
    await client.send(new DeleteMessageCommand({ QueueUrl: queueUrl, ReceiptHandle: message.receiptHandle }));
    await expect(retryLater(message)).resolves.toBeUndefined();
  });

  test('returning a message with an invalid receipt handle fails as invalid-request', async () => {
    const message = { ...(await received()), receiptHandle: 'nonsense' };
    await expect(retryLater(message)).rejects.toMatchObject({ reason: 'invalid-request' });
  });
});

describe('the transfer queue', () => {
  test('the transfer queue takes thousands of part ranges at once, each in a message of its own', async () => {
    const { QueueUrl = '' } = await client.send(new CreateQueueCommand({ QueueName: 'transfers' }));
    const queue = createTransferQueue(client, QueueUrl);
    const range = (index: number): PartRangeMessage => ({
      id: 'replica/k',
      uploadId: 'u',
      attempt: 1,
      chain: { hops: 1, fruitless: 0, version: 'v' },
      rule: 'rule',
      destination: 'replica',
      bucket: 'source',
      key: 'ü 🙂 \u0000',
      run: null,
      firstPart: index * 5 + 1,
      lastPart: index * 5 + 5,
    });
    const sent = Array.from({ length: 2_000 }, (_, index) => range(index));
    await queue.send(sent);
    expect(await queue.waiting()).toBe(2_000);
    const ask = { QueueUrl, MaxNumberOfMessages: 10, VisibilityTimeout: 60 };
    const { Messages = [] } = await client.send(new ReceiveMessageCommand(ask));
    for (const { Body = '' } of Messages) {
      expect(Body).toMatch(/^[\x20-\x7e]+$/);
      expect(sent.map((message) => ({ v: 1, ...message }))).toContainEqual(JSON.parse(Body));
    }
    expect(await queue.waiting()).toBe(2_000);
  });
});
