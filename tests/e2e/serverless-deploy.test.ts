/**
 * The unmodified Serverless framework runs against the local AWS, with the policy of `config policy --deployer`. Each test continues where
 * the previous one ended, like the commands of an operator. Each command takes seconds, so `npm test` plays only the main path.
 */
import {
  GetBucketNotificationConfigurationCommand,
  GetObjectCommand,
  ListBucketsCommand,
  PutBucketNotificationConfigurationCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { DeleteQueueCommand, ReceiveMessageCommand } from '@aws-sdk/client-sqs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { PolicyDocument } from '@s3-replicator/local-aws';
import { REPOSITORY, TEMPLATE_FILE } from '../../demo/package-stack.ts';
import { runServerless } from '../../demo/serverless.ts';
import {
  startTwoAccounts,
  DESTINATION_ACCOUNT,
  SOURCE_ACCOUNT,
  type TwoAccounts,
} from '../../demo/two-accounts.ts';
import { deployerPolicy } from '../../src/stack/deployer-policy.ts';
import { openDoctor } from './support/doctor/world.ts';
import {
  asDocument,
  createDeployer,
  type Deployer,
  withoutStatement,
} from './support/permissions/deployer.ts';
import { deleteKept, keptBy, leftoversOf } from './support/leftovers.ts';
import { PLAYS_ALL } from './support/seed.ts';
import { sendAs } from './support/queues.ts';

const DESTINATION = {
  bucket: 'documents-replica',
  region: 'us-east-1',
  roleArn: `arn:aws:iam::${DESTINATION_ACCOUNT}:role/documents`,
  externalId: 'external',
};
const configurationWith = (batchSize: number, moreRules: object[] = []) => ({
  name: 'deployed',
  region: 'us-east-1',
  rules: [
    {
      id: 'documents',
      source: { bucket: 'documents' },
      destinations: [DESTINATION],
    },
    ...moreRules,
  ],
  stack: { batchSize },
});

const STACK = { accountId: SOURCE_ACCOUNT, region: 'us-east-1', stackName: 'deployed-prod' };

let accounts: TwoAccounts;
let folder: string;
let deployer: Deployer;
let policy: PolicyDocument;
/** What `serverless remove` printed. */
let removal = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'serverless-deploy-'));
  const template = await readFile(join(REPOSITORY, '.serverless', TEMPLATE_FILE), 'utf8');
  accounts = await startTwoAccounts({
    configuration: configurationWith(5),
    deploy: 'serverless',
    deployAs: ({ aws, configuration }) => {
      // The types and properties of the resources are the same as those of the configuration in the repository.
      const { Resources } = JSON.parse(template);
      policy = asDocument(deployerPolicy(Resources, configuration, SOURCE_ACCOUNT));
      deployer = createDeployer(aws, SOURCE_ACCOUNT, policy);
      return deployer.credentials;
    },
  });
});
afterAll(async () => {
  await accounts?.stop();
  await rm(folder, { recursive: true, force: true });
});

const serverless = async (argv: string[], configuration = configurationWith(5)): Promise<string> => {
  const replicationFile = join(folder, 'replication.yml');
  await writeFile(replicationFile, JSON.stringify(configuration));
  return runServerless(argv, {
    replicationFile,
    environment: accounts.source.environment(deployer.credentials),
  });
};

const stack = () => accounts.aws.cloudformation.describe(STACK);
const eventStatuses = (): string[] =>
  stack()
    ?.events.filter(({ type }) => type === 'AWS::CloudFormation::Stack')
    .map(({ status }) => status) ?? [];
const bucketNames = async (): Promise<string[]> => {
  const { Buckets = [] } = await accounts.source.s3().send(new ListBucketsCommand());
  return Buckets.map(({ Name = '' }) => Name);
};

test('serverless deploy creates the deployment bucket first and everything else by an update', () => {
  expect(eventStatuses()).toEqual([
    'REVIEW_IN_PROGRESS',
    'CREATE_IN_PROGRESS',
    'CREATE_COMPLETE',
    'UPDATE_IN_PROGRESS',
    'UPDATE_COMPLETE_CLEANUP_IN_PROGRESS',
    'UPDATE_COMPLETE',
  ]);
});

