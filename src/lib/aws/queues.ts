/** The live queue and its dead-letter queue, as the replicate function uses them. */
import { ChangeMessageVisibilityCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import type { SQSRecord } from 'aws-lambda';
import { fromAttributes, toAttributes } from '../dead-letter.ts';
import type { DeadLetterQueue, LiveQueue, QueueMessage } from '../replicate.ts';
import { translateError } from './errors.ts';

export const createSqsClient = (): SQSClient =>
  new SQSClient({ requestHandler: { connectionTimeout: 3_000, requestTimeout: 10_000 } });

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
      throw translateError(error, 'ChangeMessageVisibility in the live queue');
    }
  },
});

export const createDeadLetterQueue = (client: SQSClient, queueUrl: string): DeadLetterQueue => ({
  async send(body, letter) {
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
      throw translateError(error, 'SendMessage to the dead-letter queue');
    }
  },
});

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
