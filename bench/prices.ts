/**
 * What things cost: list prices of us-east-1 in US$ as of November 2026, without free tiers and discounts. Pure arithmetic.
 *
 * Not counted for anybody: storage, KMS, logs, metrics, alarms, point-in-time recovery of tables, and queues that are polled while
 * nothing comes. A GB is 10⁹ bytes here as everywhere in the bench; on bills it may be 2³⁰, 7 % more.
 */
import type { CallCounts } from './call-counts.ts';

const PRICES = {
  s3Write: 0.005 / 1e3,
  s3Read: 0.0004 / 1e3,
  sqsRequest: 0.4 / 1e6,
  invocation: 0.2 / 1e6,
  functionGbSecond: 0.0000133334,
  dynamodbWrite: 0.625 / 1e6,
  dynamodbRead: 0.125 / 1e6,
  betweenRegionsGb: 0.02,
  timeControlGb: 0.015,
  batchJob: 0.25,
  batchObject: 1 / 1e6,
  dataSyncBasicGb: 0.0125,
  dataSyncEnhancedGb: 0.015,
  dataSyncEnhancedRun: 0.55,
};

/** serverless.yml's 1,769 MB; Lambda bills GB of 1,024 MB. */
const FUNCTION_GB = 1_769 / 1_024;

/** What one object takes. */
export interface Consumption {
  sizeBytes: number;
  /** Of the functions. */
  counts: CallCounts;
  /** Shares of an invocation, where a batch is several objects. */
  invocations: number;
  /** What S3 sends, and Lambda's poller receives and deletes. */
  queueRequests: number;
  functionSeconds: number;
}

export type Place = 'same-region' | 'between-regions';

/** US$ by service; of which `total` is the sum. */
export interface Cost {
  s3: number;
  dynamodb: number;
  sqs: number;
  lambda: number;
  transfer: number;
  total: number;
}

/** Of so many objects, which may be a fraction of one. */
export const costOf = (consumption: Consumption, objects: number, place: Place): Cost => {
  const { sizeBytes, counts, invocations, queueRequests, functionSeconds } = consumption;
  const ofCalls = (service: string): number =>
    [...counts]
      .filter(([operation]) => operation.startsWith(`${service}:`))
      .reduce((sum, [operation, count]) => sum + count * priceOfCall(operation), 0);
  const parts = {
    s3: objects * ofCalls('s3'),
    dynamodb: objects * ofCalls('dynamodb'),
    sqs: objects * (ofCalls('sqs') + queueRequests * PRICES.sqsRequest),
    lambda:
      objects * (invocations * PRICES.invocation + functionSeconds * FUNCTION_GB * PRICES.functionGbSecond),
    transfer: transferCost(objects * sizeBytes, place),
  };
  return { ...parts, total: Object.values(parts).reduce((sum, part) => sum + part, 0) };
};

/** US$ of one call, e.g. `s3:GetObject`; of reading as of the smallest item, strongly consistent. */
export const priceOfCall = (operation: string): number => {
  const [service, name = ''] = operation.split(':');
  switch (service) {
    case 's3':
      if (/^(Delete|Abort)/.test(name)) return 0;
      return /^(Get|Head)/.test(name) ? PRICES.s3Read : PRICES.s3Write;
    case 'dynamodb':
      if (/^(Get|Query|Scan|BatchGet)/.test(name)) return PRICES.dynamodbRead;
      // Of two items at least, each twice as dear.
      return name.startsWith('Transact') ? 4 * PRICES.dynamodbWrite : PRICES.dynamodbWrite;
    case 'sqs':
      return PRICES.sqsRequest;
    default:
      return 0;
  }
};

const transferCost = (bytes: number, place: Place): number =>
  place === 'same-region' ? 0 : (bytes / 1e9) * PRICES.betweenRegionsGb;

/** US$ of what AWS offers for the same objects, all of them in one job or run. Requests: one PUT each, and for DataSync one GET. */
export const alternativeCosts = (
  sizeBytes: number,
  objects: number,
  place: Place,
): { name: string; total: number }[] => {
  const gigabytes = (objects * sizeBytes) / 1e9;
  const transfer = transferCost(objects * sizeBytes, place);
  const native = objects * PRICES.s3Write + transfer;
  const copied = objects * (PRICES.s3Write + PRICES.s3Read) + transfer;
  return [
    { name: 'native replication', total: native },
    { name: 'native replication with RTC', total: native + gigabytes * PRICES.timeControlGb },
    {
      name: 'Batch Operations (one job)',
      total: native + PRICES.batchJob + objects * PRICES.batchObject,
    },
    { name: 'DataSync Basic', total: copied + gigabytes * PRICES.dataSyncBasicGb },
    {
      name: 'DataSync Enhanced (one run)',
      total: copied + gigabytes * PRICES.dataSyncEnhancedGb + PRICES.dataSyncEnhancedRun,
    },
  ];
};
