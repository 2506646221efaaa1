import { setTimeout as sleep } from 'node:timers/promises';
import type { LocalAws } from '@s3-replicator/local-aws';
import type { MessageStore } from '@s3-replicator/local-aws/sqs';

export interface Work {
  queues: MessageStore[];
  /** Queues whose messages the schedule of a function moves back to the others. They must become empty too. */
  waiting?: MessageStore[];
  /** Names of the functions that work on the queues. */
  functions: string[];
}

export interface Patience {
  /** Maximum time by which the wait moves the clock of the local AWS. */
  movedSeconds: number;
  /** The first step by which the wait moves the clock while nothing works. Each further step is twice as long. Default: 1. */
  firstStepSeconds?: number;
  /** Maximum step of the clock. Default: 300, because longer steps would make credentials expire during the wait. */
  longestStepSeconds?: number;
  /** Maximum real time of the wait. A busy machine may need most of the default. */
  limitMs?: number;
}

/**
 * Waits until the queues are empty and the functions are idle. When all remaining messages are delayed or hidden, the wait moves
 * the clock of the local AWS until they can be received. Resolves to whether the queues became empty.
 * @throws Error when `limitMs` of real time is not enough
 */
export const atRest = async (
  aws: LocalAws,
  { queues, waiting = [], functions }: Work,
  {
    movedSeconds: maximumSeconds,
    firstStepSeconds = 1,
    longestStepSeconds = 300,
    limitMs = 150_000,
  }: Patience,
): Promise<boolean> => {
  const endMs = Date.now() + limitMs;
  let movedSeconds = 0;
  let idleChecks = 0;
  let stepSeconds = firstStepSeconds;
  while (Date.now() < endMs) {
    const counts = queues.map((queue) => queue.counts());
    const isVisible = counts.some(({ visible }) => visible > 0);
    const isEmpty =
      !isVisible &&
      [...counts, ...waiting.map((queue) => queue.counts())].every(
        ({ visible, delayed, inFlight }) => visible + delayed + inFlight === 0,
      );
    const isBusy = functions.some((name) => aws.lambda.function(name).pool().busy() > 0);
    if (isEmpty && !isBusy) return true;
    idleChecks = isVisible || isBusy ? 0 : idleChecks + 1;
    // Only a visible message makes the steps short again. A busy function does not: it may only be busy with its schedule.
    if (isVisible) stepSeconds = firstStepSeconds;
    if (idleChecks > IDLE_CHECKS) {
      if (movedSeconds >= maximumSeconds) return false;
      aws.clock.advance(stepSeconds * 1_000);
      movedSeconds += stepSeconds;
      stepSeconds = Math.min(stepSeconds * 2, longestStepSeconds);
    }
    await sleep(10);
  }
  throw new Error(
    `the queues do not settle: ${JSON.stringify([...queues, ...waiting].map((queue) => queue.counts()))}`,
  );
};

/**
 * How many checks in a row must find nothing to do before the clock is moved. One check is not enough, because a finished batch is
 * deleted from its queue shortly after the function has returned.
 */
const IDLE_CHECKS = 5;
