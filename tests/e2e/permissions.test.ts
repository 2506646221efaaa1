/**
 * Every permission in the compiled template and in the destination's, taken away one at a time: what fails then, and how one
 * learns why. The list of permissions comes from the templates, so that a new one needs a line here that says what it is for.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { REPOSITORY, TEMPLATE_FILE } from '../../demo/package-stack.ts';
import { DESTINATION_ACCOUNT, SOURCE_ACCOUNT, startTwoAccounts } from '../../demo/two-accounts.ts';
import { parseTemplate, type Template } from '../../local/cloudformation/template.ts';
import type { LogLine } from '../../local/lambda/log-sink.ts';
import { packaged } from './artifact.ts';
import { ALL_IS_WELL, battery, type Observation } from './battery.ts';
import { type Grant, grantsIn } from './grants.ts';
import { encryptedWith, REGION, SOURCE_KEY, type Stage, startStage } from './stage.ts';

/** What happens without a permission. */
type Loss =
  /** The deployment fails with these words. */
  | { refused: RegExp }
  /** What differs from {@link ALL_IS_WELL}. `together`: only seen where this one is missing as well. */
  | (Partial<Observation> & { together?: string })
  /** The deployment succeeds, but nobody can read what the function wrote meanwhile. */
  | { subscribeIsLogged: false }
  /** Why it cannot be seen here. */
  | { unseen: string };

const everything = ['small', 'overwrite', 'large', 'multipart', 'retried', 'bridged'];
const deadAs = (reason: string, names: string[]): string[] =>
  [...names.map((name) => `${name}: ${reason}`), ...ALL_IS_WELL.dead].toSorted();
const quarantined = (reason: string, names: string[]) => ({ missing: names, dead: deadAs(reason, names) });

const WITHOUT: Record<string, Loss> = {
  'ReplicateRole Trust sts:AssumeRole': {
    refused: /role defined for the function cannot be assumed by Lambda/,
  },
  'ReplicateRole Logs logs:CreateLogStream': { logged: false },
  'ReplicateRole Logs logs:PutLogEvents': { logged: false },
  'ReplicateRole LiveQueue sqs:ReceiveMessage': { refused: /permissions to call ReceiveMessage on SQS/ },
  'ReplicateRole LiveQueue sqs:DeleteMessage': { refused: /permissions to call DeleteMessage on SQS/ },
  'ReplicateRole LiveQueue sqs:GetQueueAttributes': {
    refused: /permissions to call GetQueueAttributes on SQS/,
  },
  // What should be tried again soon waits for the queue's own visibility timeout.
  'ReplicateRole LiveQueue sqs:ChangeMessageVisibility': {
    missing: ['retried'],
    waiting: 1,
    retried: ['access-denied', 'lost-race'],
  },
  'ReplicateRole LiveQueue sqs:SendMessage': {
    unseen:
      'only for a large object that finds no time beside others in twelve invocations: hours, even here',
  },
  // Never acknowledged without having arrived: it stays in the live queue.
  'ReplicateRole Quarantine sqs:SendMessage': {
    dead: [],
    waiting: 1,
    retried: ['access-denied', 'lost-race'],
  },
  'ReplicateRole IdempotencyRecords dynamodb:GetItem': {
    unseen:
      'Powertools only asks for a record when a failed condition comes without it, and DynamoDB sends it along',
  },
  // Everything waits until the table can be used again: nothing is done without a record, …
  'ReplicateRole IdempotencyRecords dynamodb:PutItem': {
    missing: everything,
    retried: ['service-error'],
    waiting: 7,
  },
  // … and nothing is reported as done without a receipt.
  'ReplicateRole IdempotencyRecords dynamodb:UpdateItem': {
    retried: ['in-progress', 'lost-race', 'service-error'],
    waiting: 7,
  },
  // The record of the failed attempt stands in the way until it expires.
  'ReplicateRole IdempotencyRecords dynamodb:DeleteItem': {
    missing: ['retried'],
    waiting: 1,
    retried: ['in-progress', 'lost-race'],
  },
  'ReplicateRole ReadSources s3:GetObject': {
    missing: everything,
    dead: deadAs('access-denied', [...everything, 'gone', 'gone']),
  },
  // Small objects are read as they are and held in memory; these are read again, pinned to their version.
  'ReplicateRole ReadSources s3:GetObjectVersion': quarantined('access-denied', ['large', 'multipart']),
  'ReplicateRole TellMissingFromForbidden s3:ListBucket': { dead: deadAs('access-denied', ['gone', 'gone']) },
  'ReplicateRole DecryptSources kms:Decrypt': quarantined(
    'access-denied',
    everything.filter((name) => name !== 'bridged'),
  ),
  'ReplicateRole ReplicationRoles sts:AssumeRole': quarantined('assume-role-denied', everything),

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
    undelivered: 1,
  },
  'LiveQueuePolicy TlsOnly sqs:*': { withoutTls: ['live queue'] },
  'LiveDeadLetterQueuePolicy TlsOnly sqs:*': { withoutTls: ['dead-letter queue'] },
  'AlarmTopicPolicy Alarms sns:Publish': { unseen: 'alarms do not go off in the local AWS' },
  'AlarmTopicPolicy TlsOnly sns:Publish': { unseen: 'nobody can publish to a topic of the local AWS' },
  'ServerlessDeploymentBucketPolicy s3:*': {
    unseen: "the framework's own bucket, used by `serverless deploy` alone",
  },

  'ReplicationRole Trust sts:AssumeRole': quarantined('assume-role-denied', everything),
  'ReplicationRole WriteReplicas s3:PutObject': quarantined('access-denied', everything),
  'ReplicationRole WriteReplicas s3:GetObject': quarantined('access-denied', [
    'overwrite',
    'large',
    'multipart',
  ]),
  'ReplicationRole WriteReplicas s3:AbortMultipartUpload': { open: 1 },
  'ReplicationRole TellMissingFromForbidden s3:ListBucket': quarantined('access-denied', [
    'large',
    'multipart',
  ]),
  'ReplicationRole EncryptReplicas kms:GenerateDataKey': quarantined('access-denied', everything),
  'ReplicationRole EncryptReplicas kms:Decrypt': quarantined('access-denied', ['overwrite', 'multipart']),
  'BucketPolicy TlsOnly s3:*': { withoutTls: ['replicas'] },
};

