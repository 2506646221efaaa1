import { z } from 'zod';
import type { Sqs } from '../sqs/sqs.ts';
import type { EventSourceConfiguration } from './event-source-configuration.ts';
import type { LambdaFunction } from './lambda-function.ts';
import { receivedMessage, type ReceivedMessage } from './sqs-event.ts';

/** The operations of SQS, with the input and output of its JSON protocol. They check the permissions of the caller. */
export type QueueActions = Pick<Sqs, 'invoke' | 'queueUrl'>;

/** The queue of an event source mapping. All calls have the permissions of the function's role. */
export interface SourceQueue {
  /** Waits for messages with a long poll, and adds more during the batching window. Resolves to [] if no message arrives. */
  gather(): Promise<ReceivedMessage[]>;
  remove(messages: ReceivedMessage[]): Promise<void>;
}

const LONG_POLL_SECONDS = 20;
/** Maximum number of messages that one call to SQS receives or deletes. */
const RECEIVE_LIMIT = 10;
/** Maximum size of the event that contains a batch. It is the maximum payload of an invocation. */
const MAX_BATCH_BYTES = 6 * 1024 * 1024;

const receiveResult = z.object({ Messages: z.array(receivedMessage).default([]) });

export const createSourceQueue = (source: {
  configuration: EventSourceConfiguration;
  queues: QueueActions;
  target: LambdaFunction;
  signal: AbortSignal;
}): SourceQueue => {
  const { configuration, queues, target, signal } = source;
  const queueUrl = queues.queueUrl(configuration.queueArn);
  const { region } = target.configuration();

  const receive = async (limit: number, waitSeconds: number): Promise<ReceivedMessage[]> => {
    const input = {
      QueueUrl: queueUrl,
      MaxNumberOfMessages: Math.min(limit, RECEIVE_LIMIT),
      WaitTimeSeconds: waitSeconds,
      MessageSystemAttributeNames: ['All'],
      MessageAttributeNames: ['All'],
    };
    const answer = await queues.invoke(target.roleCaller(), 'ReceiveMessage', input, { region, signal });
    return receiveResult.parse(answer).Messages;
  };
  return {
    gather: async () => {
      const batch = await receive(configuration.batchSize, LONG_POLL_SECONDS);
      const endMs = Date.now() + configuration.batchingWindowMs;
      for (;;) {
        const leftMs = endMs - Date.now();
        const missing = configuration.batchSize - batch.length;
        if (batch.length === 0 || missing === 0 || leftMs <= 0 || signal.aborted || isLarge(batch))
          return batch;
        batch.push(...(await receive(missing, Math.min(Math.ceil(leftMs / 1000), LONG_POLL_SECONDS))));
      }
    },
    remove: async (messages) => {
      for (let start = 0; start < messages.length; start += RECEIVE_LIMIT) {
        const entries = messages.slice(start, start + RECEIVE_LIMIT);
        const input = {
          QueueUrl: queueUrl,
          Entries: entries.map((message, index) => ({
            Id: String(index),
            ReceiptHandle: message.ReceiptHandle,
          })),
        };
        await queues.invoke(target.roleCaller(), 'DeleteMessageBatch', input, { region });
      }
    },
  };
};

const isLarge = (batch: ReceivedMessage[]): boolean =>
  batch.reduce((sum, message) => sum + Buffer.byteLength(message.Body), 0) > MAX_BATCH_BYTES / 2;
