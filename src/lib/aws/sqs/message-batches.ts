/** Cuts messages into batches, and sends each batch until SQS has accepted all its entries. */
import { SendMessageBatchCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { mapConcurrently } from '../../model/concurrency.ts';
import { ReplicationError } from '../../model/errors.ts';
import { translateError } from '../errors.ts';

/** Maximum entries of a batch ("Amazon SQS message quotas"). */
const MAX_ENTRIES = 10;
/** Maximum bytes of all messages of a batch together ("Amazon SQS message quotas"). */
const MAX_BATCH_BYTES = 1_048_576;
const BATCHES_AT_ONCE = 16;
/** Maximum number of times that a batch is sent. */
const SENDS = 4;

/** Cuts messages into batches that SQS accepts, in order. SQS applies both limits to every kind of batch. */
export const batchesOf = <Message>(
  messages: readonly Message[],
  sizeBytesOf: (message: Message) => number,
): Message[][] => {
  const batches: Message[][] = [];
  let batchBytes = 0;
  for (const message of messages) {
    const batch = batches.at(-1);
    const sizeBytes = sizeBytesOf(message);
    if (batch === undefined || batch.length === MAX_ENTRIES || batchBytes + sizeBytes > MAX_BATCH_BYTES) {
      batches.push([message]);
      batchBytes = sizeBytes;
    } else {
      batch.push(message);
      batchBytes += sizeBytes;
    }
  }
  return batches;
};

interface BatchResponse {
  Successful?: { Id?: string | undefined }[] | undefined;
  Failed?: FailedEntry[] | undefined;
}

interface FailedEntry {
  Id: string | undefined;
  SenderFault: boolean | undefined;
  Code: string | undefined;
  Message?: string | undefined;
}

/**
 * Sends one batch and returns the messages that SQS has confirmed, with the last failure of an entry. A response with status 200 may still
 * contain failed entries. An entry is sent again if it failed because of SQS, but not if it failed because of the sender. `send` must give
 * each entry its index as Id.
 */
export const sendBatch = async <Message>(
  batch: readonly Message[],
  send: (batch: readonly Message[]) => Promise<BatchResponse>,
): Promise<{ confirmed: Message[]; failure: string | null }> => {
  const confirmed: Message[] = [];
  let failure: string | null = null;
  let rest = batch;
  for (let sends = 0; sends < SENDS && rest.length > 0; sends += 1) {
    const { Successful = [], Failed = [] } = await send(rest);
    const succeeded = new Set(Successful.map(({ Id }) => Id));
    const again = new Set(Failed.filter(({ SenderFault }) => !SenderFault).map(({ Id }) => Id));
    confirmed.push(...rest.filter((_, index) => succeeded.has(String(index))));
    rest = rest.filter((_, index) => again.has(String(index)));
    failure = Failed[0]?.Message ?? Failed[0]?.Code ?? failure;
  }
  return { confirmed, failure };
};

interface Delayed {
  body: string;
  delaySeconds: number;
}

/**
 * Sends messages without attributes. `delays` gives the delay of each message in seconds; left out: no delay. The bodies must be ASCII,
 * because each character is counted as one byte. Resolves when SQS has accepted all messages.
 */
export const sendBodies = async (
  client: SQSClient,
  queueUrl: string,
  bodies: readonly string[],
  delays: readonly number[] = [],
): Promise<void> => {
  const send = (batch: readonly Delayed[]): Promise<BatchResponse> =>
    client.send(
      new SendMessageBatchCommand({
        QueueUrl: queueUrl,
        Entries: batch.map(({ body, delaySeconds }, index) => ({
          Id: String(index),
          MessageBody: body,
          ...(delaySeconds > 0 ? { DelaySeconds: delaySeconds } : {}),
        })),
      }),
    );
  const messages = bodies.map((body, index) => ({ body, delaySeconds: delays[index] ?? 0 }));
  const batches = batchesOf(messages, ({ body }) => body.length);
  await mapConcurrently(batches, BATCHES_AT_ONCE, async (batch) => {
    const { confirmed, failure } = await sendBatch(batch, send).catch((error: unknown) => {
      throw translateError(error, `SendMessageBatch to ${queueUrl}`);
    });
    if (confirmed.length < batch.length)
      throw new ReplicationError('service-error', `SendMessageBatch: ${failure ?? 'not confirmed'}`);
  });
};
