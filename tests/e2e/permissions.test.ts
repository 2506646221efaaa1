/**
 * Every permission in the compiled template, taken away one at a time: what fails then, and how one learns why. The list of
 * permissions comes from the template, so that a new one needs a line here that says what it is for.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTwoAccounts } from '../../demo/two-accounts.ts';
import type { Template } from '@s3-replicator/local-aws/template';
import type { LogLine } from '@s3-replicator/local-aws';
import { ALL_IS_WELL, battery } from './support/battery.ts';
import type { Grant } from './support/grants.ts';
import {
  deadAs,
  deployment,
  deployWithout,
  isObserved,
  losing,
  type Loss,
  OF_VERSIONS,
  permissionNamed,
  quarantined,
  REPLICATED,
  REPLICATED_OR_ASKED_FOR,
  startPermissionStage,
} from './support/losses.ts';
import { drawn } from './support/seed.ts';
import type { Stage } from './support/stage.ts';

const WITHOUT: Record<string, Loss> = {
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
  // What should be tried again soon waits for the queue's own visibility timeout.
  'ReplicateRole Queues sqs:ChangeMessageVisibility': {
    missing: ['retried'],
    waiting: 1,
    retried: ['access-denied', 'service-error'],
  },
  // Never acknowledged without having arrived: it stays in the live queue.
  'ReplicateRole Quarantine sqs:SendMessage': {
    dead: [],
    waiting: 1,
    retried: ['access-denied'],
  },
  'ReplicateRole IdempotencyRecords dynamodb:GetItem': {
    unseen:
      'Powertools only asks for a record when a failed condition comes without it, and DynamoDB sends it along',
  },
  // Everything waits until the table can be used again: nothing is done without a record, …
  'ReplicateRole IdempotencyRecords dynamodb:PutItem': {
    retried: ['service-error'],
    missing: REPLICATED_OR_ASKED_FOR,
    waiting: 17,
  },
  // … and nothing is reported as done without a receipt.
  'ReplicateRole IdempotencyRecords dynamodb:UpdateItem': {
    retried: ['in-progress', 'service-error'],
    waiting: 17,
  },
  // The record of the failed attempt stands in the way until it expires.
  'ReplicateRole IdempotencyRecords dynamodb:DeleteItem': {
    missing: ['retried'],
    waiting: 1,
    retried: ['in-progress', 'service-error'],
  },
  // For the look at what the key shows now, after everything was written.
  'ReplicateRole ReadSources s3:GetObject': {
    missing: ['retagged'],
    dead: deadAs('access-denied', [...REPLICATED, 'deleted']),
  },
  'ReplicateRole ReadSources s3:GetObjectVersion': {
    missing: REPLICATED_OR_ASKED_FOR,
    dead: deadAs('access-denied', [...REPLICATED_OR_ASKED_FOR, 'deleted']),
  },
  // Requests about objects in buckets without versions.
  'ReplicateRole ReadSources s3:GetObjectTagging': quarantined('access-denied', ['bridged']),
  // S3 hides what may not be seen: tags of new objects and locks are lost without a word.
  'ReplicateRole ReadSources s3:GetObjectVersionTagging': {
    missing: ['tagged', 'retagged'],
    dead: deadAs('access-denied', ['retagged']),
  },
  'ReplicateRole ReadSources s3:GetObjectRetention': { missing: ['retained'] },
  'ReplicateRole ReadSources s3:GetObjectLegalHold': { missing: ['held'] },
  'ReplicateRole ReadSources s3:GetObjectAcl': quarantined('access-denied', ['bridged']),
  'ReplicateRole ReadSources s3:GetObjectVersionAcl': {
    missing: ['retagged', 'granted', 'deleted'],
    dead: deadAs('access-denied', [...OF_VERSIONS, 'deleted']),
  },
  'ReplicateRole ReadSources s3:RestoreObject': quarantined('access-denied', ['archived']),
  'ReplicateRole ListSources s3:ListBucket': { dead: deadAs('access-denied', ['deleted']) },
  'ReplicateRole ListSources s3:ListBucketVersions': {
    missing: REPLICATED_OR_ASKED_FOR,
    dead: deadAs('access-denied', [...REPLICATED_OR_ASKED_FOR, 'deleted', 'gone']),
  },
  'ReplicateRole DecryptSources kms:Decrypt': {
    missing: [...OF_VERSIONS, 'archived'],
    dead: deadAs('access-denied', [...OF_VERSIONS, 'archived', 'deleted']),
  },
  // Also what is archived: that it is so, S3 tells the role it would copy for.
  'ReplicateRole ReplicationRoles sts:AssumeRole': {
    missing: REPLICATED_OR_ASKED_FOR,
    dead: deadAs('assume-role-denied', [...REPLICATED_OR_ASKED_FOR, 'deleted', 'gone']),
  },

  'SubscribeRole Trust sts:AssumeRole': {
    refused: /role defined for the function cannot be assumed by Lambda/,
  },
  'SubscribeRole Logs logs:CreateLogStream': { subscribeIsLogged: false },
  'SubscribeRole Logs logs:PutLogEvents': { subscribeIsLogged: false },
  'SubscribePolicyNotified s3:GetBucketNotification': { refused: /AccessDenied.*GetBucketNotification/ },
  'SubscribePolicyNotified s3:PutBucketNotification': { refused: /AccessDenied.*PutBucketNotification/ },
  'SubscribePolicyBridged s3:GetBucketNotification': { refused: /AccessDenied.*GetBucketNotification/ },
  'SubscribePolicyBridged s3:PutBucketNotification': { refused: /AccessDenied.*PutBucketNotification/ },

  'LiveQueuePolicy SourceBuckets sqs:SendMessage': {
    refused: /validate the following destination configurations/,
  },
  // EventBridge puts what it may not deliver into the dead-letter queue …
  'LiveQueuePolicy EventRules sqs:SendMessage': {
    missing: ['bridged'],
    dead: deadAs('undelivered', ['bridged']),
  },
  // … which it must be allowed to, or the event is lost.
  'LiveDeadLetterQueuePolicy EventRules sqs:SendMessage': {
    together: 'LiveQueuePolicy EventRules sqs:SendMessage',
    missing: ['bridged'],
    undelivered: 2,
  },
  'LiveQueuePolicy TlsOnly sqs:*': { withoutTls: ['live queue'] },
  'LiveDeadLetterQueuePolicy TlsOnly sqs:*': { withoutTls: ['dead-letter queue'] },
  'AlarmTopicPolicy Alarms sns:Publish': { alarms: 'denied' },
  'AlarmTopicPolicy TlsOnly sns:Publish': { withoutTls: ['alarm topic'] },
  'ServerlessDeploymentBucketPolicy s3:*': {
    unseen: "the framework's own bucket, used by `serverless deploy` alone",
  },
};

/** Seen only where something is tried again. */
const RETRY = [
  'ReplicateRole Queues sqs:ChangeMessageVisibility',
  'ReplicateRole IdempotencyRecords dynamodb:DeleteItem',
];

