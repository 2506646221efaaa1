/** Gives an operator's commands access to the dead-letter queue and the live queue of a deployment. */
import {
  ChangeMessageVisibilityBatchCommand,
  DeleteMessageBatchCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  ListMessageMoveTasksCommand,
  type ListMessageMoveTasksResultEntry,
  type Message,
  type MessageAttributeValue,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SQSClient,
  StartMessageMoveTaskCommand,
} from '@aws-sdk/client-sqs';
import type {
  OperatorQueue,
  MessageAttributes,
  MoveTask,
  ReceivedMessage,
} from '../../dead-letters/queue.ts';
import { mapConcurrently } from '../../model/concurrency.ts';
import { toQueueError } from '../errors.ts';
import { batchesOf, sendBatch } from './message-batches.ts';

/** Looks up both queues of a deployment by name. Credentials and endpoint come from the environment, as for every AWS tool. */
export const openDeadLetterQueue = async (names: {
  deadLetterQueue: string;
  liveQueue: string;
  region: string;
}): Promise<OperatorQueue> => {
  const { region } = names;
  const client = new SQSClient({ region });
  const live = await findQueue({ client, region, name: names.liveQueue });
  const dead = await findQueue({ client, region, name: names.deadLetterQueue });
  return {
    name: dead.name,
    liveName: live.name,
    arn: dead.arn,
    region,
    state: () => queueState(dead),
    receive: (request) => receive(dead, request),
    async changeVisibility(messages, seconds) {
      // Failed entries are ignored. An entry fails when its message has become visible again or has been deleted, and then nothing needs to
      // change.
      await changeVisibility(dead, messages, seconds);
    },
    sendToLive: (messages) => send(live, messages),
    remove: (messages) => remove(dead, messages),
    moveTasks: () => moveTasks(dead),
    startMove: (maxPerSecond) => startMove(dead, live, maxPerSecond),
  };
};

interface Queue {
  client: SQSClient;
  region: string;
  name: string;
  url: string;
  arn: string;
}

const findQueue = async (place: Pick<Queue, 'client' | 'region' | 'name'>): Promise<Queue> => {
  const { client, name } = place;
  const { QueueUrl: url = '' } = await askQueue(place, 'sqs:GetQueueUrl', () =>
    client.send(new GetQueueUrlCommand({ QueueName: name })),
  );
  const attributes = await queueAttributes({ ...place, url });
  return { ...place, url, arn: attributes['QueueArn'] ?? '' };
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
    throw toQueueError(error, { action, queueName: name, region });
  }
};

