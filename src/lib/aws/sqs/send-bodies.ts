/** Plain messages into a queue, many at once, and how many are there. */
import {
  GetQueueAttributesCommand,
  SendMessageBatchCommand,
  type SendMessageBatchRequestEntry,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import { mapConcurrently } from '../../model/concurrency.ts';
import { ReplicationError } from '../../model/errors.ts';
import { translateError } from '../errors.ts';

/** SQS: entries of a batch, and bytes of all together (quotas-messages.html). */
const MAX_ENTRIES = 10;
const MAX_BYTES = 1_048_576;
const BATCHES_AT_ONCE = 16;
const TRIES = 4;

/** Bodies are ASCII: as many characters as bytes. Resolves when SQS has accepted all of them. */
export const sendBodies = async (
  client: SQSClient,
  queueUrl: string,
  bodies: readonly string[],
  delaySeconds = 0,
): Promise<void> => {
  await mapConcurrently(batchesOf(bodies), BATCHES_AT_ONCE, (batch) =>
    send(client, queueUrl, batch, delaySeconds),
  );
};

/** About how many messages there are: visible, delayed and in flight. `name`: of the queue, for messages. */
export const messagesIn = async (client: SQSClient, queueUrl: string, name: string): Promise<number> => {
  try {
    const { Attributes: attributes = {} } = await client.send(
      new GetQueueAttributesCommand({
        QueueUrl: queueUrl,
        AttributeNames: [
          'ApproximateNumberOfMessages',
          'ApproximateNumberOfMessagesNotVisible',
          'ApproximateNumberOfMessagesDelayed',
        ],
      }),
    );
    return Object.values(attributes).reduce((sum, value) => sum + Number(value), 0);
  } catch (error) {
    throw translateError(error, `GetQueueAttributes of the ${name} queue`);
  }
};

const batchesOf = (bodies: readonly string[]): string[][] => {
  const batches: string[][] = [];
  let sizeBytes = 0;
  for (const body of bodies) {
    const batch = batches.at(-1);
    if (batch === undefined || batch.length === MAX_ENTRIES || sizeBytes + body.length > MAX_BYTES) {
      batches.push([body]);
      sizeBytes = body.length;
    } else {
      batch.push(body);
      sizeBytes += body.length;
    }
  }
  return batches;
};

/** A batch may fail in part under a 200: those are sent again. */
const send = async (
  client: SQSClient,
  queueUrl: string,
  batch: string[],
  delaySeconds: number,
): Promise<void> => {
  let rest = batch;
  let why = '';
  for (let tries = 1; rest.length > 0; tries += 1) {
    if (tries > TRIES) throw new ReplicationError('service-error', `SendMessageBatch: ${why}`);
    const Entries: SendMessageBatchRequestEntry[] = rest.map((MessageBody, index) => ({
      Id: String(index),
      MessageBody,
      ...(delaySeconds > 0 ? { DelaySeconds: delaySeconds } : {}),
    }));
    try {
      const { Failed: failed = [] } = await client.send(
        new SendMessageBatchCommand({ QueueUrl: queueUrl, Entries }),
      );
      why = failed[0]?.Message ?? failed[0]?.Code ?? '';
      rest = failed.flatMap(({ Id: id }) => rest[Number(id)] ?? []);
    } catch (error) {
      throw translateError(error, `SendMessageBatch to ${queueUrl}`);
    }
  }
};