test('the code that serverless deploy uploads replicates', async () => {
  const object = { bucket: 'documents', key: 'a.txt' };
  await accounts.source
    .s3()
    .send(new PutObjectCommand({ Bucket: 'documents', Key: 'a.txt', Body: 'content' }));
  await accounts.waitUntilReplicated([object]);
  const replica = await accounts.destination
    .s3()
    .send(new GetObjectCommand({ Bucket: 'documents-replica', Key: 'a.txt' }));
  expect(await replica.Body?.transformToString()).toBe('content');
});

test.runIf(PLAYS_ALL)(
  'serverless deploy without changes makes a lost subscription again and prints what it found',
  async () => {
    const s3 = accounts.source.s3();
    const lost = { Bucket: 'documents', NotificationConfiguration: {} };
    await s3.send(new PutBucketNotificationConfigurationCommand(lost));
    const said = await serverless(['deploy']);
    expect(said).toMatch(
      /Source buckets with a subscription: 1\.\n.*documents had lost its subscription and has it again.*backfill start --rule documents --since /s,
    );
    expect(said).toMatch(/next:\n.*config destination .*\n.*backfill start --rule documents .*\n.*dlq list /);
    expect(said).toMatch(
      /doctor:\n.*deployed-prod, account 111111111111.*documents → documents-replica.*write probe/s,
    );
    const found = await s3.send(new GetBucketNotificationConfigurationCommand({ Bucket: 'documents' }));
    expect(found.QueueConfigurations).toHaveLength(1);
  },
);

test.runIf(PLAYS_ALL)(
  'the live queue that somebody deleted comes back by the command that doctor prints, and replicates again',
  async () => {
    const { aws, names, source } = accounts;
    const QueueUrl = `${aws.endpoint}/${SOURCE_ACCOUNT}/${names.liveQueue}`;
    await source.sqs.send(new DeleteQueueCommand({ QueueUrl }));
    await using doctor = await openDoctor(accounts, []);
    const gone = async () => {
      const { findings } = await doctor.examineFromSource();
      return findings.filter(({ cause }) => cause === 'resource-gone');
    };
    const [first, ...others] = await gone();
    const fix = first?.fix ?? null;
    expect(others.map((other) => other.fix)).toEqual(others.map(() => fix));
    for (const command of fix?.split(' && ') ?? []) {
      // The local SQS keeps the minute by its own clock.
      if (command === 'sleep 60') aws.clock.advance(60_000);
      else await serverless([command.replace(/^npx serverless /, '')]);
    }
    expect(await gone()).toEqual([]);
    await source.s3().send(new PutObjectCommand({ Bucket: 'documents', Key: 'again.txt', Body: 'again' }));
    await accounts.waitUntilReplicated([{ bucket: 'documents', key: 'again.txt' }]);
  },
);

test.runIf(PLAYS_ALL)('serverless info shows the deployed functions and outputs', async () => {
  const info = await serverless(['info', '--verbose']);
  expect(info).toContain('stack: deployed-prod');
  expect(info).not.toContain('next:');
  expect(info).toContain('replicate: deployed-prod-replicate');
  expect(info).toContain(`LiveQueueUrl: ${accounts.liveQueueUrl}`);
});

const RUN = { run: { S: 'run-1' }, item: { S: 'run' } };
const tables = () => accounts.aws.dynamodb.tables(SOURCE_ACCOUNT, 'us-east-1');
const deadLetters = () => ({ QueueUrl: accounts.deadLetterQueueUrl });

test('serverless remove says first which letters wait, and removes nothing', async () => {
  await tables().call('PutItem', { TableName: 'deployed-prod-runs', Item: RUN });
  // Only the function may send to the queue, so the letter is sent with the role of the function.
  const { replicateRole: role, deadLetterQueue: queue } = accounts.names;
  await sendAs(accounts, { role, queue, body: 'a letter' });
  await expect(serverless(['remove'])).rejects.toThrow('1 in deployed-prod-live-dlq, which is kept');
  expect(stack()?.status).toBe('UPDATE_COMPLETE');
});

test('serverless remove deletes everything except the source bucket, the protected tables and the dead letters', async () => {
  expect(await bucketNames()).toHaveLength(2);
  removal = await serverless(['remove', '--param', 'waiting=leave']);
  expect(removal).toContain('has been successfully removed');
  expect(stack()?.status).toBe('DELETE_COMPLETE');
  expect(await bucketNames()).toEqual(['documents']);
  expect(accounts.aws.lambda.functionArns()).toEqual([]);
  expect((await tables().call('DeleteTable', { TableName: 'deployed-prod-runs' })).status).toBe(400);
});

