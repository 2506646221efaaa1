/**
 * Calculates costs from the list prices of us-east-1 in US$ as read in July 2026, without free tiers or discounts.
 *
 * The costs do not include storage, KMS, logs, metrics, alarms, point-in-time recovery of tables, or the polling of empty queues. A GB is
 * 10⁹ bytes, as everywhere in the bench. On bills a GB may be 2³⁰ bytes, which is 7 % more.
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

/** The memory size in serverless.yml (1,769 MB), converted to GB. For Lambda, a GB is 1,024 MB. */
const FUNCTION_GB = 1_769 / 1_024;

/** The resources that replicating one object takes. */
export interface Consumption {
  sizeBytes: number;
  /** How often the functions call each operation of AWS. */
  counts: CallCounts;
  /** How many invocations an object takes. The number is a fraction if several objects share an invocation. */
  invocations: number;
  /** How many requests to SQS are made outside the functions: S3 sends messages, and Lambda's poller receives and deletes them. */
  queueRequests: number;
  functionSeconds: number;
}

export type Place = 'same-region' | 'between-regions';

/** Costs in US$, for each service and in total. */
export interface Cost {
  s3: number;
  dynamodb: number;
  sqs: number;
  lambda: number;
  transfer: number;
  total: number;
}

/** Returns the cost of replicating `objects` objects. `objects` may be a fraction. */
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
    lambda: objects * functionCost({ seconds: functionSeconds, invocations }),
    transfer: transferCost(objects * sizeBytes, place),
  };
  return { ...parts, total: Object.values(parts).reduce((sum, part) => sum + part, 0) };
};

/** Returns the price of the function in US$. `seconds` is the time that its environments were at work. */
export const functionCost = ({ seconds, invocations }: { seconds: number; invocations: number }): number =>
  invocations * PRICES.invocation + seconds * FUNCTION_GB * PRICES.functionGbSecond;

/**
 * Returns the price of one call in US$. `operation` has the form `s3:GetObject`. Each read of DynamoDB is priced as a strongly consistent
 * read of an item of the smallest billed size.
 */
export const priceOfCall = (operation: string): number => {
  const [service, name = ''] = operation.split(':');
  switch (service) {
    case 's3':
      if (/^(Delete|Abort)/.test(name)) return 0;
      return /^(Get|Head)/.test(name) ? PRICES.s3Read : PRICES.s3Write;
    case 'dynamodb':
      if (/^(Get|Query|Scan|BatchGet)/.test(name)) return PRICES.dynamodbRead;
      // A transaction writes at least two items, and each of them costs twice the normal price.
      return name.startsWith('Transact') ? 4 * PRICES.dynamodbWrite : PRICES.dynamodbWrite;
    case 'sqs':
      return PRICES.sqsRequest;
    default:
      return 0;
  }
};

const transferCost = (bytes: number, place: Place): number =>
  place === 'same-region' ? 0 : (bytes / 1e9) * PRICES.betweenRegionsGb;

/**
 * Returns what AWS's own services would cost for the same objects, in US$. All objects are assumed to be in one job or run. Each object
 * needs one PUT and, with DataSync, also one GET.
 */
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
