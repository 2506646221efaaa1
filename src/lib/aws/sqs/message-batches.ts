import type { BatchResultErrorEntry } from '@aws-sdk/client-sqs';
import { mapConcurrently } from '../../model/concurrency.ts';
import type { ReceivedMessage } from '../../dead-letters/queue.ts';

/** SQS limits: entries of a batch, and bytes of all its messages together. */
const MAX_ENTRIES = 10;
const MAX_BYTES = 1_048_576;
const BATCHES_AT_ONCE = 4;

/** Cuts messages into batches that SQS accepts, in order. Both limits hold for every kind of batch. */
export const batchesOf = (messages: readonly ReceivedMessage[]): ReceivedMessage[][] => {
  const batches: ReceivedMessage[][] = [];
  let sizeBytes = MAX_BYTES;
  for (const message of messages) {
    const batch = batches.at(-1);
    const added = messageSizeBytes(message);
    if (batch === undefined || batch.length === MAX_ENTRIES || sizeBytes + added > MAX_BYTES) {
      batches.push([message]);
      sizeBytes = added;
    } else {
      batch.push(message);
      sizeBytes += added;
    }
  }
  return batches;
};

interface BatchAnswer {
  Successful?: { Id?: string | undefined }[] | undefined;
  Failed?: BatchResultErrorEntry[] | undefined;
}

/**
 * Sends the batches, a few at a time, and returns the messages SQS has confirmed. A batch may fail in part under a 200:
 * entries SQS itself failed on are sent again, those it blames the sender for are not. `send` gives entries the index as
 * Id. Every batch is tried before the first failure is thrown.
 */
export const confirmed = async (
  batches: ReceivedMessage[][],
  send: (batch: ReceivedMessage[]) => Promise<BatchAnswer>,
): Promise<ReceivedMessage[]> => {
  const failures: unknown[] = [];
  const done = await mapConcurrently(batches, BATCHES_AT_ONCE, (batch) =>
    confirmedOf(batch, send).catch((error: unknown) => {
      failures.push(error);
      return [];
    }),
  );
  if (failures.length > 0) throw failures[0];
  return done.flat();
};

const confirmedOf = async (
  batch: ReceivedMessage[],
  send: (batch: ReceivedMessage[]) => Promise<BatchAnswer>,
): Promise<ReceivedMessage[]> => {
  const done: ReceivedMessage[] = [];
  let rest = batch;
  for (let attempt = 0; attempt < 3 && rest.length > 0; attempt += 1) {
    const { Successful = [], Failed = [] } = await send(rest);
    const succeeded = new Set(Successful.map(({ Id }) => Id));
    const again = new Set(Failed.filter(({ SenderFault }) => !SenderFault).map(({ Id }) => Id));
    done.push(...rest.filter((_, index) => succeeded.has(String(index))));
    rest = rest.filter((_, index) => again.has(String(index)));
  }
  return done;
};

/** Body and attributes count, names and types too ("Amazon SQS message quotas"). */
const messageSizeBytes = ({ body, attributes }: ReceivedMessage): number =>
  Object.entries(attributes).reduce(
    (sum, [name, value]) =>
      sum +
      Buffer.byteLength(name) +
      Buffer.byteLength(value.dataType) +
      ('text' in value ? Buffer.byteLength(value.text) : value.bytes.byteLength),
    Buffer.byteLength(body),
  );