const own = losing('stack', WITHOUT);

test('each permission has a line that says what it is for, and each line a permission', () => {
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

  test('all is well', async () => {
    const retried = ['service-error'];
    expect(await battery(stage, 'complete', { failing: true })).toEqual({ ...ALL_IS_WELL, retried });
  });

  const observed = drawn(own.filter(({ loss }) => isObserved(loss)));
  test.each(observed)('without $name', async (grant) => {
    const { together, ...difference } = { together: undefined, ...grant.loss };
    await deployWithout(stage, [grant, ...(together === undefined ? [] : [permissionNamed(together)])]);
    expect(
      await battery(stage, `without ${own.indexOf(grant)}`, { failing: RETRY.includes(grant.name) }),
    ).toEqual({ ...ALL_IS_WELL, ...difference });
  });
});

// A function that has two seconds fails for want of them where the machine stands still: then once more.
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
  test.each(drawn(refused))('without $name the deployment is refused', async (grant) => {
    await expect(attempt(grant)).rejects.toThrow(grant.loss.refused);
  });

  const unlogged = own.filter(({ loss }) => loss && 'subscribeIsLogged' in loss);
  test.each(unlogged)('without $name nobody reads what the subscribe function writes', async (grant) => {
    await attempt(grant);
    const lines = (logs.get(grant.name) ?? []).filter((line) => line.functionName.endsWith('-subscribe'));
    expect(new Set(lines.map(({ delivered }) => delivered))).toEqual(new Set([false]));
  });
});

/** The subscribe function tries a refused call again for half a minute, as long as it has the time. */
const hurry = (template: Template): void => {
  Object.assign(template.Resources['SubscribeLambdaFunction']?.Properties ?? {}, { Timeout: 17 });
};
