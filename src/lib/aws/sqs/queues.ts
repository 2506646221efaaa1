/** The live queue and its dead-letter queue, as the replicate function uses them. */
import { ChangeMessageVisibilityCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import type { SQSRecord } from 'aws-lambda';
import { type DeadLetter, fromAttributes, toAttributes } from '../../delivery/dead-letter.ts';
import type { DeadLetterQueue, LiveQueue, QueueMessage } from '../../delivery/deps.ts';
import { CONTROL_CLIENT } from '../control-client.ts';
import { translateError } from '../errors.ts';

export const createSqsClient = (): SQSClient => new SQSClient(CONTROL_CLIENT);

export const createLiveQueue = (client: SQSClient, queueUrl: string): LiveQueue => ({
  async retryLater(message, delaySeconds) {
    try {
      await client.send(
        new ChangeMessageVisibilityCommand({
          QueueUrl: queueUrl,
          ReceiptHandle: message.receiptHandle,
          VisibilityTimeout: delaySeconds,
        }),
      );
    } catch (error) {
      if (isBack(error)) return;
      throw translateError(error, 'ChangeMessageVisibility in the live queue');
    }
  },
  send: (body, letter) => sendLetter(client, queueUrl, body, letter, 'SendMessage to the live queue'),
});

/**
 * The message is visible again already, or gone: after an answer that took too long, the SDK asks a second time. How SQS words
 * it: "Errors" of ChangeMessageVisibility in its API reference; `InvalidParameterValue` where the message is not there at all.
 */
const isBack = (error: unknown): boolean =>
  error instanceof Error &&
  ['MessageNotInflight', 'InvalidParameterValue', 'InvalidParameterValueException'].includes(error.name);

export const createDeadLetterQueue = (client: SQSClient, queueUrl: string): DeadLetterQueue => ({
  send: (body, letter) => sendLetter(client, queueUrl, body, letter, 'SendMessage to the dead-letter queue'),
});

const sendLetter = async (
  client: SQSClient,
  queueUrl: string,
  body: string,
  letter: DeadLetter,
  doing: string,
): Promise<void> => {
  const attributes = Object.entries(toAttributes(letter)).map(
    ([name, value]) => [name, { DataType: 'String', StringValue: value }] as const,
  );
  try {
    await client.send(
      new SendMessageCommand({
        QueueUrl: queueUrl,
        MessageBody: body,
        MessageAttributes: Object.fromEntries(attributes),
      }),
    );
  } catch (error) {
    throw translateError(error, doing);
  }
};

/** A record of Lambda's SQS event as the domain sees it. */
export const queueMessage = (record: SQSRecord): QueueMessage => ({
  messageId: record.messageId,
  receiptHandle: record.receiptHandle,
  body: record.body,
  receiveCount: Number(record.attributes.ApproximateReceiveCount) || 1,
  sentMs: Number(record.attributes.SentTimestamp) || 0,
  earlier: fromAttributes(
    Object.fromEntries(
      Object.entries(record.messageAttributes ?? {}).map(([name, value]) => [name, value.stringValue ?? '']),
    ),
  ),
});
