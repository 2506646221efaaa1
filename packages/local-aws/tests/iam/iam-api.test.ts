/** IAM over HTTP, with the real SDK. Documents: API_CreateRole, API_GetRole, API_GetRolePolicy, API_PutRolePolicy, API_UpdateAssumeRolePolicy. */
import {
  AttachRolePolicyCommand,
  CreatePolicyVersionCommand,
  CreateRoleCommand,
  DeleteRolePolicyCommand,
  DetachRolePolicyCommand,
  GetPolicyCommand,
  GetPolicyVersionCommand,
  GetRoleCommand,
  GetRolePolicyCommand,
  IAMClient,
  ListAttachedRolePoliciesCommand,
  ListRolePoliciesCommand,
  PutRolePolicyCommand,
  UpdateAssumeRolePolicyCommand,
} from '@aws-sdk/client-iam';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createIamApi } from '../../src/iam/iam-api.ts';
import { accountId, type CoreServices, startCoreServices } from '../core-services.ts';

let services: CoreServices;
let client: IAMClient;
const RoleName = 'reader';
const PolicyName = 'read';
const statement = (Action: string) => ({ Effect: 'Allow' as const, Action, Resource: '*' });

beforeEach(async () => {
  services = await startCoreServices({
    iam: { handle: (request, response) => createIamApi(services.iam).handle(request, response) },
  });
  client = new IAMClient(services.clientOptions());
  services.iam.putRole({
    accountId,
    roleName: RoleName,
    assumeRolePolicy: {
      Statement: [{ Effect: 'Allow', Principal: { AWS: accountId }, Action: 'sts:AssumeRole' }],
    },
    policies: [{ Statement: [statement('s3:GetObject')] }, { Statement: [statement('s3:ListBucket')] }],
    policyNames: [null, PolicyName],
  });
});
afterEach(async () => {
  client.destroy();
  await services.close();
});

test('a policy of a role is returned URL-encoded, and replaced under its name', async () => {
  expect((await client.send(new ListRolePoliciesCommand({ RoleName }))).PolicyNames).toEqual([PolicyName]);
  const changed = { Version: '2012-10-17', Statement: [statement('s3:GetBucketPolicy')] };
  await client.send(
    new PutRolePolicyCommand({ RoleName, PolicyName, PolicyDocument: JSON.stringify(changed) }),
  );
  const { PolicyDocument = '' } = await client.send(new GetRolePolicyCommand({ RoleName, PolicyName }));
  expect(PolicyDocument).toContain('%22');
  expect(JSON.parse(decodeURIComponent(PolicyDocument))).toEqual(changed);
  const actions = services.iam.roleNamed(accountId, RoleName)?.policies.flatMap(({ Statement }) => Statement);
  expect(actions).toEqual([statement('s3:GetObject'), statement('s3:GetBucketPolicy')]);
});

test('a deleted policy and a role that does not exist are NoSuchEntity', async () => {
  await client.send(new DeleteRolePolicyCommand({ RoleName, PolicyName }));
  await expect(client.send(new GetRolePolicyCommand({ RoleName, PolicyName }))).rejects.toMatchObject({
    name: 'NoSuchEntityException',
  });
  await expect(client.send(new GetRoleCommand({ RoleName: 'nobody' }))).rejects.toMatchObject({
    name: 'NoSuchEntityException',
  });
});

test('a role that was created has no policies, and the same name cannot be used twice', async () => {
  const trust = JSON.stringify({
    Statement: [{ Effect: 'Allow', Principal: { AWS: accountId }, Action: 'sts:AssumeRole' }],
  });
  const create = new CreateRoleCommand({
    RoleName: 'fresh',
    Path: '/team/',
    AssumeRolePolicyDocument: trust,
  });
  const { Role } = await client.send(create);
  expect(Role).toMatchObject({ Arn: `arn:aws:iam::${accountId}:role/team/fresh` });
  expect((await client.send(new ListRolePoliciesCommand({ RoleName: 'fresh' }))).PolicyNames).toEqual([]);
  await expect(client.send(create)).rejects.toMatchObject({ name: 'EntityAlreadyExistsException' });
});

