import { createHash, randomUUID } from 'node:crypto';
import type { Caller } from '../../src/core/access.ts';

interface Message {
  id: string;
  body: string;
  attributes: Record<string, { DataType: string; StringValue: string }>;
  visibleAtMs: number;
}

/** Creates a queue that implements only the parts of SQS that a poller uses. It checks no permissions. */
export const createFakeQueue = ({ visibilitySeconds = 30 } = {}) => {
  const messages = new Map<string, Message>();
  const callers: Caller[] = [];
  let failure: Error | null = null;

  const visible = (limit: number) =>
    [...messages.values()].filter((message) => message.visibleAtMs <= Date.now()).slice(0, limit);

  const receive = async (limit: number, waitSeconds: number, signal?: AbortSignal) => {
    const endMs = Date.now() + waitSeconds * 1000;
    while (visible(limit).length === 0 && Date.now() < endMs) {
      signal?.throwIfAborted();
      if (failure) throw failure;
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    const received = visible(limit);
    for (const message of received) message.visibleAtMs = Date.now() + visibilitySeconds * 1000;
    return received.map((message) => ({
      MessageId: message.id,
      ReceiptHandle: `handle-of-${message.id}`,
      Body: message.body,
      MD5OfBody: createHash('md5').update(message.body).digest('hex'),
      Attributes: { ApproximateReceiveCount: '1' },
      MessageAttributes: message.attributes,
    }));
  };

  return {
    /** Returns the ids of all messages in the queue, visible or not. */
    ids: () => [...messages.keys()],
    callers,
    failWith: (error: Error | null) => {
      failure = error;
    },
    send: (body: string, attributes: Message['attributes'] = {}) => {
      const id = randomUUID();
      messages.set(id, { id, body, attributes, visibleAtMs: 0 });
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
        const found = await receive(Number(input.MaxNumberOfMessages), Number(input.WaitTimeSeconds), signal);
        return found.length > 0 ? { Messages: found } : {};
      }
      const entries = input.Entries as { Id: string; ReceiptHandle: string }[];
      for (const entry of entries) messages.delete(entry.ReceiptHandle.replace('handle-of-', ''));
      return { Successful: entries.map(({ Id }) => ({ Id })), Failed: [] };
    },
  };
};
