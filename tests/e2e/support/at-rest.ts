import { setTimeout as sleep } from 'node:timers/promises';
import type { LocalAws } from '@s3-replicator/local-aws';
import type { MessageStore } from '@s3-replicator/local-aws/sqs';

export interface Work {
  queues: MessageStore[];
  /** Names of the functions that work on the queues. */
  functions: string[];
}

export interface Patience {
  /** Maximum time by which the clock of the local AWS is moved. */
  movedSeconds: number;
  /** Maximum real time. A busy machine may need most of the default. */
  limitMs?: number;
}

/**
 * Waits until the queues are empty and the functions idle. While messages only rest before they are tried again, the clock of
 * the local AWS is moved. Answers whether the queues became empty.
 * @throws Error when `limitMs` of real time is not enough
 */
export const atRest = async (
  aws: LocalAws,
  { queues, functions }: Work,
  { movedSeconds: maximumSeconds, limitMs = 150_000 }: Patience,
): Promise<boolean> => {
  const endMs = Date.now() + limitMs;
  let movedSeconds = 0;
  let idleChecks = 0;
  let stepSeconds = 1;
  while (Date.now() < endMs) {
    const counts = queues.map((queue) => queue.counts());
    const isVisible = counts.some(({ visible }) => visible > 0);
    const isEmpty = !isVisible && counts.every(({ delayed, inFlight }) => delayed + inFlight === 0);
    const isBusy = functions.some((name) => aws.lambda.function(name).pool().busy() > 0);
    if (isEmpty && !isBusy) return true;
    idleChecks = isVisible || isBusy ? 0 : idleChecks + 1;
    if (idleChecks === 0) stepSeconds = 1;
    if (idleChecks > IDLE_CHECKS) {
      if (movedSeconds >= maximumSeconds) return false;
      aws.clock.advance(stepSeconds * 1_000);
      movedSeconds += stepSeconds;
      stepSeconds = Math.min(stepSeconds * 2, LONGEST_STEP_SECONDS);
    }
    await sleep(10);
  }
  throw new Error(`the queues do not settle: ${JSON.stringify(queues.map((queue) => queue.counts()))}`);
};

/** Maximum step of the clock. A longer one would only make credentials expire on the way. */
const LONGEST_STEP_SECONDS = 300;

/**
 * How many checks in a row find nothing to do before the clock is moved: a finished batch is deleted shortly after the function
 * answers.
 */
const IDLE_CHECKS = 5;
