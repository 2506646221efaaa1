/**
 * The clients and stores that an execution environment of a replicating function keeps, and the dependencies that it gives each invocation.
 */
import { randomUUID } from 'node:crypto';
import type { Context } from 'aws-lambda';
import { createServerSide } from '../copy/way.ts';
import { watchAnswers } from '../delivery/answer-watch.ts';
import { createBrakes } from '../delivery/brakes.ts';
import { unknownStack } from '../converge/stack-listing.ts';
import { circuitsFor, type KnownCircuits, knowCircuits } from '../delivery/circuits.ts';
import type { LiveQueue, TransferDeps } from '../delivery/deps.ts';
import type { Forwarded, Forwarding } from '../delivery/forwarding.ts';
import { formatHint, type Hint, isOfRun } from '../hint/hint.ts';
import type { Forgetting, Forgotten } from '../delivery/known-letters.ts';
import { createBudget } from '../model/concurrency.ts';
import { type ReplicationConfiguration, ruleDestinations } from '../model/rule.ts';
import { createBrakeStore } from './dynamodb/brake-store.ts';
import { createCircuitStore } from './dynamodb/circuit-store.ts';
import { createKnownLetters } from './dynamodb/known-letters.ts';
import { createReceiptStore } from './dynamodb/receipts.ts';
import { createRunCountsStore } from './dynamodb/run-counts.ts';
import { createGetSigner } from './dynamodb/stamp-key.ts';
import { createTransferStore } from './dynamodb/transfer-store.ts';
import { createVersionReceipts } from './dynamodb/version-receipts.ts';
import { createEventBus } from './event-bus.ts';
import { createEnvironment, type Environment, limitTime, REPLICATE_RESERVE_MS } from './environment.ts';
import { collecting, createPendingWork, type InvocationPending } from './pending-work.ts';
import { createReporter } from './reporter.ts';
import { createBuckets } from './s3/buckets.ts';
import { deniesAllIn } from './s3/probe/denies-all.ts';
import { sendBodies } from './sqs/message-batches.ts';
import {
  createDeadLetterQueue,
  createLiveQueue,
  createRetries,
  createTransferQueue,
  originOf,
} from './sqs/queues.ts';
import { forwardMessages } from './sqs/forward.ts';
import { createWaitingQueues, sendingBack, waitingUrlOf } from './sqs/waiting-queues.ts';

/** Maximum bytes of memory that the bodies of objects take at once. */
const BODY_BYTES = 96 * 1024 * 1024;

export interface ReplicateEnvironment {
  /** `queueArn` is the queue that the messages of this invocation came from. It is null if the messages did not come from a queue. */
  invocation(context: Context, queueArn: string | null): ReplicateInvocation;
  /** Sends on the messages that an operator's command gives. */
  forward(forwarding: Forwarding): Promise<Forwarded>;
  /** Forgets the letters that an operator's command is about to delete. */
  forget(forgetting: Forgetting): Promise<Forgotten>;
}

/** The dependencies of one invocation. Disposing of them at the end of the invocation publishes its metrics. */
interface ReplicateInvocation extends Disposable, InvocationPending {
  deps: TransferDeps;
  /** Writes a log line that does not concern a particular object. */
  info(message: string, fields: object): void;
}

/** Sets up an execution environment when it starts. Throws when an environment variable is missing. */
export const createReplicateEnvironment = (
  configuration: ReplicationConfiguration,
  variables: NodeJS.ProcessEnv,
): ReplicateEnvironment => {
  const environment = createEnvironment(variables, configuration, 'write');
  const { logger, clients, variable } = environment;
  const shared = { configuration, ...replicateDeps(environment, configuration) };
  const receipts = createReceiptStore(variable('IDEMPOTENCY_TABLE'));
  const warn = (message: string, error: unknown): void =>
    logger.warn(message, { error: error instanceof Error ? error : new Error(String(error)) });
  const versionReceipts = createVersionReceipts(variable('IDEMPOTENCY_TABLE'), {
    onLost: (error) => warn('receipt-not-kept', error),
  });
  const runs = createRunCountsStore(variable('RUNS_TABLE'), warn);
  const queueOf = queueByArn(environment);
  const known = knowCircuitsIn(environment);
  const watch = watchAnswers(known);
  const pending = createPendingWork(environment, shared, known);
  return {
    async forget({ forget }) {
      await shared.letters.forget(forget);
      return { forgotten: forget.length };
    },
    forward: (forwarding) => forwardMessages(environment.sqs, queueUrls(environment), forwarding),
    invocation(context, queueArn) {
      logger.addContext(context);
      const limit = limitTime(context, { reserveMs: REPLICATE_RESERVE_MS, graceMs: 0 });
      const { workMs, deadlineMs, signal } = limit;
      const pool = queueArn === null ? null : originOf(queueArn);
      const collector = pending.collector(pool);
      const reporter = collecting(createReporter(logger, environment), collector);
      const buckets = createBuckets(clients, signal, watch.forPool(pool));
      return {
        deps: {
          ...shared,
          versionReceipts,
          circuits: circuitsFor(known, pool, { flush: watch.flush, deniesAll: deniesAllIn(buckets) }),
          liveQueue: queueOf(queueArn),
          runs: runs(),
          buckets,
          receipts: receipts(context),
          reporter,
          invocation: {
            requestId: context.awsRequestId,
            deadlineMs,
            fullTimeMs: workMs,
            bytesUnderWay: 0,
            heldBytes: 0,
          },
        },
        ...pending.ofInvocation(reporter, collector),
        info: (message, fields) => logger.info(message, { ...fields }),
        [Symbol.dispose]() {
          limit[Symbol.dispose]();
          reporter.publish();
        },
      };
    },
  };
};

