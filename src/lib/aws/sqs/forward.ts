/** Sends on the messages that an operator's command gave to the replicate function. */
import { type MessageAttributeValue, SendMessageBatchCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type { ForwardedMessage, Forwarded, Forwarding } from '../../delivery/forwarding.ts';
import type { Origin } from '../../delivery/retry.ts';
import { mapConcurrently } from '../../model/concurrency.ts';
import { translateError } from '../errors.ts';
import { batchesOf, sendBatch } from './message-batches.ts';

const BATCHES_AT_ONCE = 16;

/** Sends the messages to a queue. `urls` gives the URL of each queue. */
export const forwardMessages = async (
  client: SQSClient,
  urls: Record<Origin, string>,
  { forward, messages }: Forwarding,
): Promise<Forwarded> => {
  const send = (batch: readonly ForwardedMessage[]) =>
    client.send(
      new SendMessageBatchCommand({
        QueueUrl: urls[forward],
        Entries: batch.map(({ body, attributes }, index) => ({
          Id: String(index),
          MessageBody: body,
          MessageAttributes: toMessageAttributes(attributes),
        })),
      }),
    );
  const positions = new Map(messages.map((message, position) => [message, position]));
  const forwarded: number[] = [];
  await mapConcurrently(batchesOf(messages, sizeOf), BATCHES_AT_ONCE, async (batch) => {
    const { confirmed } = await sendBatch(batch, send).catch((error: unknown) => {
      throw translateError(error, `SendMessageBatch to the ${forward} queue`);
    });
    for (const message of confirmed) forwarded.push(positions.get(message)!);
  });
  return { forwarded };
};

export const toMessageAttributes = (
  attributes: ForwardedMessage['attributes'],
): Record<string, MessageAttributeValue> =>
  Object.fromEntries(
    Object.entries(attributes).map(([name, value]) => [
      name,
      'text' in value
        ? { DataType: value.dataType, StringValue: value.text }
        : { DataType: value.dataType, BinaryValue: Buffer.from(value.base64, 'base64') },
    ]),
  );

/** Returns the size of a message in bytes. The names and types of its attributes count as well ("Amazon SQS message quotas"). */
export const sizeOf = ({ body, attributes }: ForwardedMessage): number =>
  Object.entries(attributes).reduce(
    (sum, [name, value]) =>
      sum +
      Buffer.byteLength(name) +
      Buffer.byteLength(value.dataType) +
      ('text' in value ? Buffer.byteLength(value.text) : value.base64.length),
    Buffer.byteLength(body),
  );
