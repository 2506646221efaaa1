/** What one execution environment of the replicate function keeps, and what each invocation gets of it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Logger } from '@aws-lambda-powertools/logger';
import type { Context } from 'aws-lambda';
import { createBudget } from '../concurrency.ts';
import type { Deps } from '../invocation-deps.ts';
import type { ReplicationConfiguration } from '../rule.ts';
import { createBuckets } from './buckets.ts';
import { createS3Clients } from './clients.ts';
import { createDeadLetterQueue, createLiveQueue, createSqsClient } from './queues.ts';
import { createReceiptStore } from './receipts.ts';
import { createReporter } from './reporter.ts';

/** Kept free for the receipts, the queue calls and the answer after the last copy was cut off. */
const RESERVE_MS = 20_000;

/** What bodies may take of the memory at once. */
const BODY_BYTES = 96 * 1024 * 1024;

export interface Environment {
  /** Disposed of at the end of the invocation: publishes its metrics. */
  invocation(context: Context): { deps: Deps } & Disposable;
}

/** Reads the function's environment variables, once. Throws where one is missing. */
export const createEnvironment = (
  configuration: ReplicationConfiguration,
  variables: NodeJS.ProcessEnv,
): Environment => {
  const logger = new Logger();
  const sqs = createSqsClient();
  const clients = createS3Clients({
    region: required(variables, 'AWS_REGION'),
    sessionName: required(variables, 'ROLE_SESSION_NAME'),
  });
  const receipts = createReceiptStore(required(variables, 'IDEMPOTENCY_TABLE'));
  const memory = createBudget(BODY_BYTES);
  const shared = {
    configuration,
    memory,
    liveQueue: createLiveQueue(sqs, required(variables, 'LIVE_QUEUE_URL')),
    deadLetterQueue: createDeadLetterQueue(sqs, required(variables, 'DEAD_LETTER_QUEUE_URL')),
    clock: { now: Date.now, sleep: (ms: number) => sleep(ms) },
  };
  return {
    invocation(context) {
      logger.addContext(context);
      const reporter = createReporter(logger);
      const workMs = Math.max(0, context.getRemainingTimeInMillis() - RESERVE_MS);
      const deadline = new AbortController();
      const timer = setTimeout(() => deadline.abort(), workMs);
      return {
        deps: {
          ...shared,
          buckets: createBuckets(clients, deadline.signal),
          receipts: receipts(context),
          reporter,
          invocation: {
            requestId: context.awsRequestId,
            deadlineMs: Date.now() + workMs,
            fullTimeMs: workMs,
            bytesUnderWay: 0,
          },
        },
        [Symbol.dispose]() {
          clearTimeout(timer);
          reporter.publish();
        },
      };
    },
  };
};

const required = (variables: NodeJS.ProcessEnv, name: string): string => {
  const value = variables[name];
  if (value === undefined || value === '') throw new Error(`environment variable ${name} is missing`);
  return value;
};
