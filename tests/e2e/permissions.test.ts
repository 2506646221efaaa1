/**
 * Removes the permissions of the compiled template one at a time. Observes what fails and how the cause is reported. The list of
 * permissions is read from the template, so every new permission needs an expected effect in this file.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTwoAccounts } from '../../demo/two-accounts.ts';
import type { Template } from '@s3-replicator/local-aws/template';
import type { LogLine } from '@s3-replicator/local-aws';
import { ALL_IS_WELL, battery } from './support/permissions/event-battery.ts';
import type { Grant } from './support/permissions/grants.ts';
import {
  deadAs,
  deployment,
  deployWithout,
  isObserved,
  losing,
  type Loss,
  NAMELESS,
  OF_VERSIONS,
  permissionNamed,
  quarantined,
  REPLICATED,
  REPLICATED_OR_ASKED_FOR,
  startPermissionStage,
  ONLY_THIS_STACK,
  unseenOwners,
} from './support/permissions/losses.ts';
import { WAITING_QUEUES } from './support/permissions/waiting-queues.ts';
import { drawn } from './support/seed.ts';
import type { Stage } from './support/stages/stage.ts';

const CHECKED_ELSEWHERE: Loss = {
  unseen:
    'the tests in tests/subscription/deployed.test.ts that repair or remove a subscription fail without it',
};

const WITHOUT: Record<string, Loss> = {
  'ReplicateLambdaPermissionEventsRuleSchedule1 lambda:InvokeFunction': {
    missing: ['retried'],
    waiting: 1,
    retried: ['service-error'],
  },
  'ReplicateRole Trust sts:AssumeRole': {
    refused: /role defined for the function cannot be assumed by Lambda/,
  },
  'ReplicateRole Logs logs:CreateLogStream': { logged: false },
  'ReplicateRole Logs logs:PutLogEvents': { logged: false },
  'ReplicateRole Queues sqs:ReceiveMessage': { refused: /permissions to call ReceiveMessage on SQS/ },
  'ReplicateRole Queues sqs:DeleteMessage': { refused: /permissions to call DeleteMessage on SQS/ },
  'ReplicateRole Queues sqs:GetQueueAttributes': {
    refused: /permissions to call GetQueueAttributes on SQS/,
  },
  'ReplicateRole Queues sqs:ChangeMessageVisibility': {
    unseen:
      'it only shortens a wait: the function gives a message back if SQS accepts no new one, or if a part range needs more time',
  },
  // The function cannot send the message to a waiting queue, so it gives the message back to the live queue.
  'ReplicateRole Waiting sqs:SendMessage': { retried: ['access-denied', 'service-error'] },
  'ReplicateRole Waiting sqs:ReceiveMessage': {
    missing: ['retried'],
    waiting: 1,
    retried: ['access-denied', 'service-error'],
  },
  // Only the count of what is pending fails.
  'ReplicateRole Waiting sqs:GetQueueAttributes': { retried: ['access-denied', 'service-error'] },
  // The message is sent back to the live queue, but it also stays in the waiting queue.
  'ReplicateRole Waiting sqs:DeleteMessage': { waiting: 1, retried: ['access-denied', 'service-error'] },
  // A message that cannot be sent to the dead-letter queue is not acknowledged, so it stays in the live queue.
  'ReplicateRole Quarantine sqs:SendMessage': {
    dead: [],
    waiting: 1,
    retried: ['access-denied'],
  },
  'ReplicateRole IdempotencyRecords dynamodb:GetItem': {
    unseen:
      'Powertools only reads a record if a failed condition comes without it, and without the record of the circuits no destination is avoided',
  },
  // The function does no work that it cannot record, so all messages wait until it may write to the table again.
  'ReplicateRole IdempotencyRecords dynamodb:PutItem': {
    retried: ['service-error'],
    missing: REPLICATED_OR_ASKED_FOR,
    waiting: 18,
  },
  // The function does not report work as done until it has stored a receipt.
  'ReplicateRole IdempotencyRecords dynamodb:UpdateItem': {
    retried: ['service-error'],
    waiting: 18,
  },
  // The record of a failed attempt cannot be deleted. The next attempt of the same message takes the record over. Only other messages have
  // to wait for it.
  'ReplicateRole IdempotencyRecords dynamodb:DeleteItem': { retried: ['service-error'] },
  // The fresh look, which follows every write, needs this permission.
  'ReplicateRole ReadSources s3:GetObject': {
    missing: ['bridged'],
    dead: deadAs('access-denied', [...REPLICATED, 'deleted']),
  },
  'ReplicateRole ReadSources s3:GetObjectVersion': {
    missing: REPLICATED_OR_ASKED_FOR,
    dead: deadAs('access-denied', [...REPLICATED_OR_ASKED_FOR, 'deleted']),
  },
  // Requests about objects in unversioned buckets need the action without `Version`.
  'ReplicateRole ReadSources s3:GetObjectTagging': quarantined('access-denied', ['bridged']),
  // S3 leaves out tags and locks that the caller has no permission to read. The replica then lacks them, but no request fails.
  'ReplicateRole ReadSources s3:GetObjectVersionTagging': {
    missing: ['tagged', 'retagged'],
    dead: deadAs('access-denied', ['retagged']),
  },
  'ReplicateRole ReadSources s3:GetObjectRetention': { missing: ['retained'] },
  'ReplicateRole ReadSources s3:GetObjectLegalHold': { missing: ['held'] },
  'ReplicateRole ReadSources s3:GetObjectAcl': quarantined('access-denied', ['bridged']),
  'ReplicateRole ReadSources s3:GetObjectVersionAcl': {
    missing: ['granted', 'deleted'],
    dead: deadAs('access-denied', [...OF_VERSIONS, 'deleted']),
  },
  'ReplicateRole ReadSources s3:RestoreObject': quarantined('access-denied', ['archived']),
  'ReplicateRole ListSources s3:ListBucket': { dead: deadAs('access-denied', ['deleted']) },
  'ReplicateRole ListSources s3:ListBucketVersions': {
    missing: REPLICATED_OR_ASKED_FOR,
    dead: deadAs('access-denied', [...REPLICATED_OR_ASKED_FOR, 'deleted', 'gone']),
  },
  ...unseenOwners('ReplicateRole'),
  'ReplicateRole DecryptSources kms:Decrypt': {
    missing: [...OF_VERSIONS, 'archived'],
    dead: deadAs('access-denied', [...OF_VERSIONS, 'archived', 'deleted']),
  },
  // Archived objects need the role as well. The circuit of one destination opens, so its messages wait. The other destination has one
  // object only, which is too few for a circuit.
  'ReplicateRole ReplicationRoles sts:AssumeRole': {
    missing: REPLICATED_OR_ASKED_FOR,
    dead: deadAs('assume-role-denied', ['bridged']),
    waiting: 16,
  },
  'ReplicateRole ReplicationRoles sts:SetSourceIdentity': NAMELESS,
  // The replica is there. Only its event goes to the dead-letter queue.
  'ReplicateRole Announcements events:PutEvents': { dead: deadAs('event-refused', ['bridged']) },

  'SubscribeRole Trust sts:AssumeRole': {
    refused: /role defined for the function cannot be assumed by Lambda/,
  },
  'SubscribeRole Logs logs:CreateLogStream': { subscribeIsLogged: false },
  'SubscribeRole Logs logs:PutLogEvents': { subscribeIsLogged: false },
  'SubscribeRole Records dynamodb:GetItem': { refused: /GetItem in the table of runs: AccessDenied/ },
  'SubscribeRole Records dynamodb:UpdateItem': { refused: /UpdateItem in the table of runs: AccessDenied/ },
  'SubscribeRole Records dynamodb:Query': CHECKED_ELSEWHERE,
  'SubscribeRole Records dynamodb:DeleteItem': CHECKED_ELSEWHERE,
  'SubscribeRole Announce sns:Publish': CHECKED_ELSEWHERE,
  'SubscriptionSchedulePermission lambda:InvokeFunction': CHECKED_ELSEWHERE,
  'SubscribePolicy Notifications s3:GetBucketNotification': {
    refused: /AccessDenied.*GetBucketNotification/,
  },
  'SubscribePolicy Notifications s3:PutBucketNotification': {
    refused: /AccessDenied.*PutBucketNotification/,
  },

  'LiveQueuePolicy SourceBuckets sqs:SendMessage': {
    refused: /validate the following destination configurations/,
  },
  // Without this permission, EventBridge cannot send the event to the live queue, so it sends it to the dead-letter queue.
  'LiveQueuePolicy EventRules sqs:SendMessage': {
    missing: ['bridged'],
    dead: deadAs('undelivered', ['bridged']),
  },
  // Without this second permission, EventBridge cannot send the event to the dead-letter queue either, so the event is lost.
  'LiveDeadLetterQueuePolicy EventRules sqs:SendMessage': {
    together: 'LiveQueuePolicy EventRules sqs:SendMessage',
    missing: ['bridged'],
    undelivered: 2,
  },
  'LiveQueuePolicy OnlyThisStack sqs:SendMessage': ONLY_THIS_STACK,
  'LiveDeadLetterQueuePolicy OnlyThisStack sqs:SendMessage': ONLY_THIS_STACK,
  'LiveQueuePolicy TlsOnly sqs:*': { withoutTls: ['live queue'] },
  'LiveDeadLetterQueuePolicy TlsOnly sqs:*': { withoutTls: ['dead-letter queue'] },
  ...Object.fromEntries(
    WAITING_QUEUES.flatMap((suffix) => [
      [`WaitingQueue${suffix}Policy OnlyThisStack sqs:SendMessage`, ONLY_THIS_STACK],
      [`WaitingQueue${suffix}Policy TlsOnly sqs:*`, { withoutTls: [`waiting queue ${suffix}`] }],
    ]),
  ),
  'AlarmTopicPolicy Alarms sns:Publish': { alarms: 'denied' },
  'AlarmTopicPolicy TlsOnly sns:Publish': { withoutTls: ['alarm topic'] },
  ...(process.env['CARRIER'] === 'plain'
    ? {}
    : {
        'ServerlessDeploymentBucketPolicy s3:*': {
          unseen: "it protects the framework's own bucket, which `serverless deploy` alone uses",
        },
      }),
};

/** How often a read fails, for permissions whose loss can be observed only when a message is tried again or waits. */
const FAILURES: [RegExp, number][] = [
  [/IdempotencyRecords dynamodb:DeleteItem/, 1],
  [/ReplicateRole Waiting|ReplicateLambdaPermission/, 5],
];

