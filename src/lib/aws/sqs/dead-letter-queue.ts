import {
  ChangeMessageVisibilityBatchCommand,
  DeleteMessageBatchCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  ListMessageMoveTasksCommand,
  type ListMessageMoveTasksResultEntry,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SQSClient,
  StartMessageMoveTaskCommand,
} from '@aws-sdk/client-sqs';
import type { DeadLetterQueue, MoveTask, ReceivedMessage } from '../../dead-letters/queue.ts';
import { batchesOf, confirmed } from './message-batches.ts';
import { toQueueError } from '../queue-error.ts';
import { fromMessage, toMessageAttributes } from './queue-message.ts';

/** Finds both queues of a deployment by name. Credentials and endpoint come from the environment, as for every AWS tool. */
export const openDeadLetterQueue = async (names: {
  deadLetterQueue: string;
  liveQueue: string;
  region: string;
}): Promise<DeadLetterQueue> => {
  const { region } = names;
  const client = new SQSClient({ region });
  const live = await findQueue(client, names.liveQueue, region);
  const dead = await findQueue(client, names.deadLetterQueue, region);
  return new SqsDeadLetterQueue(client, { live, dead, region });
};

interface Queue {
  name: string;
  url: string;
  arn: string;
}

class SqsDeadLetterQueue implements DeadLetterQueue {
  readonly #client: SQSClient;
  readonly #live: Queue;
  readonly #dead: Queue;
  readonly region: string;

  constructor(client: SQSClient, queues: { live: Queue; dead: Queue; region: string }) {
    this.#client = client;
    this.#live = queues.live;
    this.#dead = queues.dead;
    this.region = queues.region;
  }

  get name() {
    return this.#dead.name;
  }

  get liveName() {
    return this.#live.name;
  }

  get arn() {
    return this.#dead.arn;
  }

  async state() {
    const attributes = await this.#ask('sqs:GetQueueAttributes', this.#dead, () =>
      queueAttributes(this.#client, this.#dead.url),
    );
    return {
      visible: Number(attributes['ApproximateNumberOfMessages'] ?? 0),
      inFlight: Number(attributes['ApproximateNumberOfMessagesNotVisible'] ?? 0),
      delayed: Number(attributes['ApproximateNumberOfMessagesDelayed'] ?? 0),
      retentionMs: Number(attributes['MessageRetentionPeriod'] ?? 0) * 1000,
    };
  }

