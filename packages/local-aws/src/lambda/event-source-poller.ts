import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../core/clock.ts';
import type { EventSourceConfiguration } from './event-source-configuration.ts';
import type { InvocationResult, LambdaFunction } from './lambda-function.ts';
import { isThrottled } from './lambda-error.ts';
import { createPollerScale, type PollerScale } from './poller-scale.ts';
import { createSourceQueue, type Batch, type QueueActions, type SourceQueue } from './source-queue.ts';
import { failedMessageIds, toSqsEvent, traceHeadersOf } from './sqs-event.ts';

export interface Poller {
  /** Returns the `LastProcessingResult` of the mapping: `OK`, or the description of a problem. */
  lastProcessingResult(): string;
  /**
   * Stops receiving messages. Resolves when the batches in progress are finished. Batches whose invocation is throttled are dropped, so
   * their messages become visible again after the visibility timeout.
   */
  stop(): Promise<void>;
}

/** How long, in milliseconds, the poller pauses after an error of SQS. */
const PAUSE_MS = 1000;
/**
 * How long, in milliseconds, the first pause before another attempt of a throttled invocation is. Each further pause is twice as long, up
 * to the maximum.
 */
const THROTTLED_PAUSE_MS = 10;
const LONGEST_THROTTLED_PAUSE_MS = 80;

interface Polling {
  configuration: EventSourceConfiguration;
  target: LambdaFunction;
  queue: SourceQueue;
  scale: PollerScale;
  clock: Clock;
  /** Aborted when the poller stops. */
  signal: AbortSignal;
}

/**
 * Starts a poller that moves messages from a queue to a function, with at-least-once delivery and up to the mapping's maximum concurrency.
 * The poller receives messages before it knows whether the function has capacity. It then tries to invoke the function until the visibility
 * timeout of the messages is over. It deletes the messages that the function processed successfully.
 * Source: https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html and services-sqs-errorhandling.html
 */
export const startPoller = (
  configuration: EventSourceConfiguration,
  { queues, clock }: { queues: QueueActions; clock: Clock },
  target: LambdaFunction,
): Poller => {
  const stopping = new AbortController();
  const { signal } = stopping;
  const queue = createSourceQueue({ configuration, queues, clock, target, signal });
  const scale = createPollerScale(configuration.maximumConcurrency);
  const polling: Polling = { configuration, target, queue, scale, clock, signal };
  const inFlight = new Set<Promise<void>>();
  let lastResult = 'No records processed';

  const pollOnce = async (): Promise<void> => {
    if (inFlight.size >= scale.batches()) {
      await Promise.race(inFlight);
      return;
    }
    const batch = await queue.gather();
    if (batch.messages.length === 0) return;
    const process = async (): Promise<void> => {
      lastResult = await processBatch(polling, batch);
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
  const pollingEnd = poll();
  return {
    lastProcessingResult: () => lastResult,
    stop: async () => {
      stopping.abort();
      await pollingEnd;
      await Promise.all(inFlight);
    },
  };
};

/** Invokes the function and deletes the messages that succeeded. Resolves to the `LastProcessingResult`. Never rejects. */
const processBatch = async (polling: Polling, batch: Batch): Promise<string> => {
  const { configuration, queue, scale } = polling;
  const { messages } = batch;
  try {
    const result = await invoke(polling, batch);
    // No message is lost, because messages become visible again unless they are deleted.
    if (result === 'throttled') return 'PROBLEM: Function throttled';
    if (result.functionError) {
      if (!configuration.reportBatchItemFailures) scale.backOff();
      return 'PROBLEM: Function call failed';
    }
    scale.grow();
    const failed = configuration.reportBatchItemFailures
      ? failedMessageIds(result.payload, messages)
      : new Set();
    await queue.remove(messages.filter((message) => !failed.has(message.MessageId)));
    return 'OK';
  } catch (error) {
    return `PROBLEM: ${String(error)}`;
  }
};

/** Invokes the function. Repeats a throttled invocation until the visibility timeout of the messages is over. */
const invoke = async (
  { configuration, target, queue, scale, clock, signal }: Polling,
  { messages, receivedAtMs }: Batch,
): Promise<InvocationResult | 'throttled'> => {
  const payload = JSON.stringify(toSqsEvent(messages, configuration.queueArn));
  let endMs: number | null = null;
  for (let pauseMs = THROTTLED_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, LONGEST_THROTTLED_PAUSE_MS)) {
    try {
      return await target.run(payload, traceHeadersOf(messages));
    } catch (error) {
      if (!isThrottled(error)) throw error;
    }
    if (endMs === null) {
      scale.backOff();
      endMs = receivedAtMs + (await queue.visibilityTimeoutMs());
    }
    await pause(pauseMs, signal);
    if (signal.aborted || clock.now() >= endMs) return 'throttled';
  }
};

const pause = (milliseconds: number, signal: AbortSignal): Promise<void> =>
  sleep(milliseconds, undefined, { signal }).catch(() => undefined);
