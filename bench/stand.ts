/** The test stand. It holds the functions of the artifact, and the counterpart that they call in place of AWS. */
import { formatHint } from '../src/lib/hint/hint.ts';
import type { Artifact } from './artifact.ts';
import { DESTINATION_BUCKET, SOURCE_BUCKET } from './configuration.ts';
import { type Counterpart, startCounterpart } from './counterpart.ts';
import { type CounterpartObject, counterpartKey, partsCount } from './counterpart-object.ts';
import type { FloorEvent } from './functions/floor.ts';
import type { LibStorageEvent } from './functions/lib-storage.ts';

/** An object to copy. */
export interface Job {
  key: string;
  object: CounterpartObject;
}

export type Transport = 'http' | 'https';

export interface Stand {
  artifact: Artifact;
  counterpart: Counterpart;
  /** Makes a copy job for an object with a new key. */
  job(object: CounterpartObject): Job;
  /** The environment variables of a function that calls the counterpart. */
  variables(transport: Transport): Record<string, string>;
  /** Makes an event of the replicate function, which is a batch with one message for each job. */
  replicateEvent(jobs: Job[], sourceBucket?: string): unknown;
  /** Makes an event of the floor function. The objects of all jobs must have the same size and parts. */
  floorEvent(jobs: Job[], transport: Transport): FloorEvent;
  libStorageEvent(job: Job): LibStorageEvent;
  stop(): Promise<void>;
}

export const openStand = async (artifact: Artifact): Promise<Stand> => {
  const counterpart = await startCounterpart();
  const endpoint = (transport: Transport): string =>
    transport === 'https' ? counterpart.httpsEndpoint : counterpart.httpEndpoint;
  let count = 0;
  return {
    artifact,
    counterpart,
    job: (object) => ({ key: counterpartKey(object, String(count++)), object }),
    variables: (transport) => ({
      ...STACK_VARIABLES,
      AWS_ENDPOINT_URL: endpoint(transport),
      NODE_EXTRA_CA_CERTS: counterpart.caFile,
    }),
    replicateEvent: (jobs, sourceBucket = SOURCE_BUCKET) => ({
      Records: jobs.map((job) => message(job, sourceBucket)),
    }),
    floorEvent: (jobs, transport) => ({
      endpoint: endpoint(transport),
      sourceBucket: SOURCE_BUCKET,
      destinationBucket: DESTINATION_BUCKET,
      keys: jobs.map(({ key }) => key),
      parts: jobs[0] === undefined ? 1 : partsCount(jobs[0].object),
    }),
    libStorageEvent: ({ key, object }) => ({
      sourceBucket: SOURCE_BUCKET,
      destinationBucket: DESTINATION_BUCKET,
      key,
      partBytes: object.partBytes,
    }),
    stop: () => counterpart.stop(),
  };
};

/** The environment variables that the deployed stack would set. */
const STACK_VARIABLES = {
  LIVE_QUEUE_URL: 'https://sqs.us-east-1.amazonaws.com/111111111111/bench-live',
  WAITING_QUEUES: 'bench-waiting',
  LIVE_CONCURRENCY: '50',
  BACKFILL_CONCURRENCY: '50',
  BACKFILL_QUEUE_URL: 'https://sqs.us-east-1.amazonaws.com/111111111111/bench-backfill',
  RUNS_TABLE: 'bench-runs',
  TRANSFER_QUEUE_URL: 'https://sqs.us-east-1.amazonaws.com/111111111111/bench-transfers',
  TRANSFERS_TABLE: 'bench-transfers',
  TRANSFER_CONCURRENCY: '20',
  DEAD_LETTER_QUEUE_URL: 'https://sqs.us-east-1.amazonaws.com/111111111111/bench-live-dlq',
  IDEMPOTENCY_TABLE: 'bench-idempotency',
  ACCOUNT_ID: '111111111111',
  ROLE_SESSION_NAME: 'bench',
  POWERTOOLS_SERVICE_NAME: 'bench',
  POWERTOOLS_METRICS_NAMESPACE: 's3-replicator',
  POWERTOOLS_LOG_LEVEL: 'INFO',
};

/** Makes a record of Lambda's SQS event. */
const message = ({ key, object }: Job, sourceBucket: string): unknown => ({
  messageId: key,
  receiptHandle: 'bench',
  body: formatHint({
    bucket: sourceBucket,
    key,
    versionId: 'counterpart-version',
    sizeBytes: object.sizeBytes,
    kind: 'ObjectCreated:Put',
    identity: key,
    principalId: null,
    rule: null,
    destination: null,
    run: null,
  }),
  attributes: { ApproximateReceiveCount: '1', SentTimestamp: String(Date.now()) },
  messageAttributes: {},
  eventSource: 'aws:sqs',
  eventSourceARN: 'arn:aws:sqs:us-east-1:111111111111:bench-live',
});
