/** What one execution environment of the backfill function keeps, and what each invocation gets of it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Logger } from '@aws-lambda-powertools/logger';
import type { Context } from 'aws-lambda';
import type { ReplicationConfiguration } from '../model/rule.ts';
import type { MovingObjects, RunDeps } from '../runs/ports.ts';
import type { TransferStore } from '../copy/transfer/transfer.ts';
import { createListings } from './s3/bucket-listing.ts';
import { createBuckets } from './s3/buckets.ts';
import { createS3Clients } from './s3/clients.ts';
import { required } from './environment.ts';
import { createLiveQueue, createSqsClient } from './sqs/queues.ts';
import { createReportFiles } from './s3/report-bucket.ts';
import { createRunQueues } from './sqs/run-queues.ts';
import { createRunStore } from './dynamodb/run-store.ts';
import { createRunTopic } from './run-topic.ts';
import { createTransferStore } from './dynamodb/transfer-store.ts';
import type { LiveQueue } from '../delivery/deps.ts';

/** Kept free for what follows the last page: hints, the commit, the message for who goes on. */
const RESERVE_MS = 30_000;

/** What is logged of a message or a request. */
export interface RunLog {
  /** One line: what was asked, and what came of it. */
  info(message: string, fields: object): void;
  warn(message: string, fields: object): void;
}

export interface RunEnvironment {
  /** Disposed of at the end of the invocation. */
  invocation(context: Context): { deps: RunDeps; ranges: LiveQueue; log: RunLog } & Disposable;
}

/** Reads the function's environment variables, once. Throws where one is missing. */
export const createRunEnvironment = (
  configuration: ReplicationConfiguration,
  variables: NodeJS.ProcessEnv,
): RunEnvironment => {
  const logger = new Logger();
  const sqs = createSqsClient();
  const region = required(variables, 'AWS_REGION');
  const clients = createS3Clients({ region, sessionName: required(variables, 'ROLE_SESSION_NAME') });
  const stack = required(variables, 'STACK');
  const rangesUrl = required(variables, 'RANGES_QUEUE_URL');
  const shared = {
    stack,
    configuration,
    store: createRunStore(required(variables, 'RUNS_TABLE')),
    queues: createRunQueues(sqs, { rangesUrl, hintsUrl: required(variables, 'BACKFILL_QUEUE_URL') }),
    moving: movingObjects(createTransferStore(required(variables, 'TRANSFERS_TABLE'))),
    files: reportFiles(variables, stack, clients),
    topic: createRunTopic(required(variables, 'RUNS_TOPIC_ARN'), stack),
    clock: { now: Date.now, sleep: (ms: number) => sleep(ms) },
    random: Math.random,
    listingConcurrency: Number(required(variables, 'LISTING_CONCURRENCY')),
  };
  const ranges = createLiveQueue(sqs, rangesUrl);
  return {
    invocation(context) {
      logger.addContext(context);
      const workMs = Math.max(0, context.getRemainingTimeInMillis() - RESERVE_MS);
      const ending = new AbortController();
      const timer = setTimeout(() => ending.abort(), workMs + RESERVE_MS / 2);
      const { signal } = ending;
      return {
        deps: {
          ...shared,
          listings: createListings(clients, signal),
          buckets: createBuckets(clients, signal),
          deadlineMs: Date.now() + workMs,
        },
        ranges,
        log: {
          info: (message, fields) => logger.info(message, { ...fields }),
          warn: (message, fields) => logger.warn(message, { ...fields }),
        },
        [Symbol.dispose]: () => clearTimeout(timer),
      };
    },
  };
};

const reportFiles = (
  variables: NodeJS.ProcessEnv,
  stack: string,
  clients: ReturnType<typeof createS3Clients>,
): RunDeps['files'] => {
  const bucket = variables['REPORT_BUCKET'] ?? '';
  if (bucket === '') return null;
  const client = clients.own.retrying;
  return createReportFiles({ client, bucket, prefix: variables['REPORT_PREFIX'] ?? '', stack });
};

const movingObjects = ({ all }: Pick<TransferStore, 'all'>): MovingObjects => ({
  async count({ rule, destination }) {
    let moving = 0;
    for await (const transfer of all()) {
      const isTheirs = transfer.rule === rule && transfer.destination === destination;
      if (isTheirs && transfer.failure === null) moving += 1;
    }
    return moving;
  },
});
