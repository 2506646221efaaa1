/** The queues of a deployment, with the calls that its Lambda functions make. */
import { ChangeMessageVisibilityCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import type { SQSRecord } from 'aws-lambda';
import type { TransferQueue } from '../../copy/transfer/transfer.ts';
import { NEWER_RELEASE_SECONDS } from '../../delivery/backoff.ts';
import { fromAttributes, toAttributes } from '../../delivery/dead-letter.ts';
import type { DeadLetterSender, LiveQueue, QueueMessage, Retries } from '../../delivery/deps.ts';
import {
  newerAttributes,
  type TextAttributes,
  textsOf,
  toTextAttributes,
} from '../../delivery/text-attributes.ts';
import { fromRetryAttributes, type Origin, toRetryAttributes } from '../../delivery/retry.ts';
import { asciiJson } from '../../hint/ascii-json.ts';
import { formatHint } from '../../hint/hint.ts';
import type { RuleDestination } from '../../model/rule.ts';
import { schemaField } from '../../model/schemas.ts';
import type { RangesQueue, RunQueues } from '../../runs/ports.ts';
import { CONTROL_CLIENT } from '../control-client.ts';
import { translateError } from '../errors.ts';
import { toMessageAttributes } from './forward.ts';
import { sendBodies } from './message-batches.ts';
import { countsOf } from './queue-counts.ts';

/** Creates a client of SQS in `region`; null: the region of the environment. */
export const createSqsClient = (region: string | null = null): SQSClient =>
  new SQSClient({ ...CONTROL_CLIENT, ...(region === null ? {} : { region }) });

export const createLiveQueue = (client: SQSClient, queueUrl: string): LiveQueue => ({
  async retryLater(message, delaySeconds) {
    try {
      await client.send(
        new ChangeMessageVisibilityCommand({
          QueueUrl: queueUrl,
          ReceiptHandle: message.receiptHandle,
          VisibilityTimeout: delaySeconds,
        }),
      );
    } catch (error) {
      if (isBack(error)) return;
      throw translateError(error, 'ChangeMessageVisibility in the live queue');
    }
  },
});

/**
 * Returns true if the message is already visible again or is gone. That can happen because the SDK sends the request a second time when the
 * response takes too long. The codes are in "Errors" of ChangeMessageVisibility in the API reference of SQS. When the message is gone, SQS
 * returns `InvalidParameterValue`.
 */
const isBack = (error: unknown): boolean =>
  error instanceof Error &&
  ['MessageNotInflight', 'InvalidParameterValue', 'InvalidParameterValueException'].includes(error.name);

export const createDeadLetterQueue = (client: SQSClient, queueUrl: string): DeadLetterSender => ({
  send: (body, letter) =>
    sendOne(client, { queueUrl, name: 'dead-letter queue' }, { body, attributes: toAttributes(letter) }),
});

/** Creates the queues for failed pieces. `urls` gives the URL of each queue to which messages return. */
export const createRetries = (
  client: SQSClient,
  urls: Record<Origin, string>,
  waitingUrl: (where: RuleDestination) => string,
): Retries => ({
  again: ({ body, retry }, delaySeconds) =>
    sendOne(
      client,
      { queueUrl: urls[retry.origin], name: `${retry.origin} queue`, delaySeconds },
      { body, attributes: toRetryAttributes(retry) },
    ),
  wait: (where, { body, retry }) =>
    sendOne(
      client,
      { queueUrl: waitingUrl(where), name: 'waiting queue' },
      { body, attributes: toRetryAttributes(retry) },
    ),
});

/** Sends one message with text attributes. `name` names the queue in error messages. */
const sendOne = async (
  client: SQSClient,
  { queueUrl, name, delaySeconds = 0 }: { queueUrl: string; name: string; delaySeconds?: number },
  { body, attributes }: { body: string; attributes: Record<string, string> },
): Promise<void> => {
  const command = new SendMessageCommand({
    QueueUrl: queueUrl,
    MessageBody: body,
    MessageAttributes: toMessageAttributes(toTextAttributes(attributes)),
    ...(delaySeconds > 0 ? { DelaySeconds: delaySeconds } : {}),
  });
  await client.send(command).catch((error: unknown) => {
    throw translateError(error, `SendMessage to the ${name}`);
  });
};

/** The queue of ranges, with the calls by which the backfill function returns messages to it. */
export const createRangesQueue = (client: SQSClient, queueUrl: string): RangesQueue => ({
  ...createLiveQueue(client, queueUrl),
  sendLater: (body) =>
    sendOne(
      client,
      { queueUrl, name: 'ranges queue', delaySeconds: NEWER_RELEASE_SECONDS },
      { body, attributes: {} },
    ),
});

/** The transfer queue, whose messages are part ranges of transfers. */
export const createTransferQueue = (client: SQSClient, queueUrl: string): TransferQueue => ({
  send: (messages) =>
    sendBodies(
      client,
      queueUrl,
      messages.map((message) => asciiJson({ ...schemaField('part range'), ...message })),
    ),
  waiting: () => messagesIn(client, queueUrl, 'transfer'),
});

/** The two queues of runs. One holds ranges. The other holds the hints on which the replicate function works. */
export const createRunQueues = (
  client: SQSClient,
  { rangesUrl, hintsUrl }: { rangesUrl: string; hintsUrl: string },
): RunQueues => ({
  async send(messages, delaySeconds = 0) {
    await sendBodies(
      client,
      rangesUrl,
      messages.map((message) => asciiJson({ ...schemaField('range'), ...message })),
      messages.map(() => delaySeconds),
    );
  },
  async sendHints(hints, delays) {
    await sendBodies(client, hintsUrl, hints.map(formatHint), delays);
  },
  hintsLeft: () => messagesIn(client, hintsUrl, 'backfill'),
});

/** Counts the visible, delayed and in-flight messages. The count is approximate. `name` names the queue in error messages. */
export const messagesIn = async (client: SQSClient, queueUrl: string, name: string): Promise<number> => {
  try {
    const { visible, inFlight, delayed } = await countsOf(client, queueUrl);
    return visible + inFlight + delayed;
  } catch (error) {
    throw translateError(error, `GetQueueAttributes of the ${name} queue`);
  }
};

/** Converts a record of Lambda's SQS event to the domain's message. */
export const queueMessage = (record: SQSRecord): QueueMessage =>
  toQueueMessage(
    {
      messageId: record.messageId,
      receiptHandle: record.receiptHandle,
      body: record.body,
      receiveCount: Number(record.attributes.ApproximateReceiveCount) || 1,
      sentMs: Number(record.attributes.SentTimestamp) || 0,
    },
    originOf(record.eventSourceARN),
    Object.fromEntries(
      Object.entries(record.messageAttributes ?? {}).map(([name, value]) => [
        name,
        { dataType: value.dataType, text: value.stringValue ?? '' },
      ]),
    ),
  );

/**
 * Converts a received message. `origin` is the queue in which the message was received; null: a waiting queue. The record in a
 * waiting message names the queue that it came from. A message in any other queue cannot choose its origin, because the queue of
 * runs accepts more kinds of hints.
 */
export const toQueueMessage = (
  fields: Omit<QueueMessage, 'origin' | 'retry' | 'earlier' | 'newer'>,
  origin: Origin | null,
  attributes: TextAttributes,
): QueueMessage => {
  const newer = newerAttributes(attributes);
  if (newer !== null) return { ...fields, origin: origin ?? 'live', retry: null, earlier: null, newer };
  const texts = textsOf(attributes);
  const retry = fromRetryAttributes(texts);
  return { ...fields, origin: origin ?? retry?.origin ?? 'live', retry, earlier: fromAttributes(texts) };
};

/** Returns the queue that an ARN names. The names of the queues end with these words (`resource-names.ts`). */
export const originOf = (arn: string): Origin => {
  if (arn.endsWith('-backfill')) return 'backfill';
  return arn.endsWith('-transfers') ? 'transfer' : 'live';
};
