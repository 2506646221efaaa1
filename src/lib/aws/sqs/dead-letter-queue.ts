/** Gives an operator's commands access to the dead-letter queue of a deployment. */
import {
  ChangeMessageVisibilityBatchCommand,
  DeleteMessageBatchCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  type Message,
  type MessageAttributeValue,
  ReceiveMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { returnsTo } from '../../dead-letters/dead-message.ts';
import {
  forwardable,
  type Held,
  type MessageAttributes,
  type OperatorQueue,
  type ReceivedMessage,
} from '../../dead-letters/queue.ts';
import { mapConcurrently } from '../../model/concurrency.ts';
import { toQueueError } from '../errors.ts';
import { createForgetter, createForwarder, type Forward } from '../forwarder.ts';
import { batchesOf, sendBatch } from './message-batches.ts';

/** Looks up the queue by name. Credentials and endpoint come from the environment, as for every AWS tool. */
export const openDeadLetterQueue = async (names: {
  deadLetterQueue: string;
  liveQueue: string;
  replicateFunction: string;
  region: string;
}): Promise<OperatorQueue> => {
  const { region } = names;
  const client = new SQSClient({ region });
  const dead = await findQueue({ client, region, name: names.deadLetterQueue });
  const forward = createForwarder(names.replicateFunction, region);
  return {
    name: dead.name,
    liveName: names.liveQueue,
    region,
    state: () => queueState(dead),
    receive: (request) => receive(dead, request),
    async changeVisibility(messages, seconds) {
      // Failed entries are ignored. An entry fails when its message has become visible again or has been deleted, and then nothing needs to
      // change.
      await changeVisibility(dead, messages, seconds);
    },
    sendBack: (messages) => sendBack(forward, messages),
    forget: createForgetter(names.replicateFunction, region),
    remove: (messages) => remove(dead, messages),
  };
};

interface Queue {
  client: SQSClient;
  region: string;
  name: string;
  url: string;
}

const findQueue = async (place: Pick<Queue, 'client' | 'region' | 'name'>): Promise<Queue> => {
  const { client, name } = place;
  const { QueueUrl: url = '' } = await askQueue(place, 'sqs:GetQueueUrl', () =>
    client.send(new GetQueueUrlCommand({ QueueName: name })),
  );
  return { ...place, url };
};

/** Makes a call to SQS that concerns one queue. `action` is the IAM action that the call needs. Throws {@link QueueError}. */
const askQueue = async <Answer>(
  { name, region }: Pick<Queue, 'name' | 'region'>,
  action: string,
  call: () => Promise<Answer>,
): Promise<Answer> => {
  try {
    return await call();
  } catch (error) {
    throw toQueueError(error, { action, resource: `queue ${name}`, region });
  }
};

const queueAttributes = async (queue: Queue): Promise<Record<string, string>> => {
  const answer = await askQueue(queue, 'sqs:GetQueueAttributes', () =>
    queue.client.send(new GetQueueAttributesCommand({ QueueUrl: queue.url, AttributeNames: ['All'] })),
  );
  return answer.Attributes ?? {};
};

const queueState = async (queue: Queue): ReturnType<OperatorQueue['state']> => {
  const attributes = await queueAttributes(queue);
  return {
    visible: Number(attributes['ApproximateNumberOfMessages'] ?? 0),
    inFlight: Number(attributes['ApproximateNumberOfMessagesNotVisible'] ?? 0),
    delayed: Number(attributes['ApproximateNumberOfMessagesDelayed'] ?? 0),
    retentionMs: Number(attributes['MessageRetentionPeriod'] ?? 0) * 1000,
  };
};

const receive = async (
  queue: Queue,
  { visibilityTimeoutSeconds, waitSeconds }: Parameters<OperatorQueue['receive']>[0],
): Promise<ReceivedMessage[]> => {
  const command = new ReceiveMessageCommand({
    QueueUrl: queue.url,
    MaxNumberOfMessages: 10,
    VisibilityTimeout: visibilityTimeoutSeconds,
    WaitTimeSeconds: waitSeconds,
    MessageAttributeNames: ['All'],
    MessageSystemAttributeNames: ['SentTimestamp', 'DeadLetterQueueSourceArn'],
  });
  const answer = await askQueue(queue, 'sqs:ReceiveMessage', () => queue.client.send(command));
  return (answer.Messages ?? []).map(fromMessage);
};

const fromMessage = (message: Message): ReceivedMessage => ({
  id: message.MessageId ?? '',
  receiptHandle: message.ReceiptHandle ?? '',
  body: message.Body ?? '',
  attributes: fromMessageAttributes(message.MessageAttributes ?? {}),
  sentMs: Number(message.Attributes?.SentTimestamp ?? 0),
  movedBySqs: message.Attributes?.DeadLetterQueueSourceArn !== undefined,
});

const fromMessageAttributes = (attributes: Record<string, MessageAttributeValue>): MessageAttributes =>
  Object.fromEntries(
    Object.entries(attributes).map(([name, value]) => {
      const dataType = value.DataType ?? 'String';
      return value.BinaryValue === undefined
        ? [name, { dataType, text: value.StringValue ?? '' }]
        : [name, { dataType, bytes: value.BinaryValue }];
    }),
  );

const changeVisibility = (queue: Queue, messages: readonly Held[], seconds: number): Promise<Held[]> =>
  inBatches(messages, (batch) => {
    const Entries = batch.map(({ receiptHandle }, index) => ({
      Id: String(index),
      ReceiptHandle: receiptHandle,
      VisibilityTimeout: seconds,
    }));
    const command = new ChangeMessageVisibilityBatchCommand({ QueueUrl: queue.url, Entries });
    return askQueue(queue, 'sqs:ChangeMessageVisibility', () => queue.client.send(command));
  });

/**
 * Sends messages back. The messages of runs return to their own queue, the others to the live queue. The attributes are sent
 * unchanged.
 */
const sendBack = async (
  forward: Forward,
  messages: readonly ReceivedMessage[],
): Promise<ReceivedMessage[]> => {
  const accepted: ReceivedMessage[] = [];
  for (const [queue, group] of Map.groupBy(messages, returnsTo)) {
    const wires = group.map((message) => ({ ...forwardable(message), message }));
    accepted.push(...(await forward(queue, wires)).map(({ message }) => message));
  }
  return accepted;
};

const remove = (queue: Queue, messages: readonly Held[]): Promise<Held[]> =>
  inBatches(messages, (batch) => {
    const Entries = batch.map(({ receiptHandle }, index) => ({
      Id: String(index),
      ReceiptHandle: receiptHandle,
    }));
    const command = new DeleteMessageBatchCommand({ QueueUrl: queue.url, Entries });
    return askQueue(queue, 'sqs:DeleteMessage', () => queue.client.send(command));
  });

const OPERATOR_BATCHES_AT_ONCE = 4;

/** Returns the messages that SQS has confirmed. If a batch fails, the other batches are still sent before the first failure is thrown. */
const inBatches = async (
  messages: readonly Held[],
  sendOnce: Parameters<typeof sendBatch<Held>>[1],
): Promise<Held[]> => {
  const failures: unknown[] = [];
  const done = await mapConcurrently(
    batchesOf(messages, () => 0),
    OPERATOR_BATCHES_AT_ONCE,
    (batch) =>
      sendBatch(batch, sendOnce).catch((error: unknown) => {
        failures.push(error);
        return { confirmed: [] };
      }),
  );
  if (failures.length > 0) throw failures[0];
  return done.flatMap(({ confirmed }) => confirmed);
};
