/**
 * The clients and stores that an execution environment of the backfill function keeps, and the dependencies that it gives each invocation.
 */
import type { Context } from 'aws-lambda';
import type { TransferStore } from '../copy/transfer/transfer.ts';
import type { ReplicationConfiguration } from '../model/rule.ts';
import type { MovingObjects, RangesQueue, RunDeps } from '../runs/ports.ts';
import type { ProbeCompareRoles } from '../runs/compare-probe.ts';
import type { RunSpec } from '../runs/run.ts';
import { createBrakeLedger } from './dynamodb/brake-ledger.ts';
import { createCircuitStore } from './dynamodb/circuit-store.ts';
import { createRunStore } from './dynamodb/run-store.ts';
import { createVerifyLedger } from './dynamodb/verify-ledger.ts';
import { createTransferStore } from './dynamodb/transfer-store.ts';
import { createVersionReceipts } from './dynamodb/version-receipts.ts';
import { createEnvironment, type Environment, limitTime } from './environment.ts';
import { createVerifyMetrics } from './cloudwatch/verify-metrics.ts';
import { createRunTopic } from './run-topic.ts';
import { createListings } from './s3/bucket-listing.ts';
import { createBuckets } from './s3/buckets.ts';
import { createCompareProbe } from './s3/probe/probe-compare.ts';
import { createReportFiles } from './s3/report-bucket.ts';
import { createRangesQueue, createRunQueues, messagesIn } from './sqs/queues.ts';
import { waitingUrlOf } from './sqs/waiting-queues.ts';

/** How long an invocation needs after its last page: to send hints, to commit, and to send the rest of the range to another invocation. */
const RUN_RESERVE_MS = 30_000;

/** The log of one message or request. */
export interface RunLog {
  /** Writes one line with the message or request and its result. */
  info(message: string, fields: object): void;
  warn(message: string, fields: object): void;
}

export interface RunEnvironment {
  /** The result must be disposed of at the end of the invocation. */
  invocation(
    context: Context,
  ): { deps: RunDeps; ranges: RangesQueue; log: RunLog; probe: ProbeCompareRoles } & Disposable;
}

/** Sets up an execution environment when it starts. Throws when an environment variable is missing. */
export const createRunEnvironment = (
  configuration: ReplicationConfiguration,
  variables: NodeJS.ProcessEnv,
): RunEnvironment => {
  const environment = createEnvironment(variables, configuration, 'compare');
  const { logger, clients, sqs, variable } = environment;
  const shared = { configuration, ...runDeps(environment, variables) };
  const probe = createCompareProbe(
    { configuration, clientsFor: () => environment.clientsFor('compare') },
    { region: variable('AWS_REGION'), sessionName: environment.sessionName, now: environment.clock.now },
  );
  const ranges = createRangesQueue(sqs, variable('RANGES_QUEUE_URL'));
  return {
    invocation(context) {
      logger.addContext(context);
      const limit = limitTime(context, { reserveMs: RUN_RESERVE_MS, graceMs: RUN_RESERVE_MS / 2 });
      const { deadlineMs, signal } = limit;
      return {
        deps: {
          ...shared,
          listings: createListings(clients, signal),
          buckets: createBuckets(clients, signal),
          deadlineMs,
        },
        ranges,
        probe,
        log: {
          info: (message, fields) => logger.info(message, { ...fields }),
          warn: (message, fields) => logger.warn(message, { ...fields }),
        },
        [Symbol.dispose]: () => limit[Symbol.dispose](),
      };
    },
  };
};

const runDeps = (environment: Environment, variables: NodeJS.ProcessEnv) => {
  const { sqs, clients, clock, loggedKeys, variable } = environment;
  const stack = variable('STACK');
  const waitingUrl = waitingUrlOf(variable('BACKFILL_QUEUE_URL'), variable('WAITING_QUEUES'));
  const queues = { rangesUrl: variable('RANGES_QUEUE_URL'), hintsUrl: variable('BACKFILL_QUEUE_URL') };
  const bucket = variables['REPORT_BUCKET'] ?? '';
  const prefix = variables['REPORT_PREFIX'] ?? '';
  const account = variable('REPORT_ACCOUNT');
  return {
    stack,
    store: createRunStore(variable('RUNS_TABLE')),
    receipts: createVersionReceipts(variable('IDEMPOTENCY_TABLE')),
    queues: createRunQueues(sqs, queues),
    moving: movingObjects(createTransferStore(variable('TRANSFERS_TABLE')), (of) =>
      messagesIn(sqs, waitingUrl({ rule: { id: of.rule }, destination: { id: of.destination } }), 'waiting'),
    ),
    files: bucket === '' ? null : createReportFiles({ clients, bucket, account, prefix, stack, loggedKeys }),
    brakes: createBrakeLedger(variable('RUNS_TABLE')),
    circuits: createCircuitStore(variable('IDEMPOTENCY_TABLE')),
    verifies: createVerifyLedger(variable('RUNS_TABLE')),
    metrics: createVerifyMetrics(),
    topic: createRunTopic(variable('RUNS_TOPIC_ARN'), stack),
    clock,
    random: Math.random,
    listingConcurrency: Number(variable('LISTING_CONCURRENCY')),
  };
};

const movingObjects = (
  { all }: Pick<TransferStore, 'all'>,
  waitingFor: (of: Pick<RunSpec, 'rule' | 'destination'>) => Promise<number>,
): MovingObjects => ({
  async count({ rule, destination }, id) {
    const moving = { ofRule: 0, ofRun: 0, waiting: await waitingFor({ rule, destination }) };
    for await (const transfer of all()) {
      if (transfer.rule !== rule || transfer.destination !== destination || transfer.failure !== null)
        continue;
      moving.ofRule += 1;
      if (transfer.run === id) moving.ofRun += 1;
    }
    return moving;
  },
});
