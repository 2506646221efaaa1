import { createHash, randomUUID } from 'node:crypto';
import type { Caller } from '../../src/core/access.ts';

interface Message {
  id: string;
  body: string;
  attributes: Record<string, { DataType: string; StringValue: string }>;
  visibleAtMs: number;
  receiveCount: number;
}

/** Creates a queue that implements only what a poller needs of SQS. It checks no permissions. */
export const createFakeQueue = ({ visibilitySeconds = 30, now = Date.now } = {}) => {
  const messages = new Map<string, Message>();
  const callers: Caller[] = [];
  let failure: Error | null = null;

  const visible = (limit: number) =>
    [...messages.values()].filter((message) => message.visibleAtMs <= now()).slice(0, limit);

  const receive = async (limit: number, waitSeconds: number, signal?: AbortSignal) => {
    const endMs = now() + waitSeconds * 1000;
    while (visible(limit).length === 0 && now() < endMs) {
      signal?.throwIfAborted();
      if (failure) throw failure;
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    signal?.throwIfAborted();
    const received = visible(limit);
    for (const message of received) {
      message.visibleAtMs = now() + visibilitySeconds * 1000;
      message.receiveCount += 1;
    }
    return received.map(answerOf);
  };

  return {
    /** Returns the ids of all messages in the queue, visible or not. */
    ids: () => [...messages.keys()],
    /** Returns how often each message was received. */
    receiveCounts: () => [...messages.values()].map((message) => message.receiveCount),
    callers,
    failWith: (error: Error | null) => {
      failure = error;
    },
    send: (body: string, attributes: Message['attributes'] = {}) => {
      const id = randomUUID();
      messages.set(id, { id, body, attributes, visibleAtMs: 0, receiveCount: 0 });
      return id;
    },
    queueUrl: (queueArn: string) => `https://sqs.test/${queueArn.split(':').at(-1)}`,
    invoke: async (
      caller: Caller,
      action: string,
      input: Record<string, unknown>,
      { signal }: { signal?: AbortSignal },
    ): Promise<Record<string, unknown>> => {
      callers.push(caller);
      if (failure) throw failure;
      if (action === 'GetQueueAttributes')
        return { Attributes: { VisibilityTimeout: String(visibilitySeconds) } };
      if (action === 'ReceiveMessage') {
        return {
          Messages: await receive(Number(input.MaxNumberOfMessages), Number(input.WaitTimeSeconds), signal),
        };
      }
      const entries = input.Entries as { Id: string; ReceiptHandle: string }[];
      for (const entry of entries) messages.delete(entry.ReceiptHandle.replace('handle-of-', ''));
      return { Successful: entries.map(({ Id }) => ({ Id })), Failed: [] };
    },
  };
};

const answerOf = ({ id, body, attributes, receiveCount }: Message): Record<string, unknown> => ({
  MessageId: id,
  ReceiptHandle: `handle-of-${id}`,
  Body: body,
  MD5OfBody: createHash('md5').update(body).digest('hex'),
  Attributes: { ApproximateReceiveCount: String(receiveCount) },
  MessageAttributes: attributes,
});
