import { z } from 'zod';
import type { Clock } from '../core/clock.ts';
import type { Sqs } from '../sqs/sqs.ts';
import type { EventSourceConfiguration } from './event-source-configuration.ts';
import type { LambdaFunction } from './lambda-function.ts';
import { receivedMessage, toSqsEvent, type ReceivedMessage } from './sqs-event.ts';

/** Performs operations of SQS, with the input and output of its JSON protocol, if the caller has the permissions. */
export type QueueActions = Pick<Sqs, 'invoke' | 'queueUrl'>;

/** The messages of one invocation. `receivedAtMs` is the time at which the first of them was received, by the clock of the local AWS. */
export interface Batch {
  messages: ReceivedMessage[];
  receivedAtMs: number;
}

/** The queue of an event source mapping. The function's role makes all calls. */
export interface SourceQueue {
  /** Waits for messages with a long poll, and adds more during the batching window. Resolves to an empty batch if no message arrives. */
  gather(): Promise<Batch>;
  remove(messages: ReceivedMessage[]): Promise<void>;
  visibilityTimeoutMs(): Promise<number>;
}

const LONG_POLL_SECONDS = 20;
/** Maximum number of messages that one call to SQS receives or deletes. */
const RECEIVE_LIMIT = 10;
/** Maximum size of the event that contains a batch. It is the maximum payload of an invocation. */
const MAX_EVENT_BYTES = 6 * 1024 * 1024;

const receiveResult = z.object({ Messages: z.array(receivedMessage).default([]) });
const attributesResult = z.object({ Attributes: z.object({ VisibilityTimeout: z.coerce.number() }) });

export const createSourceQueue = (source: {
  configuration: EventSourceConfiguration;
  queues: QueueActions;
  clock: Clock;
  target: LambdaFunction;
  signal: AbortSignal;
}): SourceQueue => {
  const { configuration, queues, clock, target, signal } = source;
  const { queueArn, batchSize, batchingWindowMs } = configuration;
  const call = (action: string, input: object, options?: { signal: AbortSignal }): Promise<unknown> => {
    const { region } = target.configuration();
    const named = { QueueUrl: queues.queueUrl(queueArn), ...input };
    return queues.invoke(target.roleCaller(), action, named, { region, ...options });
  };
  const receive = async (limit: number, waitSeconds: number): Promise<ReceivedMessage[]> => {
    const input = {
      MaxNumberOfMessages: Math.min(limit, RECEIVE_LIMIT),
      WaitTimeSeconds: waitSeconds,
      MessageSystemAttributeNames: ['All'],
      MessageAttributeNames: ['All'],
    };
    return receiveResult.parse(await call('ReceiveMessage', input, { signal })).Messages;
  };
  /** Messages that were received but did not fit into the last event. The next batch begins with them. */
  let left: Batch = { messages: [], receivedAtMs: 0 };
  const begin = async (): Promise<Batch> => {
    if (left.messages.length > 0) return left;
    return { messages: await receive(batchSize, LONG_POLL_SECONDS), receivedAtMs: clock.now() };
  };
  return {
    gather: async () => {
      const { messages, receivedAtMs } = await begin();
      const endMs = clock.now() + batchingWindowMs;
      let sizeBytes = eventBytes(messages, queueArn);
      const isComplete = (): boolean =>
        messages.length === 0 || messages.length === batchSize || sizeBytes > MAX_EVENT_BYTES;
      while (!isComplete() && clock.now() < endMs && !signal.aborted) {
        const leftSeconds = Math.ceil((endMs - clock.now()) / 1000);
        const more = await receive(batchSize - messages.length, Math.min(leftSeconds, LONG_POLL_SECONDS));
        sizeBytes += eventBytes(more, queueArn);
        messages.push(...more);
      }
      const fitting = countFitting(messages, queueArn);
      left = { messages: messages.slice(fitting), receivedAtMs };
      return { messages: messages.slice(0, fitting), receivedAtMs };
    },
    remove: async (messages) => {
      for (let start = 0; start < messages.length; start += RECEIVE_LIMIT) {
        const entries = messages.slice(start, start + RECEIVE_LIMIT);
        const Entries = entries.map(({ ReceiptHandle }, index) => ({ Id: String(index), ReceiptHandle }));
        await call('DeleteMessageBatch', { Entries });
      }
    },
    visibilityTimeoutMs: async () => {
      const answer = await call('GetQueueAttributes', { AttributeNames: ['VisibilityTimeout'] });
      return attributesResult.parse(answer).Attributes.VisibilityTimeout * 1000;
    },
  };
};

/** Returns the size of the event that contains the messages. */
const eventBytes = (messages: ReceivedMessage[], queueArn: string): number =>
  Buffer.byteLength(JSON.stringify(toSqsEvent(messages, queueArn)));

/** Returns how many messages, from the first on, fit into one event. A single message always fits. */
const countFitting = (messages: ReceivedMessage[], queueArn: string): number => {
  let fitting = messages.length;
  while (eventBytes(messages.slice(0, fitting), queueArn) > MAX_EVENT_BYTES) fitting -= 1;
  return fitting;
};
