/** What one execution environment of a function that replicates keeps, and what each invocation gets of it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Logger } from '@aws-lambda-powertools/logger';
import type { Context } from 'aws-lambda';
import { createBudget } from '../model/concurrency.ts';
import type { LiveQueue, TransferDeps } from '../delivery/deps.ts';
import type { ReplicationConfiguration } from '../model/rule.ts';
import { createServerSide } from '../copy/way.ts';
import { createBuckets } from './s3/buckets.ts';
import { createS3Clients } from './s3/clients.ts';
import { createDeadLetterQueue, createLiveQueue, createSqsClient } from './sqs/queues.ts';
import { createReceiptStore } from './dynamodb/receipts.ts';
import { createReporter } from './reporter.ts';
import { createRunCountsStore } from './dynamodb/run-counts.ts';
import { sendBodies } from './sqs/send-bodies.ts';
import { createTransferQueue } from './sqs/transfer-queue.ts';
import { createTransferStore } from './dynamodb/transfer-store.ts';

/** Kept free for the receipts, the queue calls and the answer after the last copy was cut off. */
const RESERVE_MS = 20_000;

/** What bodies may take of the memory at once. */
const BODY_BYTES = 96 * 1024 * 1024;

export interface Environment {
  /**
   * Disposed of at the end of the invocation: publishes its metrics. `queueArn`: where its messages came from, which is one queue for
   * all of them.
   */
  invocation(context: Context, queueArn: string | null): Invocation & Disposable;
}

interface Invocation {
  deps: TransferDeps;
  /** A line in the log that is about no object. */
  info(message: string, fields: object): void;
}

/** Reads the function's environment variables, once. Throws where one is missing. */
export const createEnvironment = (
  configuration: ReplicationConfiguration,
  variables: NodeJS.ProcessEnv,
): Environment => {
  const logger = new Logger();
  const sqs = createSqsClient();
  const sessionName = required(variables, 'ROLE_SESSION_NAME');
  const clients = createS3Clients({ region: required(variables, 'AWS_REGION'), sessionName });
  const receipts = createReceiptStore(required(variables, 'IDEMPOTENCY_TABLE'));
  const memory = createBudget(BODY_BYTES);
  const runs = createRunCountsStore(required(variables, 'RUNS_TABLE'), (message, error) =>
    logger.warn(message, { error: error instanceof Error ? error : new Error(String(error)) }),
  );
  const liveUrl = required(variables, 'LIVE_QUEUE_URL');
  const transferUrl = required(variables, 'TRANSFER_QUEUE_URL');
  const queues = [liveUrl, required(variables, 'BACKFILL_QUEUE_URL'), transferUrl].map((url) => ({
    url,
    queue: createLiveQueue(sqs, url),
  }));
  const queueOf = (arn: string | null): LiveQueue => {
    const name = arn?.split(':').at(-1);
    const found = queues.find(({ url }) => url.split('/').at(-1) === name) ?? queues[0];
    if (found === undefined) throw new Error('there is no queue');
    return found.queue;
  };
  const clock = { now: Date.now, sleep: (ms: number) => sleep(ms) };
  const shared = {
    configuration,
    memory,
    sessionName,
    deadLetterQueue: createDeadLetterQueue(sqs, required(variables, 'DEAD_LETTER_QUEUE_URL')),
    hints: { send: (body: string) => sendBodies(sqs, liveUrl, [body]) },
    transfers: {
      store: createTransferStore(required(variables, 'TRANSFERS_TABLE')),
      queue: createTransferQueue(sqs, transferUrl),
      concurrency: Number(required(variables, 'TRANSFER_CONCURRENCY')),
    },
    serverSide: createServerSide(clock),
    clock,
  };
  return {
    invocation(context, queueArn) {
      logger.addContext(context);
      const reporter = createReporter(logger);
      const workMs = Math.max(0, context.getRemainingTimeInMillis() - RESERVE_MS);
      const deadline = new AbortController();
      const timer = setTimeout(() => deadline.abort(), workMs);
      return {
        deps: {
          ...shared,
          liveQueue: queueOf(queueArn),
          runs: runs(),
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
        info: (message, fields) => logger.info(message, { ...fields }),
        [Symbol.dispose]() {
          clearTimeout(timer);
          reporter.publish();
        },
      };
    },
  };
};

export const required = (variables: NodeJS.ProcessEnv, name: string): string => {
  const value = variables[name];
  if (value === undefined || value === '') throw new Error(`environment variable ${name} is missing`);
  return value;
};