test('the trust policy can be replaced, and a caller without permission learns nothing about the role', async () => {
  const trust = {
    Statement: [
      { Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' },
    ],
  };
  await client.send(new UpdateAssumeRolePolicyCommand({ RoleName, PolicyDocument: JSON.stringify(trust) }));
  const { Role } = await client.send(new GetRoleCommand({ RoleName }));
  expect(JSON.parse(decodeURIComponent(Role?.AssumeRolePolicyDocument ?? ''))).toEqual(trust);
  const stranger = new IAMClient(services.clientOptions(services.sessionOf('stranger', [])));
  await expect(stranger.send(new GetRoleCommand({ RoleName: 'nobody' }))).rejects.toMatchObject({
    name: 'AccessDenied',
  });
  stranger.destroy();
});

const policyArn = (name: string): string => `arn:aws:iam::${accountId}:policy/${name}`;
const long = (characters: number) => ({
  Version: '2012-10-17',
  Statement: [{ ...statement('s3:GetObject'), Resource: `arn:aws:s3:::${'b'.repeat(characters)}` }],
});

test('roles get the new default version of a managed policy, until the policy is detached', async () => {
  const PolicyArn = policyArn('buckets');
  services.iam.managedPolicies.put(PolicyArn, { Statement: [statement('s3:GetObject')] });
  await client.send(new AttachRolePolicyCommand({ RoleName, PolicyArn }));
  const changed = { Version: '2012-10-17', Statement: [statement('s3:PutObject')] };
  await client.send(
    new CreatePolicyVersionCommand({
      PolicyArn,
      PolicyDocument: JSON.stringify(changed),
      SetAsDefault: true,
    }),
  );
  const { AttachedPolicies } = await client.send(new ListAttachedRolePoliciesCommand({ RoleName }));
  expect(AttachedPolicies).toEqual([{ PolicyName: 'buckets', PolicyArn }]);
  const { Policy } = await client.send(new GetPolicyCommand({ PolicyArn }));
  const { PolicyVersion } = await client.send(
    new GetPolicyVersionCommand({ PolicyArn, VersionId: Policy?.DefaultVersionId }),
  );
  expect(JSON.parse(decodeURIComponent(PolicyVersion?.Document ?? ''))).toEqual(changed);
  const known = () => services.iam.roleNamed(accountId, RoleName)?.policies;
  expect(known()).toContainEqual(changed);
  await client.send(new DetachRolePolicyCommand({ RoleName, PolicyArn }));
  expect(known()).not.toContainEqual(changed);
});

test('inline policies together, a managed policy and the number of managed policies have quotas', async () => {
  const put = (name: string, characters: number) =>
    client.send(
      new PutRolePolicyCommand({
        RoleName,
        PolicyName: name,
        PolicyDocument: JSON.stringify(long(characters)),
      }),
    );
  await put('first', 6000);
  await expect(put('second', 6000)).rejects.toMatchObject({
    name: 'LimitExceededException',
    message: 'Maximum policy size of 10240 bytes exceeded for role reader',
  });
  expect(() => services.iam.managedPolicies.put(policyArn('long'), long(6144))).toThrow(
    'Cannot exceed quota for PolicySize: 6144',
  );
  for (let number = 1; number <= 10; number++) {
    services.iam.managedPolicies.put(policyArn(`p${number}`), long(10));
    await client.send(new AttachRolePolicyCommand({ RoleName, PolicyArn: policyArn(`p${number}`) }));
  }
  services.iam.managedPolicies.put(policyArn('p11'), long(10));
  await expect(
    client.send(new AttachRolePolicyCommand({ RoleName, PolicyArn: policyArn('p11') })),
  ).rejects.toThrow('Cannot exceed quota for PoliciesPerRole: 10');
});
