import type { Message, MessageAttributeValue } from '@aws-sdk/client-sqs';
import type { MessageAttributes, ReceivedMessage } from '../../dead-letters/queue.ts';

/** What ReceiveMessage gives, in the words of the domain. */
export const fromMessage = (message: Message): ReceivedMessage => ({
  id: message.MessageId ?? '',
  receiptHandle: message.ReceiptHandle ?? '',
  body: message.Body ?? '',
  attributes: fromMessageAttributes(message.MessageAttributes ?? {}),
  sentMs: Number(message.Attributes?.SentTimestamp ?? 0),
  movedBySqs: message.Attributes?.DeadLetterQueueSourceArn !== undefined,
});

/** Attributes as SendMessage takes them: exactly those that were received. */
export const toMessageAttributes = (attributes: MessageAttributes): Record<string, MessageAttributeValue> =>
  Object.fromEntries(
    Object.entries(attributes).map(([name, value]) => [
      name,
      'text' in value
        ? { DataType: value.dataType, StringValue: value.text }
        : { DataType: value.dataType, BinaryValue: value.bytes },
    ]),
  );

const fromMessageAttributes = (attributes: Record<string, MessageAttributeValue>): MessageAttributes =>
  Object.fromEntries(
    Object.entries(attributes).map(([name, value]) => {
      const dataType = value.DataType ?? 'String';
      return value.BinaryValue === undefined
        ? [name, { dataType, text: value.StringValue ?? '' }]
        : [name, { dataType, bytes: value.BinaryValue }];
    }),
  );
