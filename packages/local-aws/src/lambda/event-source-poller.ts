import { setTimeout as sleep } from 'node:timers/promises';
import type { EventSourceConfiguration } from './event-source-configuration.ts';
import { isThrottled } from './lambda-error.ts';
import type { LambdaFunction } from './lambda-function.ts';
import { createSourceQueue, type QueueActions, type SourceQueue } from './source-queue.ts';
import { failedMessageIds, toSqsEvent, traceHeadersOf, type ReceivedMessage } from './sqs-event.ts';

export interface Poller {
  /** The `LastProcessingResult` of the mapping, which is `OK` or describes a problem. */
  lastProcessingResult(): string;
  /** Stops receiving messages. Resolves when the batches in progress are finished. */
  stop(): Promise<void>;
}

/** How long the poller pauses after an error. */
const PAUSE_MS = 1000;
/** How often the poller checks whether the function can run another batch. */
const ROOM_CHECK_MS = 20;

/**
 * Starts a poller that moves messages from a queue to a function, with at-least-once delivery and up to the mapping's maximum concurrency.
 * Deletes the messages that the function processed successfully.
 * Source: https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html
 */
export const startPoller = (
  configuration: EventSourceConfiguration,
  queues: QueueActions,
  target: LambdaFunction,
): Poller => {
  const stopping = new AbortController();
  const { signal } = stopping;
  const queue = createSourceQueue({ configuration, queues, target, signal });
  const inFlight = new Set<Promise<void>>();
  let lastResult = 'No records processed';
  const hasRoom = (): boolean =>
    inFlight.size < (configuration.maximumConcurrency ?? Infinity) && target.pool().hasRoom();

  const pollOnce = async (): Promise<void> => {
    if (!hasRoom()) {
      await Promise.race([...inFlight, pause(ROOM_CHECK_MS, signal)]);
      return;
    }
    const batch = await queue.gather();
    if (batch.length === 0) return;
    const process = async (): Promise<void> => {
      lastResult = await processBatch(configuration, queue, target, batch);
    };
    const processing = process().finally(() => inFlight.delete(processing));
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

/** Invokes the function and deletes the messages that succeeded. Resolves to the `LastProcessingResult`. Never rejects. */
const processBatch = async (
  configuration: EventSourceConfiguration,
  queue: SourceQueue,
  target: LambdaFunction,
  batch: ReceivedMessage[],
): Promise<string> => {
  try {
    const result = await target.run(
      JSON.stringify(toSqsEvent(batch, configuration.queueArn)),
      traceHeadersOf(batch),
    );
    if (result.functionError) return 'PROBLEM: Function call failed';
    const failed = configuration.reportBatchItemFailures
      ? failedMessageIds(result.payload, batch)
      : new Set();
    await queue.remove(batch.filter((message) => !failed.has(message.MessageId)));
    return 'OK';
  } catch (error) {
    // No message is lost, because messages that were not deleted become visible again.
    return isThrottled(error) ? 'PROBLEM: Function throttled' : `PROBLEM: ${String(error)}`;
  }
};

const pause = (milliseconds: number, signal: AbortSignal): Promise<void> =>
  sleep(milliseconds, undefined, { signal }).catch(() => undefined);