const own = losing('stack', WITHOUT);

test('every permission has an expected effect in this file, and every effect belongs to a permission', () => {
  expect(own.map(({ name }) => name).toSorted()).toEqual(Object.keys(WITHOUT).toSorted());
});

describe('while everything else is deployed', () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await startPermissionStage();
  });
  afterAll(async () => {
    await stage?.stop();
  });

  test('with all permissions everything is replicated', async () => {
    const retried = ['service-error'];
    expect(await battery(stage, 'complete', { failures: 5 })).toEqual({ ...ALL_IS_WELL, retried });
  });

  const observed = drawn(own.filter(({ loss }) => isObserved(loss)));
  test.each(observed)('without the permission $name exactly the expected loss is observed', async (grant) => {
    const { together, ...difference } = { together: undefined, ...grant.loss };
    await deployWithout(stage, [grant, ...(together === undefined ? [] : [permissionNamed(together)])]);
    const [, failures] = FAILURES.find(([name]) => name.test(grant.name)) ?? [null, 0];
    expect(await battery(stage, `without ${own.indexOf(grant)}`, { failures })).toEqual({
      ...ALL_IS_WELL,
      ...difference,
    });
  });
});

// On a busy machine, the subscribe function may exceed its shortened time-out. Therefore these tests are retried.
describe('from the first deployment on', { retry: 2 }, () => {
  const logs = new Map<string, LogLine[]>();
  const attempt = async (grant: Grant): Promise<void> => {
    const lines: LogLine[] = [];
    logs.set(grant.name, lines);
    await using accounts = await startTwoAccounts({
      ...deployment,
      onLog: (line) => lines.push(line),
      lambda: { asyncRetryDelaysMs: [10, 10] },
      edit: {
        stack: (template) => {
          grant.remove(template);
          hurry(template);
        },
      },
    });
    void accounts;
  };

  const refused = own.flatMap(({ loss, ...grant }) =>
    loss && 'refused' in loss ? [{ ...grant, loss }] : [],
  );
  test.each(drawn(refused))('without the permission $name the deployment is refused', async (grant) => {
    await expect(attempt(grant)).rejects.toThrow(grant.loss.refused);
  });

  const unlogged = own.filter(({ loss }) => loss && 'subscribeIsLogged' in loss);
  test.each(drawn(unlogged, 2))(
    'without the permission $name the log lines of the subscribe function are lost',
    async (grant) => {
      await attempt(grant);
      const lines = (logs.get(grant.name) ?? []).filter((line) => line.functionName.endsWith('-subscribe'));
      expect(new Set(lines.map(({ delivered }) => delivered))).toEqual(new Set([false]));
    },
  );
});

/** Shortens the time-out of the subscribe function, which retries a refused call for up to half a minute. */
const hurry = (template: Template): void => {
  Object.assign(template.Resources['SubscribeLambdaFunction']?.Properties ?? {}, { Timeout: 17 });
};