  async receive({
    visibilityTimeoutSeconds,
    waitSeconds,
  }: {
    visibilityTimeoutSeconds: number;
    waitSeconds: number;
  }) {
    const answer = await this.#ask('sqs:ReceiveMessage', this.#dead, () =>
      this.#client.send(
        new ReceiveMessageCommand({
          QueueUrl: this.#dead.url,
          MaxNumberOfMessages: 10,
          VisibilityTimeout: visibilityTimeoutSeconds,
          WaitTimeSeconds: waitSeconds,
          MessageAttributeNames: ['All'],
          MessageSystemAttributeNames: ['SentTimestamp', 'DeadLetterQueueSourceArn'],
        }),
      ),
    );
    return (answer.Messages ?? []).map(fromMessage);
  }

  async changeVisibility(messages: readonly ReceivedMessage[], seconds: number) {
    // An entry fails when the message is no longer ours: it became visible by itself, or is gone. Both are fine.
    await confirmed(batchesOf(messages), (batch) =>
      this.#ask('sqs:ChangeMessageVisibility', this.#dead, () =>
        this.#client.send(
          new ChangeMessageVisibilityBatchCommand({
            QueueUrl: this.#dead.url,
            Entries: batch.map(({ receiptHandle }, index) => ({
              Id: String(index),
              ReceiptHandle: receiptHandle,
              VisibilityTimeout: seconds,
            })),
          }),
        ),
      ),
    );
  }

  async sendToLive(messages: readonly ReceivedMessage[]) {
    return confirmed(batchesOf(messages), (batch) =>
      this.#ask('sqs:SendMessage', this.#live, () =>
        this.#client.send(
          new SendMessageBatchCommand({
            QueueUrl: this.#live.url,
            Entries: batch.map(({ body, attributes }, index) => ({
              Id: String(index),
              MessageBody: body,
              MessageAttributes: toMessageAttributes(attributes),
            })),
          }),
        ),
      ),
    );
  }

  async remove(messages: readonly ReceivedMessage[]) {
    return confirmed(batchesOf(messages), (batch) =>
      this.#ask('sqs:DeleteMessage', this.#dead, () =>
        this.#client.send(
          new DeleteMessageBatchCommand({
            QueueUrl: this.#dead.url,
            Entries: batch.map(({ receiptHandle }, index) => ({
              Id: String(index),
              ReceiptHandle: receiptHandle,
            })),
          }),
        ),
      ),
    );
  }

  async moveTasks() {
    const answer = await this.#ask('sqs:ListMessageMoveTasks', this.#dead, () =>
      this.#client.send(new ListMessageMoveTasksCommand({ SourceArn: this.#dead.arn, MaxResults: 10 })),
    );
    return (answer.Results ?? []).map(toMoveTask);
  }

  async startMove(maxPerSecond: number | null) {
    const command = new StartMessageMoveTaskCommand({
      SourceArn: this.#dead.arn,
      // Most messages were sent here by the function, not moved by SQS: SQS does not know where they came from.
      DestinationArn: this.#live.arn,
      ...(maxPerSecond === null ? {} : { MaxNumberOfMessagesPerSecond: maxPerSecond }),
    });
    try {
      await this.#client.send(command);
      return true;
    } catch (error) {
      const failure = toQueueError(error, this.#call('sqs:StartMessageMoveTask', this.#dead));
      // A second task is refused with a code that means other things too: the list of tasks tells.
      if (failure.problem === 'aws-failed' && (await this.#isMoving())) return false;
      throw failure;
    }
  }

  async #isMoving() {
    return (await this.moveTasks()).some(({ status }) => status === 'RUNNING' || status === 'CANCELLING');
  }

  async #ask<Answer>(action: string, queue: Queue, send: () => Promise<Answer>): Promise<Answer> {
    try {
      return await send();
    } catch (error) {
      throw toQueueError(error, this.#call(action, queue));
    }
  }

  #call(action: string, queue: Queue) {
    return { action, queueName: queue.name, region: this.region };
  }
}

const findQueue = async (client: SQSClient, name: string, region: string): Promise<Queue> => {
  let action = 'sqs:GetQueueUrl';
  try {
    const { QueueUrl: url = '' } = await client.send(new GetQueueUrlCommand({ QueueName: name }));
    action = 'sqs:GetQueueAttributes';
    const attributes = await queueAttributes(client, url);
    return { name, url, arn: attributes['QueueArn'] ?? '' };
  } catch (error) {
    throw toQueueError(error, { action, queueName: name, region });
  }
};

const queueAttributes = async (client: SQSClient, url: string): Promise<Record<string, string>> => {
  const answer = await client.send(new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: ['All'] }));
  return answer.Attributes ?? {};
};

const toMoveTask = (entry: ListMessageMoveTasksResultEntry): MoveTask => ({
  handle: entry.TaskHandle ?? null,
  status: statusOf(entry.Status),
  startedMs: entry.StartedTimestamp ?? 0,
  moved: entry.ApproximateNumberOfMessagesMoved ?? 0,
  total: entry.ApproximateNumberOfMessagesToMove ?? null,
  failureReason: entry.FailureReason ?? null,
});

const STATUSES = ['RUNNING', 'COMPLETED', 'CANCELLING', 'CANCELLED', 'FAILED'] as const;

/** A status SQS may add one day counts as running: it is looked at again. */
const statusOf = (text: string | undefined): MoveTask['status'] =>
  STATUSES.find((status) => status === text) ?? 'RUNNING';