/** The permissions that this file shows to be needed. deployer-permissions.test.ts shows those for all other changes of resources. */
const BY_THE_FRAMEWORK = /^(?:Account cloudformation:|AllFunctions lambda:InvokeFunction|Code|Stack )/;

test('serverless needs each permission of its policy for the stack and its code', () => {
  const unused = deployer.unused(policy);
  deployer.may(policy);
  expect(unused.filter((permission) => BY_THE_FRAMEWORK.test(permission))).toEqual([]);
});

test.runIf(PLAYS_ALL).each(['Stack', 'CodeBucket', 'Code'])(
  'serverless deploy fails without the statement %s of its policy',
  async (sid) => {
    accounts.aws.clock.advance(61_000);
    deployer.may(withoutStatement(policy, sid));
    await expect(serverless(['deploy'])).rejects.toThrow(/not authorized|Access ?Denied|Forbidden/i);
    deployer.may(policy);
    await serverless(['remove', '--param', 'waiting=leave']).catch(() => undefined);
  },
);

test.runIf(PLAYS_ALL)(
  'serverless deploy takes up the runs and letters that a removed stack has left',
  async () => {
    // SQS does not create a queue within a minute after a queue of the same name was deleted.
    accounts.aws.clock.advance(61_000);
    expect(await serverless(['deploy'], configurationWith(3))).toContain(
      'Taken up from the stack that was removed: deployed-prod-live-dlq',
    );
    expect(stack()?.status).toBe('UPDATE_COMPLETE');
    const [mapping] = accounts.aws.lambda.eventSources.list();
    expect(mapping?.configuration.batchSize).toBe(3);
    const { body } = await tables().call('GetItem', { TableName: 'deployed-prod-runs', Key: RUN });
    expect(body['Item']).toEqual(RUN);
    const { Messages = [] } = await accounts.source.sqs.send(new ReceiveMessageCommand(deadLetters()));
    expect(Messages.map(({ Body }) => Body)).toEqual(['a letter']);
    const object = { bucket: 'documents', key: 'c.txt' };
    await accounts.source
      .s3()
      .send(new PutObjectCommand({ Bucket: 'documents', Key: 'c.txt', Body: 'again' }));
    await accounts.waitUntilReplicated([object]);
  },
);

test.runIf(PLAYS_ALL)(
  'serverless deploy that fails reports the cause and rolls everything back',
  async () => {
    const missing = {
      id: 'missing',
      source: { bucket: 'no-such-bucket' },
      destinations: [{ ...DESTINATION, bucket: 'other-replica' }],
    };
    const failure = await serverless(['deploy'], configurationWith(7, [missing])).catch(String);
    expect(failure).toContain('CREATE_FAILED: SubscriptionNoSuchBucket');
    await accounts.aws.cloudformation.idle();
    expect(stack()?.status).toBe('UPDATE_ROLLBACK_COMPLETE');
    const [mapping] = accounts.aws.lambda.eventSources.list();
    expect(mapping?.configuration.batchSize).toBe(3);
    await accounts.source
      .s3()
      .send(new PutObjectCommand({ Bucket: 'documents', Key: 'b.txt', Body: 'still' }));
    await accounts.waitUntilReplicated([{ bucket: 'documents', key: 'b.txt' }]);
  },
);

test('the leftovers that docs/uninstall.md searches for are those that serverless remove names, and its commands delete them', async () => {
  if (PLAYS_ALL) removal = await serverless(['remove', '--param', 'waiting=leave']);
  const left = () => leftoversOf(accounts, { bucket: 'documents', prefix: 'deployed-prod-' });
  const kept = keptBy(removal);
  expect(kept.tables).toHaveLength(3);
  expect(await left()).toEqual({ ...kept, notified: [] });
  await deleteKept(accounts, removal);
  expect(await left()).toEqual({ tables: [], queues: [], notified: [] });
  const stackName = 'deployed-destination-documents-replica';
  await accounts.aws.cloudformation.remove({ ...STACK, accountId: DESTINATION_ACCOUNT, stackName });
  const replica = { Bucket: 'documents-replica', Key: 'a.txt' };
  await accounts.destination.s3().send(new GetObjectCommand(replica));
});