const configuration = join(REPOSITORY, 'tests', 'e2e', 'permissions.yml');
const directory = await packaged(configuration);
const stackText = await readFile(join(directory, TEMPLATE_FILE), 'utf8');
const destinationText = await readFile(join(REPOSITORY, 'destination', 'template.yml'), 'utf8');
const sourceBuckets = {
  notified: { VersioningConfiguration: { Status: 'Enabled' }, BucketEncryption: encryptedWith(SOURCE_KEY) },
};

const all = [
  ...grantsIn(parseTemplate(stackText)).map((grant) => ({ ...grant, where: 'stack' as const })),
  ...grantsIn(parseTemplate(destinationText)).map((grant) => ({ ...grant, where: 'destination' as const })),
].map((grant) => ({ ...grant, loss: WITHOUT[grant.name] }));
type Listed = (typeof all)[number];

const grantNamed = (name: string): Listed => {
  const found = all.find((grant) => grant.name === name);
  if (found === undefined) throw new Error(`there is no permission ${name}`);
  return found;
};

test('each permission has a line that says what it is for, and each line a permission', () => {
  expect(all.map(({ name }) => name).toSorted()).toEqual(Object.keys(WITHOUT).toSorted());
});

describe('while everything else is deployed', () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await startStage({ configuration, packaged: directory, sourceBuckets });
  });
  afterAll(async () => {
    await stage?.stop();
  });

  /** Brings both stacks to their templates without these permissions. */
  const deployWithout = async (grants: Listed[]): Promise<void> => {
    const deploy = async (where: Listed['where'], text: string, accountId: string, stackName: string) => {
      const template = parseTemplate(text);
      for (const grant of grants) if (grant.where === where) grant.remove(template);
      const place = { accountId, region: REGION, stackName };
      const given = Object.entries(stage.aws.cloudformation.describe(place)?.parameters ?? {});
      await stage.aws.cloudformation.deploy({
        ...place,
        template: JSON.stringify(template),
        parameters: Object.fromEntries(given.map(([name, value]) => [name, String(value)])),
        artifacts: directory,
      });
    };
    await deploy('stack', stackText, SOURCE_ACCOUNT, stage.names.stack);
    await deploy('destination', destinationText, DESTINATION_ACCOUNT, 'permissions-destination-replicas');
    // Credentials outlive the permission to get them.
    const isAboutRoles = grants.some(({ name }) => name.endsWith('sts:AssumeRole'));
    if (isAboutRoles) await stage.aws.lambda.killEnvironments(stage.names.replicateFunction);
  };

  afterEach(() => deployWithout([]));

  test('all is well', async () => {
    expect(await battery(stage, 'complete')).toEqual(ALL_IS_WELL);
  });

  const observed = all.filter(
    ({ loss }) => loss && !('refused' in loss || 'unseen' in loss || 'subscribeIsLogged' in loss),
  );
  test.each(observed)('without $name', async (grant) => {
    const { together, ...difference } = { together: undefined, ...grant.loss };
    await deployWithout([grant, ...(together === undefined ? [] : [grantNamed(together)])]);
    expect(await battery(stage, `without ${all.indexOf(grant)}`)).toEqual({ ...ALL_IS_WELL, ...difference });
  });
});

describe('from the first deployment on', () => {
  const logs = new Map<string, LogLine[]>();
  const attempt = async (grant: Grant): Promise<void> => {
    const lines: LogLine[] = [];
    logs.set(grant.name, lines);
    await using accounts = await startTwoAccounts({
      configuration,
      packaged: directory,
      sourceBuckets,
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

  const refused = all.flatMap(({ loss, ...grant }) =>
    loss && 'refused' in loss ? [{ ...grant, loss }] : [],
  );
  test.each(refused)('without $name the deployment is refused', async (grant) => {
    await expect(attempt(grant)).rejects.toThrow(grant.loss.refused);
  });

  const unlogged = all.filter(({ loss }) => loss && 'subscribeIsLogged' in loss);
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