/** The URLs of the queues to which messages return. */
const queueUrls = ({ variable }: Environment) => ({
  live: variable('LIVE_QUEUE_URL'),
  backfill: variable('BACKFILL_QUEUE_URL'),
  transfer: variable('TRANSFER_QUEUE_URL'),
});

const replicateDeps = (environment: Environment, configuration: ReplicationConfiguration) => {
  const { sqs, sessionName, clock, variable, logger } = environment;
  const urls = queueUrls(environment);
  const { live: liveUrl } = urls;
  const waitingUrl = waitingUrlOf(liveUrl, variable('WAITING_QUEUES'));
  const hasOneDestination = ruleDestinations(configuration).length === 1;
  return {
    retries: createRetries(sqs, urls, waitingUrl),
    waiting: createWaitingQueues(sqs, { liveUrl, sendBack: sendingBack(sqs, urls) }, waitingUrl),
    sessionName,
    clock,
    // With several destinations, each gets at most half of the memory. A destination that hangs leaves the other half free.
    memory: createBudget(BODY_BYTES, hasOneDestination ? BODY_BYTES : BODY_BYTES / 2),
    neighbourhoods: new Map(),
    stack: unknownStack(),
    deadLetterQueue: createDeadLetterQueue(sqs, variable('DEAD_LETTER_QUEUE_URL')),
    letters: createKnownLetters(variable('IDEMPOTENCY_TABLE'), () => clock.now()),
    brake: createBrakes({ store: createBrakeStore(variable('RUNS_TABLE')), clock }),
    hints: {
      send: (hint: Hint) => sendBodies(sqs, isOfRun(hint) ? urls.backfill : urls.live, [formatHint(hint)]),
    },
    transfers: {
      store: createTransferStore(variable('TRANSFERS_TABLE')),
      queue: createTransferQueue(sqs, variable('TRANSFER_QUEUE_URL')),
      concurrency: Number(variable('TRANSFER_CONCURRENCY')),
    },
    serverSide: createServerSide(clock),
    announcements: {
      bus: createEventBus(variable('AWS_REGION'), async () => await sqs.config.credentials()),
      keep: (body: string) => sendBodies(sqs, urls.live, [body]),
    },
    signer: createGetSigner(variable('IDEMPOTENCY_TABLE'), (error) =>
      logger.warn('stamps-unsigned', { error: error instanceof Error ? error : new Error(String(error)) }),
    ),
  };
};

const knowCircuitsIn = ({ clock, variable }: Environment): KnownCircuits =>
  knowCircuits({
    store: createCircuitStore(variable('IDEMPOTENCY_TABLE')),
    clock,
    slots: {
      live: Number(variable('LIVE_CONCURRENCY')),
      backfill: Number(variable('BACKFILL_CONCURRENCY')),
      transfer: Number(variable('TRANSFER_CONCURRENCY')),
    },
    environment: randomUUID(),
    after(ms, callback) {
      const timer = setTimeout(callback, ms);
      return () => clearTimeout(timer);
    },
  });

/** Returns a function that finds a queue by its ARN. For null or an unknown ARN, that function returns the live queue. */
const queueByArn = ({ sqs, variable }: Environment): ((arn: string | null) => LiveQueue) => {
  const liveUrl = variable('LIVE_QUEUE_URL');
  const live = createLiveQueue(sqs, liveUrl);
  const queues = new Map([
    [queueName(liveUrl, '/'), live],
    ...['BACKFILL_QUEUE_URL', 'TRANSFER_QUEUE_URL'].map((name) => {
      const url = variable(name);
      return [queueName(url, '/'), createLiveQueue(sqs, url)] as const;
    }),
  ]);
  return (arn) => (arn === null ? live : (queues.get(queueName(arn, ':')) ?? live));
};

/** Returns the name of a queue, which is the last part of its URL or ARN. */
const queueName = (text: string, separator: string): string => text.split(separator).at(-1) ?? '';
