/** Reads the parts of a deployment's state with the credentials of the caller. */
import { GetQueueUrlCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type { Transfer } from '../copy/transfer/transfer.ts';
import { waitingQueueSuffix } from '../model/rule.ts';
import { recentArrivals } from '../state/arrivals.ts';
import type { QueueCounts, Readable } from '../state/deployment-state.ts';
import type { StateSources } from '../state/ports.ts';
import { createArrivalStore } from './dynamodb/arrival-store.ts';
import { createBrakeLedger } from './dynamodb/brake-ledger.ts';
import { createCircuitStore } from './dynamodb/circuit-store.ts';
import { createRunStore } from './dynamodb/run-store.ts';
import { createVerifyLedger } from './dynamodb/verify-ledger.ts';
import { createTransferStore } from './dynamodb/transfer-store.ts';
import { toQueueError } from './errors.ts';
import { countsOf } from './sqs/queue-counts.ts';
import { createSqsClient } from './sqs/queues.ts';
import { mostFrequentReasons } from '../state/failure-reasons.ts';
import { openLogs } from './cloudwatch/logs.ts';
import { alarmsOf, createCloudWatchClient, measuresOf } from './cloudwatch/cloudwatch.ts';
import { readable } from './readable.ts';

/** The names of the resources that are read. */
interface Names {
  stack: string;
  replicateFunction: string;
  transferFunction: string;
  liveQueue: string;
  deadLetterQueue: string;
  backfillQueue: string;
  rangesQueue: string;
  rangesDeadLetterQueue: string;
  transferQueue: string;
  transferDeadLetterQueue: string;
  /** The beginning of the names of all waiting queues. */
  waitingQueues: string;
  table: string;
  runsTable: string;
  transfersTable: string;
}

/** How many runs are read to find the last verify of each destination. */
const RUNS = 50;

/** How many pages of each log are searched for the reasons of failures. */
const FAILURE_PAGES = 5;

export const createStateSources = (names: Names, region: string): StateSources => {
  const count = queueCounter(createSqsClient(region), region);
  const cloudWatch = createCloudWatchClient(region);
  const runs = createRunStore(names.runsTable, region);
  return {
    async queues() {
      const [live, backfill, ranges, transfers] = await Promise.all([
        count(names.liveQueue),
        count(names.backfillQueue),
        count(names.rangesQueue),
        count(names.transferQueue),
      ]);
      return { live, backfill, ranges, transfers };
    },
    async deadLetters() {
      const [live, ranges, transfers] = await Promise.all([
        count(names.deadLetterQueue),
        count(names.rangesDeadLetterQueue),
        count(names.transferDeadLetterQueue),
      ]);
      return { live, ranges, transfers };
    },
    async waiting({ rule, destination }) {
      const counts = await count(names.waitingQueues + waitingQueueSuffix(rule, destination));
      return 'notReadable' in counts ? counts : counts.visible + counts.inFlight + counts.delayed;
    },
    circuits: () => readable('dynamodb:GetItem', createCircuitStore(names.table, region).load),
    arrivals: (nowMs) =>
      readable('dynamodb:GetItem', () => recentArrivals(createArrivalStore(names.table, region), nowMs)),
    brakes: () => readable('dynamodb:Query', createBrakeLedger(names.runsTable, region).all),
    runs: () => readable('dynamodb:Query', () => runs.list(RUNS)),
    verifies: () => readable('dynamodb:Query', createVerifyLedger(names.runsTable, region).all),
    progress: (id) =>
      readable('dynamodb:Query', async () => {
        const run = await runs.progress(id);
        return run === null ? null : { run, copied: await runs.copied(id) };
      }),
    transfers: () =>
      readable('dynamodb:Scan', async () => {
        const found: Transfer[] = [];
        for await (const transfer of createTransferStore(names.transfersTable, region).all())
          found.push(transfer);
        return found;
      }),
    measures: (pairs, nowMs) =>
      readable('cloudwatch:GetMetricData', () => measuresOf(cloudWatch, pairs, queueNames(names), nowMs)),
    failures: (sinceMs) =>
      readable('logs:FilterLogEvents', async () => {
        const functions = [names.replicateFunction, names.transferFunction];
        const query = { rule: null, key: null, message: 'quarantined', sinceMs };
        return mostFrequentReasons((await openLogs(functions, region, FAILURE_PAGES).find(query)).lines);
      }),
    alarms: () => readable('cloudwatch:DescribeAlarms', () => alarmsOf(cloudWatch, names.stack)),
  };
};

const queueNames = (names: Names) => ({
  live: names.liveQueue,
  backfill: names.backfillQueue,
  ranges: names.rangesQueue,
  transfers: names.transferQueue,
  'dead-live': names.deadLetterQueue,
  'dead-ranges': names.rangesDeadLetterQueue,
  'dead-transfers': names.transferDeadLetterQueue,
});

/** Returns a function that counts the messages of a queue. It looks up the URL of each queue once. */
const queueCounter = (
  client: SQSClient,
  region: string,
): ((queue: string) => Promise<Readable<QueueCounts>>) => {
  const urls = new Map<string, string>();
  const ask = async <Value>(action: string, queue: string, call: () => Promise<Value>): Promise<Value> => {
    try {
      return await call();
    } catch (error) {
      throw toQueueError(error, { action, resource: `queue ${queue}`, region });
    }
  };
  const urlOf = async (queue: string): Promise<string> => {
    const known = urls.get(queue);
    if (known !== undefined) return known;
    const { QueueUrl: url = '' } = await ask('sqs:GetQueueUrl', queue, () =>
      client.send(new GetQueueUrlCommand({ QueueName: queue })),
    );
    urls.set(queue, url);
    return url;
  };
  return async (queue) => {
    const url = await readable('sqs:GetQueueUrl', () => urlOf(queue));
    if (typeof url !== 'string') return url;
    return await readable('sqs:GetQueueAttributes', () =>
      ask('sqs:GetQueueAttributes', queue, () => countsOf(client, url)),
    );
  };
};
