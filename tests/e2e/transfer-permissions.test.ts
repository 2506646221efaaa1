/**
 * Removes permissions one at a time, as permissions.test.ts does for live replication: those of transfers, of the sweep, and of copies
 * inside S3.
 */
import { afterAll, beforeAll } from 'vitest';
import { reachableWithoutTls } from './support/permissions/without-tls.ts';
import { type Look, type Loss, losing, ONLY_THIS_STACK } from './support/permissions/losses.ts';
import { testWithoutEach } from './support/permissions/without-each.ts';
import type { Stage } from './support/stages/stage.ts';
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
} from './support/permissions/transfer-battery.ts';

type Observation = TransferObservation &
  SweepObservation &
  JobObservation &
  CopyObservation & { withoutTls: string[] };

/** The transfer is quarantined. Its parts and its record stay until a person acts. */
const GIVEN_UP: Partial<Observation> = {
  missing: ['large'],
  dead: ['large: access-denied'],
  records: ['large'],
  open: 1,
};
/** The work is retried until the function may use the table. */
const WAITING: Partial<Observation> = { missing: ['large'], retried: ['service-error'] };
/** Both tasks fail temporarily. The completion report of S3 shows the reason. */
const UNDONE: Partial<Observation> = {
  tasks: ['TemporaryFailure: service-error', 'TemporaryFailure: service-error'],
  missing: ['large'],
};

const TAGS =
  'the function sends the tags along; the action is granted in case S3 needs it anyway, which is not documented';

const WITHOUT: Record<string, Loss<Observation>> = {
  // The function can send neither part ranges nor the hint that all parts are uploaded. The sweep reports that it cannot send
  // messages either.
  'ReplicateRole Queues sqs:SendMessage': {
    ...GIVEN_UP,
    // The part range cannot be sent again either, so its message stays in the queue until it can.
    dead: [],
    retried: ['access-denied'],
    complaints: ['plain-replica: access-denied'],
  },
  'ReplicateRole Transfers dynamodb:GetItem': WAITING,
  'ReplicateRole Transfers dynamodb:PutItem': WAITING,
  // The transfer has begun, but nobody can take up its part ranges. Each sweep reports this failure.
  'ReplicateRole Transfers dynamodb:UpdateItem': {
    ...WAITING,
    records: ['large'],
    open: 1,
    complaints: ['plain-replica: service-error'],
  },
  // The replica is complete, but no sweep can remove the record. Each sweep reports this failure.
  'ReplicateRole Transfers dynamodb:DeleteItem': {
    records: ['large'],
    retried: ['service-error'],
    complaints: ['plain-replica: service-error'],
  },
  'ReplicationRole WriteReplicas s3:ListMultipartUploadParts': GIVEN_UP,

  // The whole invocation of the sweep fails.
  'ReplicateRole Sweep dynamodb:Scan': { swept: false, complaints: ['dynamodb:Scan'] },
  // The sweep reports each of the three rules. Two of them write into the same bucket, under different prefixes.
  'ReplicationRole ListReplicas s3:ListBucketMultipartUploads': {
    swept: false,
    complaints: ['replicas: access-denied', 'plain-replica: access-denied', 'replicas: access-denied'],
  },
  'TransferLambdaPermissionEventsRuleSchedule1 lambda:InvokeFunction': { swept: false, undelivered: 1 },

  'BatchRole Ranges sqs:SendMessage': {
    // A permission that is two minutes old may not be known yet.
    tasks: ['TemporaryFailure: access-denied', 'TemporaryFailure: access-denied'],
    missing: ['large'],
    records: ['large'],
  },
  'BatchRole Transfers dynamodb:GetItem': UNDONE,
  'BatchRole Transfers dynamodb:PutItem': UNDONE,
  'BatchRole Transfers dynamodb:UpdateItem': {
    tasks: ['TemporaryFailure: service-error', 'Succeeded: replicated'],
  },
  // The record stays until the next sweep removes it.
  'BatchRole Transfers dynamodb:DeleteItem': { records: ['large'] },

  // Without one of these permissions, S3 cannot copy the object, so the function streams it.
  'ReplicationRole CopySources s3:GetObject': { streamed: ['bridged'] },
  'ReplicationRole CopySources s3:GetObjectVersion': { streamed: ['versioned'] },
  'ReplicationRole CopySources s3:GetObjectTagging': { unseen: TAGS },
  'ReplicationRole CopySources s3:GetObjectVersionTagging': { unseen: TAGS },
  'ReplicationRole DecryptSources kms:Decrypt': { streamed: ['versioned'] },

  'TransferQueuePolicy OnlyThisStack sqs:SendMessage': ONLY_THIS_STACK,
  'TransferDeadLetterQueuePolicy OnlyThisStack sqs:SendMessage': ONLY_THIS_STACK,
  'TransferQueuePolicy TlsOnly sqs:*': { withoutTls: ['transfer queue'] },
  'TransferDeadLetterQueuePolicy TlsOnly sqs:*': { withoutTls: ['dead-letter queue of transfers'] },
};

/** The ways to observe a loss. The first look that matches a permission is used. */
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
