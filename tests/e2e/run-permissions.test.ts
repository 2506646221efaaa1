/**
 * Removes the permissions of backfill, verify and jobs of S3 Batch Operations one at a time, as permissions.test.ts does for live
 * replication.
 */
import { testWithoutEach } from './support/permissions/without-each.ts';
import { PutBucketNotificationConfigurationCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { SOURCE_ACCOUNT } from '../../demo/two-accounts.ts';
import type { Template } from '@s3-replicator/local-aws/template';
import { reachableWithoutTls } from './support/permissions/without-tls.ts';
import {
  deployWithout,
  type Look,
  type Loss,
  losing,
  NAMELESS,
  OF_VERSIONS,
  startPermissionStage,
  ONLY_THIS_STACK,
  UNSEEN_OWNERS_OF_RUNS,
} from './support/permissions/losses.ts';
import { drawn } from './support/seed.ts';
import {
  ATTRIBUTES_ARE_WELL,
  BACKFILL_IS_WELL,
  ending,
  runBattery,
  type RunObservation,
  VERIFY_IS_WELL,
} from './support/permissions/run-battery.ts';
import {
  blind,
  differentAmong,
  failedWith,
  STUCK,
  UNBORN,
  unclear,
  unseen,
  WITHOUT_LISTING_BRIDGED,
  WITHOUT_LISTING_VERSIONS,
  WITHOUT_TAGS_OF_VERSIONS,
} from './support/permissions/run-losses.ts';
import { listener } from './support/permissions/run-traces.ts';
import {
  jobBattery,
  type JobObservation,
  JOBS_ARE_WELL,
  refusedToJobs,
} from './support/permissions/job-battery.ts';
import { REGION, type Stage } from './support/stages/stage.ts';

type Observation = RunObservation & JobObservation & { withoutTls: string[]; refusedToJobs: string[] };

/** The objects of the job battery that come from a versioned bucket. */
const OF_JOBS = OF_VERSIONS.filter((name) => !['large', 'multipart'].includes(name));
/** Returns the lines of tasks that fail with this reason, as S3 shows them in the completion report. */
const tasksWith = (reason: string, names: string[]): string[] =>
  names.map((name) => `${name}: PermanentFailure: ${reason}`).toSorted();
const lost = (reason: string, names: string[]) => ({ missing: names, failed: tasksWith(reason, names) });

const WITHOUT: Record<string, Loss<Observation>> = {
  'ReplicateRole RunCounts dynamodb:GetItem': { isLetGo: false },
  // The run waits for the counts for a while. Then it continues without them, because it compares both sides itself.
  'ReplicateRole RunCounts dynamodb:UpdateItem': { counted: 0 },

  'RangesQueuePolicy OnlyThisStack sqs:SendMessage': ONLY_THIS_STACK,
  'RangesDeadLetterQueuePolicy OnlyThisStack sqs:SendMessage': ONLY_THIS_STACK,
  'BackfillQueuePolicy OnlyThisStack sqs:SendMessage': ONLY_THIS_STACK,
  'RangesQueuePolicy TlsOnly sqs:*': { withoutTls: ['ranges queue'] },
  'RangesDeadLetterQueuePolicy TlsOnly sqs:*': { withoutTls: ['dead-letter queue of ranges'] },
  'BackfillQueuePolicy TlsOnly sqs:*': { withoutTls: ['backfill queue'] },
  'RunsTopicPolicy TlsOnly sns:Publish': { withoutTls: ['topic of runs'] },

  // Nothing advances the runs after their first comparison.
  'BackfillLambdaPermissionEventsRuleSchedule1 lambda:InvokeFunction': { ...STUCK, runs: ending('copying') },

  'BackfillRole Trust sts:AssumeRole': {
    refused: /role defined for the function cannot be assumed by Lambda/,
  },
  'BackfillRole Logs logs:CreateLogStream': { logged: false },
  'BackfillRole Logs logs:PutLogEvents': { logged: false },
  'BackfillRole Ranges sqs:ReceiveMessage': { refused: /permissions to call ReceiveMessage on SQS/ },
  'BackfillRole Ranges sqs:DeleteMessage': { refused: /permissions to call DeleteMessage on SQS/ },
  'BackfillRole Ranges sqs:GetQueueAttributes': { refused: /permissions to call GetQueueAttributes on SQS/ },
  'BackfillRole Ranges sqs:ChangeMessageVisibility': {
    unseen:
      'it only shortens a wait: without it, a failed message comes back after the visibility time-out of the queue',
  },
  'BackfillRole Ranges sqs:SendMessage': { ...STUCK, unanswered: ['sqs:sendmessage'] },
  'BackfillRole Hints sqs:SendMessage': {
    ...failedWith('access-denied'),
    missing: VERIFY_IS_WELL.missing,
    counted: 0,
  },
  'BackfillRole Hints sqs:GetQueueAttributes': failedWith('access-denied'),
  'BackfillRole Runs dynamodb:GetItem': STUCK,
  'BackfillRole Runs dynamodb:BatchGetItem': { unanswered: ['dynamodb:BatchGetItem'] },
  'BackfillRole Runs dynamodb:Query': { ...UNBORN, unanswered: ['dynamodb:Query'] },
  'BackfillRole Runs dynamodb:PutItem': { ...UNBORN, unanswered: ['dynamodb:PutItem'] },
  // The function cannot record the failure of the run either.
  'BackfillRole Runs dynamodb:UpdateItem': { ...STUCK, ...unclear() },
  'BackfillRole Runs dynamodb:DeleteItem': { ...failedWith('access-denied'), ...unclear() },
  // All objects have been replicated, but the run cannot read the table of transfers to see that no transfer is left.
  'BackfillRole Moving dynamodb:Scan': { ...STUCK, runs: ending('copying') },
  'BackfillRole Waiting sqs:GetQueueAttributes': failedWith('access-denied'),
  'BackfillRole Receipts dynamodb:GetItem': {
    unseen:
      'a key whose digests cannot be compared is presumed instead of proven, and all keys here have digests',
  },
  'BackfillRole End sns:Publish': { announced: [] },
  'BackfillRole LookAtSources s3:GetObject': unclear('bridged', 'missing', 'tagged'),
  'BackfillRole LookAtSources s3:GetObjectVersion': unclear('copied', 'kept'),
  // A run never reports an attribute as equal if the run cannot read it. Without this permission, S3 also omits the number of tags.
  'BackfillRole LookAtSources s3:GetObjectTagging': {
    ...blind(['bridged', 'notified', 'tagged']),
    differences: [],
  },
  'BackfillRole LookAtSources s3:GetObjectVersionTagging': WITHOUT_TAGS_OF_VERSIONS,
  'BackfillRole LookAtSources s3:GetObjectAcl': blind(['bridged']),
  'BackfillRole LookAtSources s3:GetObjectVersionAcl': blind(['notified', 'tagged']),
  // S3 leaves out locks that the caller has no permission to read, and returns no error.
  'BackfillRole LookAtSources s3:GetObjectRetention': unseen('retained'),
  'BackfillRole LookAtSources s3:GetObjectLegalHold': unseen('held'),
  'BackfillRole ListSources s3:ListBucket': WITHOUT_LISTING_BRIDGED,
  'BackfillRole ListSources s3:ListBucketVersions': WITHOUT_LISTING_VERSIONS,
  ...UNSEEN_OWNERS_OF_RUNS,
  'BackfillRole DecryptSources kms:Decrypt': unclear('copied', 'kept', 'missing', 'tagged'),
  'BackfillRole ReplicationRoles sts:AssumeRole': failedWith('assume-role-denied'),
  'BackfillRole ReplicationRoles sts:SetSourceIdentity': NAMELESS,
  'BackfillRole Reports s3:PutObject': failedWith('access-denied'),

  'BatchRole Trust sts:AssumeRole': { refused: /role defined for the function cannot be assumed by Lambda/ },
  'BatchRole Circuits dynamodb:GetItem': {
    unseen: 'without the record of the circuits no destination is avoided, and every task is tried',
  },
  'BatchRole Circuits dynamodb:PutItem': {
    unseen: 'only a later verify reads the receipt of a version, and all objects here have digests',
  },
  'BatchRole Brakes dynamodb:GetItem': {
    unseen: 'an environment that has read the brake before passes deletes on, and only a new one refuses to',
  },
  'BatchRole Brakes dynamodb:UpdateItem': {
    unseen: 'deletes below the limit pass, although they are not counted for the other environments',
  },
  'BatchRole Logs logs:CreateLogStream': { logged: false },
  'BatchRole Logs logs:PutLogEvents': { logged: false },
  // The fresh look, which follows every write, needs this permission.
  'BatchRole ReadSources s3:GetObject': {
    failed: tasksWith('access-denied', [...OF_JOBS, 'deleted', 'bridged']),
  },
  'BatchRole ReadSources s3:GetObjectVersion': {
    missing: [...OF_JOBS, 'archived', 'bridged'],
    failed: tasksWith('access-denied', [...OF_JOBS, 'deleted', 'archived', 'bridged']),
  },
  'BatchRole ReadSources s3:GetObjectTagging': lost('access-denied', ['bridged']),
  // S3 leaves out tags and locks that the caller has no permission to read, and returns no error.
  'BatchRole ReadSources s3:GetObjectVersionTagging': { missing: ['tagged', 'retagged', 'bridged'] },
  'BatchRole ReadSources s3:GetObjectRetention': { missing: ['retained'] },
  'BatchRole ReadSources s3:GetObjectLegalHold': { missing: ['held'] },
  'BatchRole ReadSources s3:GetObjectAcl': lost('access-denied', ['bridged']),
  'BatchRole ReadSources s3:GetObjectVersionAcl': {
    missing: ['granted', 'deleted'],
    failed: tasksWith('access-denied', [...OF_JOBS, 'deleted']),
  },
  'BatchRole ReadSources s3:RestoreObject': lost('access-denied', ['archived']),
  'BatchRole ListSources s3:ListBucket': { failed: tasksWith('access-denied', ['deleted']) },
  'BatchRole ListSources s3:ListBucketVersions': {
    missing: [...OF_JOBS, 'archived', 'bridged'],
    failed: tasksWith('access-denied', [...OF_JOBS, 'archived', 'bridged', 'deleted', 'gone']),
  },
  'BatchRole DecryptSources kms:Decrypt': {
    missing: [...OF_JOBS, 'archived'],
    failed: tasksWith('access-denied', [...OF_JOBS, 'deleted', 'archived']),
  },
  // Archived objects need the role as well. The function tries to copy them with this role, and learns from the response that they are
  // archived.
  'BatchRole ReplicationRoles sts:AssumeRole': {
    missing: [...OF_JOBS, 'archived', 'bridged'],
    failed: tasksWith('assume-role-denied', [...OF_JOBS, 'archived', 'bridged', 'deleted', 'gone']),
  },

  'BatchRole ReplicationRoles sts:SetSourceIdentity': NAMELESS,
  'BatchRole Announcements events:PutEvents': { failed: tasksWith('event-refused', ['bridged']) },

  'CompareRole Trust sts:AssumeRole': failedWith('assume-role-denied'),
  'CompareRole SayWho sts:SetSourceIdentity': NAMELESS,
  'CompareRole ReadReplicas s3:GetObject': unclear(
    'bridged',
    'copied',
    'kept',
    'missing',
    'tagged',
    'unwanted',
  ),
  'CompareRole ReadReplicas s3:GetObjectVersion': unclear('copied', 'kept'),
  'CompareRole ReadReplicas s3:GetObjectTagging': {
    ...blind(['bridged', 'notified', 'tagged']),
    differences: [],
  },
  'CompareRole ReadReplicas s3:GetObjectVersionTagging': blind(['notified', 'tagged']),
  // S3 gives the same answer for a missing key and for a key that may not be read.
  'CompareRole ListReplicas s3:ListBucket': {
    ...WITHOUT_LISTING_BRIDGED,
    differences: differentAmong(WITHOUT_LISTING_BRIDGED.differences, ['missing', 'tagged', 'unwanted']),
  },
  'CompareRole ListReplicas s3:ListBucketVersions': WITHOUT_LISTING_VERSIONS,
  'CompareRole ReadGrants s3:GetObjectAcl': blind(['bridged']),
  'CompareRole ReadGrants s3:GetObjectVersionAcl': blind(['notified', 'tagged']),
  'CompareRole DecryptReplicas kms:Decrypt': unclear('copied', 'kept'),

  'BatchJobRole Trust sts:AssumeRole': { refusedToJobs: ['sts:AssumeRole'] },
  'BatchJobRole Invoke lambda:InvokeFunction': { refusedToJobs: ['lambda:InvokeFunction'] },
  'BatchJobRole Manifest s3:GetObject': { refusedToJobs: ['s3:GetObject'] },
  'BatchJobRole Manifest s3:GetObjectVersion': { refusedToJobs: ['s3:GetObjectVersion'] },
  'BatchJobRole Manifest s3:PutObject': { refusedToJobs: ['s3:PutObject'] },
};

/** The ways to observe that a permission is missing. The first entry that matches the permission is used. */
const LOOKS: Look<Observation>[] = [
  {
    of: / TlsOnly /,
    at: async (on, run) => ({ withoutTls: await reachableWithoutTls(on, run) }),
    well: { withoutTls: [] },
  },
  {
    of: /^BatchJobRole /,
    at: async (on) => ({ refusedToJobs: refusedToJobs(on) }),
    well: { refusedToJobs: [] },
  },
  { of: /^BatchRole /, at: jobBattery, well: JOBS_ARE_WELL },
  {
    of: / (RunCounts|Hints|Moving|Waiting) |Schedule/,
    at: (on, run) => runBattery(on, run, { kind: 'backfill' }),
    well: BACKFILL_IS_WELL,
  },
  {
    of: / s3:GetObject(Version)?(Tagging|Acl|Retention|LegalHold)$/,
    at: (on, run) => runBattery(on, run, { kind: 'verify', withAttributes: true }),
    well: ATTRIBUTES_ARE_WELL,
  },
  {
    of: /^(BackfillRole|CompareRole) /,
    at: (on, run) => runBattery(on, run, { kind: 'verify' }),
    well: VERIFY_IS_WELL,
  },
];

const own = losing('runs', WITHOUT);

let stage: Stage;
beforeAll(async () => {
  stage = await startPermissionStage();
  const { aws, names, source } = stage;
  for (const Bucket of ['notified', 'bridged'])
    await source
      .s3()
      .send(new PutBucketNotificationConfigurationCommand({ Bucket, NotificationConfiguration: {} }));
  await aws.cloudformation.deploy({
    accountId: SOURCE_ACCOUNT,
    region: REGION,
    stackName: 'listener',
    template: JSON.stringify(listener(`arn:aws:sns:${REGION}:${SOURCE_ACCOUNT}:${names.runsTopic}`)),
  });
});
afterAll(async () => {
  await stage?.stop();
});

testWithoutEach(own, WITHOUT, LOOKS, () => stage);

const refused = own.flatMap(({ loss, ...grant }) => (loss && 'refused' in loss ? [{ ...grant, loss }] : []));
test.each(drawn(refused))('without the permission $name the deployment is refused', async (grant) => {
  await expect(deployWithout(stage, [grant], (template) => touch(template, grant.name))).rejects.toThrow(
    grant.loss.refused,
  );
});

/** Changes every function and every event source mapping, so that Lambda checks the permissions of their roles again. */
const touch = (template: Template, how: string): void => {
  for (const { Type: type, Properties: properties } of Object.values(template.Resources)) {
    if (type === 'AWS::Lambda::Function') Object.assign(properties ?? {}, { Description: how });
    if (type === 'AWS::Lambda::EventSourceMapping')
      Object.assign(properties ?? {}, { ScalingConfig: { MaximumConcurrency: 3 } });
  }
};