const queueAttributes = async (queue: Omit<Queue, 'arn'>): Promise<Record<string, string>> => {
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

const changeVisibility = (
  queue: Queue,
  messages: readonly ReceivedMessage[],
  seconds: number,
): Promise<ReceivedMessage[]> =>
  inBatches(messages, (batch) => {
    const Entries = batch.map(({ receiptHandle }, index) => ({
      Id: String(index),
      ReceiptHandle: receiptHandle,
      VisibilityTimeout: seconds,
    }));
    const command = new ChangeMessageVisibilityBatchCommand({ QueueUrl: queue.url, Entries });
    return askQueue(queue, 'sqs:ChangeMessageVisibility', () => queue.client.send(command));
  });

const send = (queue: Queue, messages: readonly ReceivedMessage[]): Promise<ReceivedMessage[]> =>
  inBatches(messages, (batch) => {
    const Entries = batch.map(({ body, attributes }, index) => ({
      Id: String(index),
      MessageBody: body,
      MessageAttributes: toMessageAttributes(attributes),
    }));
    const command = new SendMessageBatchCommand({ QueueUrl: queue.url, Entries });
    return askQueue(queue, 'sqs:SendMessage', () => queue.client.send(command));
  });

/** Converts received attributes unchanged to the form that SendMessage accepts. */
const toMessageAttributes = (attributes: MessageAttributes): Record<string, MessageAttributeValue> =>
  Object.fromEntries(
    Object.entries(attributes).map(([name, value]) => [
      name,
      'text' in value
        ? { DataType: value.dataType, StringValue: value.text }
        : { DataType: value.dataType, BinaryValue: value.bytes },
    ]),
  );

const remove = (queue: Queue, messages: readonly ReceivedMessage[]): Promise<ReceivedMessage[]> =>
  inBatches(messages, (batch) => {
    const Entries = batch.map(({ receiptHandle }, index) => ({
      Id: String(index),
      ReceiptHandle: receiptHandle,
    }));
    const command = new DeleteMessageBatchCommand({ QueueUrl: queue.url, Entries });
    return askQueue(queue, 'sqs:DeleteMessage', () => queue.client.send(command));
  });

/** How many batches are sent at once. */
const OPERATOR_BATCHES_AT_ONCE = 4;

/** Returns the messages that SQS has confirmed. If a batch fails, the other batches are still sent before the first failure is thrown. */
const inBatches = async (
  messages: readonly ReceivedMessage[],
  sendOnce: Parameters<typeof sendBatch<ReceivedMessage>>[1],
): Promise<ReceivedMessage[]> => {
  const failures: unknown[] = [];
  const done = await mapConcurrently(batchesOf(messages, sizeOf), OPERATOR_BATCHES_AT_ONCE, (batch) =>
    sendBatch(batch, sendOnce).catch((error: unknown) => {
      failures.push(error);
      return { confirmed: [] };
    }),
  );
  if (failures.length > 0) throw failures[0];
  return done.flatMap(({ confirmed }) => confirmed);
};

/** Returns the size of a message in bytes. The names and types of its attributes count as well ("Amazon SQS message quotas"). */
const sizeOf = ({ body, attributes }: ReceivedMessage): number =>
  Object.entries(attributes).reduce(
    (sum, [name, value]) =>
      sum +
      Buffer.byteLength(name) +
      Buffer.byteLength(value.dataType) +
      ('text' in value ? Buffer.byteLength(value.text) : value.bytes.byteLength),
    Buffer.byteLength(body),
  );

const moveTasks = async (queue: Queue): Promise<MoveTask[]> => {
  const command = new ListMessageMoveTasksCommand({ SourceArn: queue.arn, MaxResults: 10 });
  const answer = await askQueue(queue, 'sqs:ListMessageMoveTasks', () => queue.client.send(command));
  return (answer.Results ?? []).map(toMoveTask);
};

const toMoveTask = (entry: ListMessageMoveTasksResultEntry): MoveTask => ({
  handle: entry.TaskHandle ?? null,
  status: moveStatus(entry.Status),
  startedMs: entry.StartedTimestamp ?? 0,
  moved: entry.ApproximateNumberOfMessagesMoved ?? 0,
  total: entry.ApproximateNumberOfMessagesToMove ?? null,
  failureReason: entry.FailureReason ?? null,
});

const STATUSES = ['RUNNING', 'COMPLETED', 'CANCELLING', 'CANCELLED', 'FAILED'] as const;

/** A status that is not in the list counts as running, so that the task is polled again. SQS may add such a status in the future. */
const moveStatus = (text: string | undefined): MoveTask['status'] =>
  STATUSES.find((status) => status === text) ?? 'RUNNING';

const startMove = async (dead: Queue, live: Queue, maxPerSecond: number | null): Promise<boolean> => {
  const command = new StartMessageMoveTaskCommand({
    SourceArn: dead.arn,
    // The destination must be named. The replicate function sent most of these messages to the dead-letter queue, so SQS has not recorded a
    // queue that they came from.
    DestinationArn: live.arn,
    ...(maxPerSecond === null ? {} : { MaxNumberOfMessagesPerSecond: maxPerSecond }),
  });
  try {
    await dead.client.send(command);
    return true;
  } catch (error) {
    const { name: queueName, region } = dead;
    const failure = toQueueError(error, { action: 'sqs:StartMessageMoveTask', queueName, region });
    // SQS refuses a second move task with an error code that has other causes too. The list of tasks shows whether another task is running.
    if (failure.problem === 'aws-failed' && (await isMoving(dead))) return false;
    throw failure;
  }
};

const isMoving = async (queue: Queue): Promise<boolean> =>
  (await moveTasks(queue)).some(({ status }) => status === 'RUNNING' || status === 'CANCELLING');
