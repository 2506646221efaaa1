/** Functions that send and receive messages for the behaviours of SQS, and the URLs of the SQS documents. */
import {
  ReceiveMessageCommand,
  type ReceiveMessageCommandInput,
  SendMessageCommand,
  type SendMessageCommandInput,
  type Message,
} from '@aws-sdk/client-sqs';
import type { Context, Queue } from './context.ts';
import { Difference } from './difference.ts';

export const api = (page: string): string =>
  `https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/${page}.html`;

export const guide = (page: string): string =>
  `https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/${page}.html`;

export const NEEDS = ['sqs'] as const;

export const PATIENCE_MS = 60_000;

export const send = (
  { sqs }: Context,
  { url }: Queue,
  body: string,
  more: Partial<SendMessageCommandInput> = {},
) => sqs.send(new SendMessageCommand({ QueueUrl: url, MessageBody: body, ...more }));

export const receive = async (
  { sqs }: Context,
  { url }: Queue,
  more: Partial<ReceiveMessageCommandInput> = {},
): Promise<Message[]> => {
  const command = new ReceiveMessageCommand({
    QueueUrl: url,
    WaitTimeSeconds: 2,
    MaxNumberOfMessages: 10,
    ...more,
  });
  return (await sqs.send(command)).Messages ?? [];
};

/**
 * Receives one message. Tries several times with long polling, because one receive may return no message
 * although the queue has some.
 */
export const receiveOne = async (
  context: Context,
  queue: Queue,
  more: Partial<ReceiveMessageCommandInput> = {},
): Promise<Message> => {
  const endMs = Date.now() + PATIENCE_MS;
  while (Date.now() < endMs) {
    const [message] = await receive(context, queue, { MaxNumberOfMessages: 1, ...more });
    if (message !== undefined) return message;
  }
  throw new Difference('messages received', 1, 0);
};

/** The SDK has two names for this error: it uses the query error code as the name if the response has one. */
export const INVALID_VALUE = ['400 InvalidParameterValue', '400 InvalidParameterValueException'];
