import { z } from 'zod';
import type { Sqs } from '../sqs/sqs.ts';
import type { EventSourceConfiguration } from './event-source-configuration.ts';
import type { LambdaFunction } from './lambda-function.ts';
import { receivedMessage, type ReceivedMessage } from './sqs-event.ts';

/** The actions of SQS with the members of its JSON protocol, authorised for the caller. */
export type QueueActions = Pick<Sqs, 'invoke' | 'queueUrl'>;

/** The queue of an event source mapping. All its calls are made as the function's role. */
export interface SourceQueue {
  /** Long-polls for a batch, and fills it up during the batching window. Empty when no message came. */
  gather(): Promise<ReceivedMessage[]>;
  remove(messages: ReceivedMessage[]): Promise<void>;
}

const LONG_POLL_SECONDS = 20;
/** Maximum number of messages that one call to SQS receives or deletes. */
const RECEIVE_LIMIT = 10;
/** Maximum size of a batch: an event may not be larger than an invocation's payload. */
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
