import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { Sqs } from '../sqs/sqs.ts';
import type { EventSourceConfiguration } from './event-source-configuration.ts';
import { isThrottled } from './lambda-error.ts';
import type { LambdaFunction } from './lambda-function.ts';
import { failedMessageIds, receivedMessage, toSqsEvent, type ReceivedMessage } from './sqs-event.ts';

/** SQS's actions with the members of its JSON protocol, judged for `caller`. */
export type QueueActions = Pick<Sqs, 'invoke' | 'queueUrl'>;

export interface Poller {
  /** OK, or what stands in its way, as `LastProcessingResult` of the mapping tells. */
  lastProcessingResult(): string;
  /** Receives no more; batches in progress are finished and awaited. */
  stop(): Promise<void>;
}

const LONG_POLL_SECONDS = 20;
const RECEIVE_LIMIT = 10;
const PAUSE_MS = 1000;
const ROOM_CHECK_MS = 20;
/** An event may not be larger than an invocation's payload. */
const LARGEST_BATCH_BYTES = 6 * 1024 * 1024;

const receiveResult = z.object({ Messages: z.array(receivedMessage).default([]) });

/**
 * Moves messages from a queue to a function: at least once, up to the mapping's maximum concurrency, deleting what
 * succeeded. Everything it does at the queue, it does as the function's role.
 * Source: https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html
 */
export const startPoller = (
  configuration: EventSourceConfiguration,
  queue: QueueActions,
  target: LambdaFunction,
): Poller => {
  const stopping = new AbortController();
  const { signal } = stopping;
  const queueUrl = queue.queueUrl(configuration.queueArn);
  const { region } = target.configuration();
  const inFlight = new Set<Promise<void>>();
  let lastResult = 'No records processed';

  const hasRoom = (): boolean =>
    inFlight.size < (configuration.maximumConcurrency ?? Infinity) && target.pool().hasRoom();

  const receive = async (limit: number, waitSeconds: number): Promise<ReceivedMessage[]> => {
    const input = {
      QueueUrl: queueUrl,
      MaxNumberOfMessages: Math.min(limit, RECEIVE_LIMIT),
      WaitTimeSeconds: waitSeconds,
      MessageSystemAttributeNames: ['All'],
      MessageAttributeNames: ['All'],
    };
    const answer = await queue.invoke(target.roleCaller(), 'ReceiveMessage', input, { region, signal });
    return receiveResult.parse(answer).Messages;
  };

  const gather = async (): Promise<ReceivedMessage[]> => {
    const batch = await receive(configuration.batchSize, LONG_POLL_SECONDS);
    const endMs = Date.now() + configuration.batchingWindowMs;
    for (;;) {
      const leftMs = endMs - Date.now();
      const missing = configuration.batchSize - batch.length;
      if (batch.length === 0 || missing === 0 || leftMs <= 0 || signal.aborted || isLarge(batch))
        return batch;
      batch.push(...(await receive(missing, Math.min(Math.ceil(leftMs / 1000), LONG_POLL_SECONDS))));
    }
  };

  const remove = async (messages: ReceivedMessage[]): Promise<void> => {
    for (let start = 0; start < messages.length; start += RECEIVE_LIMIT) {
      const entries = messages.slice(start, start + RECEIVE_LIMIT);
      const input = {
        QueueUrl: queueUrl,
        Entries: entries.map((message, index) => ({
          Id: String(index),
          ReceiptHandle: message.ReceiptHandle,
        })),
      };
      await queue.invoke(target.roleCaller(), 'DeleteMessageBatch', input, { region });
    }
  };

  const process = async (batch: ReceivedMessage[]): Promise<void> => {
    try {
      const result = await target.run(JSON.stringify(toSqsEvent(batch, configuration.queueArn)));
      lastResult = result.functionError ? 'PROBLEM: Function call failed' : 'OK';
      if (result.functionError) return;
      const failed = configuration.reportBatchItemFailures
        ? failedMessageIds(result.payload, batch)
        : new Set();
      await remove(batch.filter((message) => !failed.has(message.MessageId)));
    } catch (error) {
      // Nothing is lost: what was not deleted becomes visible again.
      lastResult = isThrottled(error) ? 'PROBLEM: Function throttled' : `PROBLEM: ${String(error)}`;
    }
  };

  const pollOnce = async (): Promise<void> => {
    if (!hasRoom()) {
      await Promise.race([...inFlight, pause(ROOM_CHECK_MS, signal)]);
      return;
    }
    const batch = await gather();
    if (batch.length === 0) return;
    const processing = process(batch).finally(() => inFlight.delete(processing));
    inFlight.add(processing);
  };

  const poll = async (): Promise<void> => {
    while (!signal.aborted) {
      try {
        await pollOnce();
      } catch (error) {
        if (signal.aborted) return;
        lastResult = `PROBLEM: ${error instanceof Error ? error.message : String(error)}`;
        await pause(PAUSE_MS, signal);
      }
    }
  };
  const polling = poll();
  return {
    lastProcessingResult: () => lastResult,
    stop: async () => {
      stopping.abort();
      await polling;
      await Promise.all(inFlight);
    },
  };
};

const isLarge = (batch: ReceivedMessage[]): boolean =>
  batch.reduce((sum, message) => sum + Buffer.byteLength(message.Body), 0) > LARGEST_BATCH_BYTES / 2;

const pause = (milliseconds: number, signal: AbortSignal): Promise<void> =>
  sleep(milliseconds, undefined, { signal }).catch(() => undefined);
