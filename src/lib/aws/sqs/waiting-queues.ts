/** The waiting queues. Only the schedule and an operator's command receive from them. */
import {
  DeleteMessageBatchCommand,
  GetQueueAttributesCommand,
  type Message,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import type { QueueMessage, WaitingMessage, WaitingQueues } from '../../delivery/deps.ts';
import { type Origin, ORIGINS } from '../../delivery/retry.ts';
import type { TextAttributes } from '../../delivery/text-attributes.ts';
import { type RuleDestination, waitingQueueSuffix } from '../../model/rule.ts';
import { translateError } from '../errors.ts';
import { toMessageAttributes } from './forward.ts';
import { batchesOf, sendBatch } from './message-batches.ts';
import { toQueueMessage } from './queues.ts';

/**
 * How long a received message stays hidden. If the function dies, the message becomes visible again after this time. The schedule
 * fires every minute. With the shorter time, the schedule finds all messages again that the function left hidden.
 */
const HIDDEN_SECONDS = 30;

/**
 * Returns a function that builds the URL of a waiting queue. All waiting queues are in the same account and region as `queueUrl`.
 * `prefix` is the beginning of their names.
 */
export const waitingUrlOf =
  (queueUrl: string, prefix: string) =>
  ({ rule, destination }: { rule: { id: string }; destination: { id: string } }): string =>
    queueUrl.slice(0, queueUrl.lastIndexOf('/') + 1) + prefix + waitingQueueSuffix(rule, destination);

/** Sends waiting messages to the queue that they came from. Resolves to those that SQS has accepted. */
export type SendBack = (origin: Origin, messages: readonly WaitingMessage[]) => Promise<WaitingMessage[]>;

/** Sends with the permissions of a function. `urls` gives the URL of each queue. */
export const sendingBack =
  (client: SQSClient, urls: Record<Origin, string>): SendBack =>
  async (origin, messages) => {
    const accepted: WaitingMessage[] = [];
    for (const batch of batchesOf(messages, ({ body }) => Buffer.byteLength(body) + ATTRIBUTE_BYTES)) {
      const send = (rest: readonly WaitingMessage[]) => client.send(sendCommand(urls[origin], rest));
      const { confirmed } = await asked('SendMessageBatch', sendBatch(batch, send));
      accepted.push(...confirmed);
    }
    return accepted;
  };

export const createWaitingQueues = (
  client: SQSClient,
  { liveUrl, sendBack }: { liveUrl: string; sendBack: SendBack },
  waitingUrl: (where: RuleDestination) => string,
): WaitingQueues => {
  const remove = async (where: RuleDestination, messages: readonly QueueMessage[]): Promise<void> => {
    if (messages.length === 0) return;
    const command = (batch: readonly QueueMessage[]) =>
      new DeleteMessageBatchCommand({
        QueueUrl: waitingUrl(where),
        Entries: batch.map(({ receiptHandle }, index) => ({
          Id: String(index),
          ReceiptHandle: receiptHandle,
        })),
      });
    // A message that is not removed is received again, which costs one more look at its key.
    await asked(
      'DeleteMessageBatch',
      sendBatch(messages, (batch) => client.send(command(batch))),
    );
  };
  return {
    remove,
    async receive(where, limit) {
      const command = new ReceiveMessageCommand({
        QueueUrl: waitingUrl(where),
        MaxNumberOfMessages: limit,
        VisibilityTimeout: HIDDEN_SECONDS,
        // With a wait, SQS asks all its servers. Without it, an empty response does not mean that the queue is empty.
        WaitTimeSeconds: 1,
        MessageAttributeNames: ['All'],
        MessageSystemAttributeNames: ['SentTimestamp'],
      });
      const { Messages: messages = [] } = await asked('ReceiveMessage', client.send(command));
      return messages.map(waitingMessage);
    },
    async liveMessages() {
      const command = new GetQueueAttributesCommand({
        QueueUrl: liveUrl,
        AttributeNames: ['ApproximateNumberOfMessages'],
      });
      const { Attributes: attributes } = await asked('GetQueueAttributes', client.send(command));
      return Number(attributes?.ApproximateNumberOfMessages ?? 0);
    },
    async letBack(where, messages) {
      let count = 0;
      for (const origin of ORIGINS) {
        const ours = messages.filter((message) => message.origin === origin);
        if (ours.length === 0) continue;
        const accepted = await sendBack(origin, ours);
        await remove(where, accepted);
        count += accepted.length;
      }
      return count;
    },
  };
};

/** Maximum bytes of the attributes of a message. */
const ATTRIBUTE_BYTES = 8_192;

const sendCommand = (queueUrl: string, messages: readonly WaitingMessage[]): SendMessageBatchCommand =>
  new SendMessageBatchCommand({
    QueueUrl: queueUrl,
    Entries: messages.map(({ body, attributes }, index) => ({
      Id: String(index),
      MessageBody: body,
      MessageAttributes: toMessageAttributes(attributes),
    })),
  });

const waitingMessage = (message: Message): WaitingMessage => {
  const attributes: TextAttributes = Object.fromEntries(
    Object.entries(message.MessageAttributes ?? {}).map(
      ([name, { DataType: dataType = '', StringValue: text = '' }]) => [name, { dataType, text }],
    ),
  );
  const fields = {
    messageId: message.MessageId ?? '',
    receiptHandle: message.ReceiptHandle ?? '',
    body: message.Body ?? '',
    // A receive that only moves the message does not count as an attempt.
    receiveCount: 1,
    sentMs: Number(message.Attributes?.SentTimestamp) || 0,
  };
  return { ...toQueueMessage(fields, null, attributes), attributes };
};

const asked = async <Answer>(operation: string, answer: Promise<Answer>): Promise<Answer> => {
  try {
    return await answer;
  } catch (error) {
    throw translateError(error, `${operation} with a waiting queue`);
  }
};
