/** Roles and policies in templates. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ACCOUNT_ID, functionRole, startAwsFixture, type AwsFixture } from './aws-fixture.ts';

let fixture: AwsFixture;
beforeEach(async () => {
  fixture = await startAwsFixture();
  await fixture.artifact('code', `exports.handler = async () => 'one'`);
});
afterEach(() => fixture.close());

const attribute = (logicalId: string, name = 'Arn') =>
  fixture.stack()?.resources.get(logicalId)?.attributes[name] ?? '';

const decide = (action: string, resource: string) => {
  const { caller } = fixture.aws.iam.createSession(attribute('Role'), 'test', 900);
  const question = { caller, action, resource, resourceAccountId: ACCOUNT_ID, secureTransport: true };
  return fixture.aws.iam.decide(question).allowed;
};
const allow = (action: string) => ({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action: action, Resource: '*' }],
});
const policy = (action: string) => ({
  Type: 'AWS::IAM::Policy',
  Properties: { PolicyName: 'more', PolicyDocument: allow(action), Roles: [{ Ref: 'Role' }] },
});

test('a role has its inline, managed and separately attached policies until they are detached', async () => {
  const managed = {
    Type: 'AWS::IAM::ManagedPolicy',
    Properties: { PolicyDocument: allow('sns:Publish'), Roles: [{ Ref: 'Role' }] },
  };
  const Role = functionRole([{ Effect: 'Allow', Action: 's3:GetObject', Resource: '*' }]);
  await fixture.deploy({ Role, Policy: policy('sqs:SendMessage'), Managed: managed });
  const actions = ['s3:GetObject', 'logs:PutLogEvents', 'sqs:SendMessage', 'sns:Publish'];
  expect(actions.map((action) => decide(action, 'arn:aws:s3:::b/k'))).toEqual([true, true, true, true]);
  await fixture.deploy({ Role, Policy: policy('sqs:ReceiveMessage') });
  expect(actions.map((action) => decide(action, 'arn:aws:s3:::b/k'))).toEqual([true, true, false, false]);
  expect(decide('sqs:ReceiveMessage', 'arn:aws:sqs:eu-central-1:111111111111:q')).toBe(true);
  await fixture.deploy({ Role });
  expect(decide('sqs:ReceiveMessage', 'arn:aws:sqs:eu-central-1:111111111111:q')).toBe(false);
});

test('a role whose trust names a role that does not exist is refused', async () => {
  const trust = {
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Allow',
        Principal: { AWS: 'arn:aws:iam::222222222222:role/nobody' },
        Action: 'sts:AssumeRole',
      },
    ],
  };
  await expect(
    fixture.deploy({ Role: functionRole([], { AssumeRolePolicyDocument: trust }) }),
  ).rejects.toThrow(/Invalid principal in policy: "AWS":"arn:aws:iam::222222222222:role\/nobody"/);
});

test.each([
  [
    { ManagedPolicyArns: ['arn:aws:iam::aws:policy/AdministratorAccess'] },
    /AdministratorAccess does not exist or is not attachable/,
  ],
  [
    { PermissionsBoundary: 'arn:aws:iam::111111111111:policy/p' },
    /policy\/p does not exist or is not attachable/,
  ],
  [{ MaxSessionDuration: 43_201 }, /MaxSessionDuration/],
])('a role with %j is refused', async (properties, message) => {
  await expect(fixture.deploy({ Role: functionRole([], properties) })).rejects.toThrow(message);
});
