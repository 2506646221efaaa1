/** Questions about AWS that its documents leave open. A run prints what an endpoint does; there is no right answer. */
import { setTimeout } from 'node:timers/promises';
import type { Context } from '../context.ts';
import type { Endpoint } from '../endpoint.ts';
import type { Resources } from '../resources.ts';

export interface Asked {
  endpoint: Endpoint;
  context: Context;
  resources: Resources;
  /** The stack with a function that the questions about Lambda share. */
  stack: DoubtfulStack;
}

export interface DoubtfulStack {
  /** When the stack was complete, by the clock of the endpoint. */
  completeAtMs: number;
  functionName: string;
  queueUrl: string;
  queueArn: string;
  deadLetterQueueUrl: string;
  /** The queue to which the function sends what it saw. */
  resultsUrl: string;
  /** The queue of an EventBridge rule for {@link eventBucket}. */
  eventsUrl: string;
  /** The bucket whose objects the function may read. Its events may be sent to the queue. */
  bucket: string;
  /** A bucket for which EventBridge is not switched on yet. */
  eventBucket: string;
}

export interface Question {
  name: string;
  question: string;
  /** True for questions that need the stack. */
  needsStack: boolean;
  /** Resolves to what was seen, in a sentence. */
  ask(asked: Asked): Promise<string>;
}

/**
 * Calls `look` about once in a second until it returns something. Resolves to null if that takes too long. With
 * `byClock`, moves the endpoint's clock if possible instead of waiting. What functions do takes real time.
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

/** How an error of a service reads in an answer. */
export const refusal = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error);
  const status =
    '$metadata' in error ? (error.$metadata as { httpStatusCode?: number }).httpStatusCode : undefined;
  return `refused: ${status ?? ''} ${error.name}: ${error.message}`.replaceAll(/\s+/g, ' ');
};
