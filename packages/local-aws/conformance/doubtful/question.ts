/** Questions that AWS's documents leave open. A run prints how an endpoint behaves, and no answer is wrong. */
import { setTimeout } from 'node:timers/promises';
import type { Context } from '../context.ts';
import type { Endpoint } from '../endpoint.ts';
import type { Resources } from '../resources.ts';

export interface Asked {
  endpoint: Endpoint;
  context: Context;
  resources: Resources;
  /** The stack that the questions about Lambda share. */
  stack: DoubtfulStack;
}

export interface DoubtfulStack {
  /** When the creation of the stack was complete, in milliseconds since the epoch by the endpoint's clock. */
  completeAtMs: number;
  functionName: string;
  queueUrl: string;
  queueArn: string;
  deadLetterQueueUrl: string;
  /** URL of the queue to which the function sends its results. */
  resultsUrl: string;
  /** URL of a queue that receives the events of {@link eventBucket} through an EventBridge rule. */
  eventsUrl: string;
  /** The name of a bucket whose objects the function may read, and whose events S3 may send to `queueUrl`. */
  bucket: string;
  /** The name of a bucket that does not send events to EventBridge yet. */
  eventBucket: string;
}

export interface Question {
  name: string;
  question: string;
  /** True for questions that need the stack. */
  needsStack: boolean;
  /** Tries at the endpoint what the question asks. Resolves to a sentence that says what happened. */
  ask(asked: Asked): Promise<string>;
}

/**
 * Calls `look` repeatedly until it resolves to a result that is not null. Resolves to null after `limitMs`. Waits
 * about a second between calls. With `byClock`, moves the endpoint's clock instead if possible; this does not help
 * with work that a function does, because functions run in real time.
 */
export const watch = async <T>(
  { context, endpoint }: Pick<Asked, 'context' | 'endpoint'>,
  limitMs: number,
  look: () => Promise<T | null>,
  { byClock = false } = {},
): Promise<T | null> => {
  const endMs = context.now() + limitMs;
  while (context.now() < endMs) {
    const seen = await look();
    if (seen !== null) return seen;
    if (byClock) await context.pass(1_000);
    else await setTimeout(endpoint.advance === null ? 1_000 : 100);
  }
  return null;
};

export const inSeconds = (milliseconds: number): string => `${(milliseconds / 1000).toFixed(1)} s`;

/** Describes an error of a service as one line of an answer. */
export const refusal = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error);
  const status =
    '$metadata' in error ? (error.$metadata as { httpStatusCode?: number }).httpStatusCode : undefined;
  return `refused: ${status ?? ''} ${error.name}: ${error.message}`.replaceAll(/\s+/g, ' ');
};
