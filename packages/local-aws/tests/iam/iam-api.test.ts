/** IAM over HTTP, with the real SDK. Documents: API_GetRole, API_GetRolePolicy, API_PutRolePolicy, API_UpdateAssumeRolePolicy. */
import {
  DeleteRolePolicyCommand,
  GetRoleCommand,
  GetRolePolicyCommand,
  IAMClient,
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

test('the trust policy can be replaced, and who has no permission learns nothing about the role', async () => {
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
