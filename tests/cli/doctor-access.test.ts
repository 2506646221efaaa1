/** Doctor's repairs of what only the owner of a bucket, a key or a secret can change. Each is applied as it is printed. */
import { PutBucketOwnershipControlsCommand, type ObjectOwnership } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Context } from '../../src/cli/doctor/context.ts';
import { bucketFindings } from '../../src/cli/doctor/destination-bucket.ts';
import { seenFrom } from '../../src/cli/doctor/destination-seen.ts';
import { commandOf } from '../../src/cli/doctor/fix.ts';
import { secretRepair } from '../../src/cli/doctor/refused-access.ts';
import { createAccountSettings } from '../../src/lib/aws/settings/account-settings.ts';
import { answerOf } from '../../src/lib/aws/s3/probe/probe-answer.ts';
import { readAccessKey } from '../../src/lib/aws/secret.ts';
import { callJson } from '../../src/lib/aws/signed-json.ts';
import { parseConfiguration } from '../../src/lib/configuration/configuration.ts';
import { resourceNames } from '../../src/lib/configuration/resource-names.ts';
import { ruleDestinations } from '../../src/lib/model/rule.ts';
import { type LocalBuckets, startLocalBuckets } from '../adapters/local-buckets.ts';
import { fileWith } from '../configuration/yaml.ts';
import { runAwsCommand } from '../e2e/support/doctor/aws-command.ts';
import { setAwsVariables } from '../model/aws-variables.ts';
import { awsCommands, optionOf } from './printed-command.ts';

const OWNER = '111111111111';
const REGION = 'eu-central-1';
const SECRET = `arn:aws:secretsmanager:${REGION}:${OWNER}:secret:minio-AbCdEf`;
const KEY = JSON.stringify({ accessKeyId: 'AKID', secretAccessKey: 'secret' });

let local: LocalBuckets;
let replicateRole = '';
beforeAll(async () => {
  local = await startLocalBuckets();
  const { aws } = local;
  setAwsVariables({ endpoint: aws.httpEndpoint, credentials: aws.root(OWNER) });
  replicateRole = aws.iam.putRole({
    accountId: OWNER,
    roleName: resourceNames(parseConfiguration(fileWith({})).deployment).replicateRole,
    assumeRolePolicy: {
      Statement: [{ Effect: 'Allow', Principal: { AWS: OWNER }, Action: 'sts:AssumeRole' }],
    },
    policies: [{ Statement: [{ Effect: 'Allow', Action: 'secretsmanager:*', Resource: '*' }] }],
  }).arn;
});
afterAll(async () => {
  await local[Symbol.asyncDispose]();
});

const seenWith = (
  options: Record<string, unknown>,
  settings: object = createAccountSettings({ region: REGION }),
) => {
  const configuration = parseConfiguration(fileWith({ destination: options }));
  const [where] = ruleDestinations(configuration.replication);
  if (where === undefined) throw new Error('the rule has no destination');
  const context = {
    configuration,
    whole: configuration,
    names: resourceNames(configuration.deployment),
    region: REGION,
    identity: { account: OWNER, arn: '' },
    settings,
  } as unknown as Context;
  return seenFrom(context, where);
};

test('replicas that belong to the account of the role are a warning, and the fix gives them to the owner of the bucket', async () => {
  local.createSource('owned-elsewhere');
  const own = (ObjectOwnership: ObjectOwnership) =>
    local.sourceOwner.send(
      new PutBucketOwnershipControlsCommand({
        Bucket: 'owned-elsewhere',
        OwnershipControls: { Rules: [{ ObjectOwnership }] },
      }),
    );
  const one = seenWith({ bucket: 'owned-elsewhere', account: OWNER, region: REGION });
  const find = () => bucketFindings(one, createAccountSettings({ region: REGION }).buckets);
  await own('BucketOwnerEnforced');
  expect((await find()).map(({ cause }) => cause)).toEqual([]);
  await own('ObjectWriter');
  const [finding, ...others] = await find();
  expect(others).toEqual([]);
  expect(finding).toMatchObject({ cause: 'replicas-of-others', verdict: 'warning' });
  if (finding?.fix == null) throw new Error('there is no fix');
  expect(finding.fix.account).toBe(OWNER);
  await runAwsCommand(local.aws, OWNER, commandOf(finding.fix));
  expect((await find()).map(({ cause }) => cause)).toEqual([]);
});

/** Reads the secret as the replicate function does. */
const readAsFunction = () =>
  answerOf('secretsmanager:GetSecretValue', () =>
    readAccessKey(SECRET, async () => local.aws.iam.createSession(replicateRole, 'test', 3600).credentials),
  );

const repair = async (settings?: object) => {
  const step = await readAsFunction();
  expect(step.answer).not.toBe('allowed');
  const options = { roleArn: undefined, externalId: undefined, secretArn: SECRET };
  return secretRepair(seenWith({ ...options, endpoint: 'https://minio.example.com' }, settings), step);
};

test('a policy of the secret that denies the function is printed without the denial if the caller may read it', async () => {
  local.aws.secretsmanager.put({
    accountId: OWNER,
    region: REGION,
    name: 'minio',
    suffix: 'AbCdEf',
    text: KEY,
  });
  const denial = {
    Sid: 'Lockdown',
    Effect: 'Deny',
    Principal: '*',
    Action: 'secretsmanager:Get*',
    Resource: '*',
  };
  const policy = {
    Version: '2012-10-17',
    Statement: [
      { ...denial, Condition: { ArnNotEquals: { 'aws:PrincipalArn': `arn:aws:iam::${OWNER}:root` } } },
    ],
  };
  await runAwsCommand(
    local.aws,
    OWNER,
    `aws secretsmanager put-resource-policy --region ${REGION} --cli-input-json '${JSON.stringify({ SecretId: SECRET, ResourcePolicy: JSON.stringify(policy) })}'`,
  );
  const permission = 'secretsmanager:GetResourcePolicy';
  const denied = { keys: { secretPolicy: async () => ({ kind: 'denied', permission, message: '' }) } };
  expect(await repair(denied)).toMatchObject({
    kind: 'edit',
    edit: expect.stringContaining(`with ${permission}, doctor prints the call`),
  });
  const fix = await repair();
  expect(fix).toMatchObject({ kind: 'aws', operation: 'put-resource-policy', account: OWNER });
  await runAwsCommand(local.aws, OWNER, commandOf(fix));
  expect((await readAsFunction()).answer).toBe('allowed');
});

test('a secret without an access key gets one by the printed command, from a file that only the operator can write', async () => {
  local.aws.secretsmanager.put({
    accountId: OWNER,
    region: REGION,
    name: 'minio',
    suffix: 'AbCdEf',
    text: '{}',
  });
  const fix = await repair();
  expect(fix).toMatchObject({ kind: 'edit', edit: expect.stringContaining('only you know the key') });
  const [words = []] = awsCommands(commandOf(fix));
  expect(words.slice(0, 2)).toEqual(['secretsmanager', 'put-secret-value']);
  expect(optionOf(words, '--secret-string')).toBe('file://access-key.json');
  await callJson({
    service: 'secretsmanager',
    region: optionOf(words, '--region'),
    target: 'secretsmanager.PutSecretValue',
    input: { SecretId: optionOf(words, '--secret-id'), SecretString: KEY },
    credentials: async () => local.aws.root(OWNER),
    what: 'PutSecretValue',
  });
  expect((await readAsFunction()).answer).toBe('allowed');
});
