/**
 * The rules of a platform team, as docs/platform.md gives them: a service control policy that demands a boundary, a path for roles, and a
 * KMS key with a policy of its own. Each test continues where the previous one ended.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3';
import type { LocalAws, PolicyDocument } from '@s3-replicator/local-aws';
import { parseTemplate, type Template } from '@s3-replicator/local-aws/template';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { TEMPLATE_FILE } from '../../demo/package-stack.ts';
import { SOURCE_ACCOUNT, startTwoAccounts, type TwoAccounts } from '../../demo/two-accounts.ts';
import { type Configuration, loadConfiguration } from '../../src/lib/configuration/configuration.ts';
import { onPlatform } from '../../src/stack/platform.ts';
import { documentedPolicy } from '../docs/documented-policy.ts';
import { PLAYS_ALL } from './support/seed.ts';
import { packaged, replicationFileOf } from './support/stages/packaged.ts';

const KEY = 'arn:aws:kms:us-east-1:111111111111:key/12345678-1234-1234-1234-123456789012';
const BOUNDARY = 'arn:aws:iam::111111111111:policy/platform-boundary';
const ALLOW_ALL: PolicyDocument = { Statement: { Effect: 'Allow', Action: '*', Resource: '*' } };

const configuration = replicationFileOf('two-way-forth');
const { stack: settings } = loadConfiguration(configuration);
const directory = await packaged(configuration);
const ROLES = ['left', 'west', 'here', 'outer', 'right', 'east', 'there', 'chain-b'];

/** Changes the packaged template as packaging with these settings would. The code is the same. */
const withSettings =
  (more: Partial<Configuration['stack']>) =>
  ({ Resources }: Template): void => {
    const own = { Resources } as unknown as { Resources: Parameters<typeof onPlatform>[0] };
    Object.assign(Resources, onPlatform(own.Resources, { ...settings, ...more }, 'forth-prod'));
  };

const ALL = { permissionsBoundary: BOUNDARY, rolePath: '/platform/', kmsKeyArn: KEY };

const deployInVain = async (aws: LocalAws, more: Partial<Configuration['stack']>): Promise<string> => {
  const template = parseTemplate(await readFile(join(directory, TEMPLATE_FILE), 'utf8'));
  withSettings(more)(template);
  const failure = await aws.cloudformation
    .deploy({
      accountId: SOURCE_ACCOUNT,
      region: 'us-east-1',
      stackName: 'forth-prod',
      template: JSON.stringify(template),
      artifacts: directory,
      onFailure: 'DELETE',
    })
    .catch(String);
  // SQS does not create a queue within a minute after a queue of the same name was deleted.
  aws.clock.advance(61_000);
  return String(failure);
};

/** The documented policy of the key without the statement with this id. */
const keyWithout = (sid: string): PolicyDocument => {
  const policy = documentedPolicy('key');
  return { ...policy, Statement: [policy.Statement].flat().filter(({ Sid }) => Sid !== sid) };
};

/**
 * Whether the tests wait until a refused subscription fails. It is tried for more than a minute, because a policy may have been set just
 * before. Only the soak waits so long.
 */
const isLong = PLAYS_ALL;

let accounts: TwoAccounts;
const refused: Record<string, string> = {};
beforeAll(async () => {
  accounts = await startTwoAccounts({
    configuration,
    packaged: directory,
    destinationParameters: Object.fromEntries(
      ROLES.map((name) => [
        `arn:aws:iam::222222222222:role/${name}`,
        { SourceRoleArn: 'arn:aws:iam::111111111111:role/platform/forth-prod-us-east-1-replicate' },
      ]),
    ),
    edit: { stack: withSettings(ALL) },
    before: async ({ aws }) => {
      await aws.cloudformation.deploy({
        accountId: SOURCE_ACCOUNT,
        region: 'us-east-1',
        stackName: 'platform',
        template: JSON.stringify({
          Resources: {
            Boundary: {
              Type: 'AWS::IAM::ManagedPolicy',
              Properties: {
                ManagedPolicyName: 'platform-boundary',
                PolicyDocument: documentedPolicy('boundary'),
              },
            },
          },
        }),
      });
      aws.iam.controlAccount(SOURCE_ACCOUNT, [ALLOW_ALL, documentedPolicy('scp')]);
      aws.kms.put(KEY, documentedPolicy('key'));
      refused['boundary'] = await deployInVain(aws, { ...ALL, permissionsBoundary: null });
      if (isLong) {
        aws.kms.put(KEY, keyWithout('EventsAndAlarms'));
        refused['key'] = await deployInVain(aws, ALL);
      }
      aws.kms.put(KEY, documentedPolicy('key'));
    },
  });
});
afterAll(() => accounts?.stop());

test('a service control policy refuses the roles of the stack as long as they have no boundary', () => {
  expect(refused['boundary']).toContain('is not authorized to perform: iam:CreateRole');
  expect(refused['boundary']).toContain('with an explicit deny in a service control policy');
});

test.skipIf(!isLong)(
  'a key whose policy does not let S3 use it ends the deployment at the subscription of the first bucket',
  () => {
    expect(refused['key']).toMatch(
      /Subscription.*Unable to validate the following destination configurations/s,
    );
  },
);

test('with boundary, path and key, events of S3 and of EventBridge arrive and objects are replicated', async () => {
  const objects = ['left', 'west'].map((bucket) => ({ bucket, key: 'a.txt' }));
  for (const { bucket, key } of objects)
    await accounts.source.s3().send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: bucket }));
  await accounts.waitUntilReplicated(objects);
  const role = accounts.aws.iam.roleNamed(SOURCE_ACCOUNT, accounts.names.replicateRole);
  expect(role?.arn).toBe(accounts.outputs['ReplicateRoleArn']);
  expect(role?.arn).toContain(':role/platform/');
});

test('events are lost without a word if the policy of the key stops letting S3 use it', async () => {
  const { aws, source, destination } = accounts;
  const put = (Key: string) => source.s3().send(new PutObjectCommand({ Bucket: 'left', Key, Body: Key }));
  aws.kms.put(KEY, keyWithout('EventsAndAlarms'));
  await put('lost.txt');
  aws.kms.put(KEY, documentedPolicy('key'));
  await put('kept.txt');
  await accounts.waitUntilReplicated([{ bucket: 'left', key: 'kept.txt' }]);
  const { Contents = [] } = await destination.s3().send(new ListObjectsV2Command({ Bucket: 'right' }));
  expect(Contents.map(({ Key }) => Key)).toEqual(['a.txt', 'kept.txt']);
});
