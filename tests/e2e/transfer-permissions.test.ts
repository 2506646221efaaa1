/** Every permission that transfers, their sweep and copies inside S3 need, taken away one at a time, as in permissions.test.ts. */
import { afterAll, beforeAll } from 'vitest';
import { reachableWithoutTls } from './support/battery.ts';
import { type Look, type Loss, losing } from './support/losses.ts';
import { testWithoutEach } from './support/without-each.ts';
import type { Stage } from './support/stage.ts';
import {
  COPIES_ARE_WELL,
  copyBattery,
  type CopyObservation,
  JOBS_ARE_WELL,
  type JobObservation,
  startCopyingStage,
  sweepBattery,
  type SweepObservation,
  SWEEPS_ARE_WELL,
  transferBattery,
  transferJobBattery,
  type TransferObservation,
  TRANSFERS_ARE_WELL,
} from './support/transfer-permissions-battery.ts';

type Observation = TransferObservation &
  SweepObservation &
  JobObservation &
  CopyObservation & { withoutTls: string[] };

/** It waits for a person, who is told, with what is there of it. */
const GIVEN_UP: Partial<Observation> = {
  missing: ['large'],
  dead: ['large: access-denied'],
  records: ['large'],
  open: 1,
};
/** Tried again until the table can be used. */
const WAITING: Partial<Observation> = { missing: ['large'], retried: ['service-error'] };
/** Tasks that S3's completion report says why to try again. */
const UNDONE: Partial<Observation> = {
  tasks: ['TemporaryFailure: service-error', 'TemporaryFailure: service-error'],
  missing: ['large'],
};

const TAGS =
  'the function sends the tags along; granted in case S3 asks nevertheless, which is not documented';

const WITHOUT: Record<string, Loss<Observation>> = {
  // Ranges, and the hint that all parts are there. The sweep says that it cannot send them either.
  'ReplicateRole Queues sqs:SendMessage': {
    ...GIVEN_UP,
    retried: ['access-denied'],
    complaints: ['plain-replica: access-denied'],
  },
  'ReplicateRole Transfers dynamodb:GetItem': WAITING,
  'ReplicateRole Transfers dynamodb:PutItem': WAITING,
  // Its ranges are in the queue before that is written down.
  'ReplicateRole Transfers dynamodb:UpdateItem': { retried: ['service-error'] },
  // Everything is there; of the record that nobody can remove each sweep complains.
  'ReplicateRole Transfers dynamodb:DeleteItem': {
    records: ['large'],
    retried: ['service-error'],
    complaints: ['plain-replica: service-error'],
  },
  'ReplicationRole WriteReplicas s3:ListMultipartUploadParts': GIVEN_UP,

  // The invocation fails.
  'ReplicateRole Sweep dynamodb:Scan': { swept: false, complaints: ['dynamodb:Scan'] },
  // Three rules, two of which write into the same bucket under prefixes of their own.
  'ReplicationRole ListReplicas s3:ListBucketMultipartUploads': {
    swept: false,
    complaints: ['replicas: access-denied', 'plain-replica: access-denied', 'replicas: access-denied'],
  },
  'TransferLambdaPermissionEventsRuleSchedule1 lambda:InvokeFunction': { swept: false, undelivered: 1 },

  'BatchRole Ranges sqs:SendMessage': {
    tasks: ['PermanentFailure: access-denied', 'PermanentFailure: access-denied'],
    missing: ['large'],
    records: ['large'],
  },
  'BatchRole Transfers dynamodb:GetItem': UNDONE,
  'BatchRole Transfers dynamodb:PutItem': UNDONE,
  'BatchRole Transfers dynamodb:UpdateItem': {
    tasks: ['TemporaryFailure: service-error', 'Succeeded: replicated'],
  },
  // Until the next sweep.
  'BatchRole Transfers dynamodb:DeleteItem': { records: ['large'] },

  // What S3 may not copy is streamed.
  'ReplicationRole CopySources s3:GetObject': { streamed: ['bridged'] },
  'ReplicationRole CopySources s3:GetObjectVersion': { streamed: ['versioned'] },
  'ReplicationRole CopySources s3:GetObjectTagging': { unseen: TAGS },
  'ReplicationRole CopySources s3:GetObjectVersionTagging': { unseen: TAGS },
  'ReplicationRole DecryptSources kms:Decrypt': { streamed: ['versioned'] },

  'TransferQueuePolicy TlsOnly sqs:*': { withoutTls: ['transfer queue'] },
  'TransferDeadLetterQueuePolicy TlsOnly sqs:*': { withoutTls: ['dead-letter queue of transfers'] },
};

/** The first that is of a permission is meant. */
const LOOKS: Look<Observation>[] = [
  {
    of: / TlsOnly /,
    at: async (on, run) => ({ withoutTls: await reachableWithoutTls(on, run) }),
    well: { withoutTls: [] },
  },
  { of: / Sweep |Uploads$|Schedule/, at: sweepBattery, well: SWEEPS_ARE_WELL },
  { of: /^BatchRole /, at: transferJobBattery, well: JOBS_ARE_WELL },
  { of: /Sources /, at: copyBattery, well: COPIES_ARE_WELL },
  { of: /Queues|Transfers|Parts$/, at: transferBattery, well: TRANSFERS_ARE_WELL },
];

const own = losing('transfers', WITHOUT);

let stage: Stage;
beforeAll(async () => {
  stage = await startCopyingStage();
});
afterAll(async () => {
  await stage?.stop();
});

testWithoutEach(own, WITHOUT, LOOKS, () => stage);
