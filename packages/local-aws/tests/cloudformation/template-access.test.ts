/** The sources of a template, and the permissions that a call requires. */
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { expect, test } from 'vitest';
import { ACCOUNT_ID, REGION } from './aws-fixture.ts';
import { body, useStackApi } from './stack-api.ts';

const { aws, s3, stackName, call, clientOf, queue, create, describeStack, settled, deployed, visibility } =
  useStackApi();

const url = (key: string): string => `https://s3.amazonaws.com/templates/${key}`;

test('a template is read from S3 by its URL', async () => {
  const { TemplateBody = '' } = body({ Queue: queue(12) });
  await s3().send(new PutObjectCommand({ Bucket: 'templates', Key: 'a b/t.json', Body: TemplateBody }));
  expect((await call('ValidateTemplate', { TemplateURL: url('a%20b/t.json') })).error()).toBeUndefined();
  await deployed({ TemplateURL: `https://templates.s3.${REGION}.amazonaws.com/a%20b/t.json` });
  expect(visibility()).toBe('12');
});

test('a template that grants permissions needs an acknowledgement', async () => {
  const Role = {
    Type: 'AWS::IAM::Role',
    Properties: {
      RoleName: `${stackName()}-role`,
      AssumeRolePolicyDocument: { Version: '2012-10-17', Statement: [] },
    },
  };
  expect((await call('ValidateTemplate', body({ Role }))).value('member')).toBe('CAPABILITY_NAMED_IAM');
  for (const capabilities of [{}, { 'Capabilities.member.1': 'CAPABILITY_IAM' }]) {
    expect((await create({ ...body({ Role }), ...capabilities })).error()).toBe(
      'InsufficientCapabilitiesException: Requires capabilities : [CAPABILITY_NAMED_IAM]',
    );
  }
  await deployed({ ...body({ Role }), 'Capabilities.member.1': 'CAPABILITY_NAMED_IAM' });
});

test.each<[Record<string, string>, RegExp]>([
  [{}, /^ValidationError: Either Template URL or Template Body must be specified\.$/],
  [{ TemplateURL: 'https://example.com/t' }, /^ValidationError: TemplateURL must be a supported URL\.$/],
  [
    { TemplateURL: 'https://s3.amazonaws.com/templates/absent' },
    /^ValidationError: S3 error: The specified key does not exist\./,
  ],
  [{ TemplateBody: 'x'.repeat(51_201) }, /^ValidationError: .+ less than or equal to 51200$/],
  [{ TemplateBody: '{"Resources": {' }, /^ValidationError: Template format error: JSON not well-formed/],
  [
    { TemplateBody: '{"Resources":{"A":{"Type":"AWS::SNS::Topic","DependsOn":"B"}}}' },
    /^ValidationError: .*Unresolved resource dependencies \[B\]/,
  ],
  [
    { TemplateBody: '{"Resources":{}}', RoleARN: 'arn' },
    /does not support cloudformation:CreateStack with RoleARN/,
  ],
])('a malformed template is refused before anything is created (%#)', async (fields, error) => {
  expect((await create(fields)).error()).toMatch(error);
  expect((await describeStack()).status).toBe(400);
});

const session = (statements: object[]) => {
  const { arn } = aws().iam.putRole({
    accountId: ACCOUNT_ID,
    roleName: 'deployer',
    assumeRolePolicy: { Statement: [] },
    policies: [{ Version: '2012-10-17', Statement: JSON.parse(JSON.stringify(statements)) }],
  });
  return clientOf(aws().iam.createSession(arn, 'test', 3600).credentials);
};

test('each CloudFormation call needs permission for its stack', async () => {
  const Resource = `arn:aws:cloudformation:${REGION}:${ACCOUNT_ID}:stack/${stackName()}/*`;
  const deployer = session([
    { Effect: 'Allow', Action: 'cloudformation:CreateStack', Resource },
    { Effect: 'Allow', Action: 'sqs:*', Resource: '*' },
  ]);
  const fields = { StackName: stackName(), ...body({ Queue: queue(10) }) };
  expect((await deployer('CreateStack', fields)).status).toBe(200);
  expect(await settled()).toBe('CREATE_COMPLETE');
  expect((await deployer('CreateStack', { ...fields, StackName: 'other' })).error()).toMatch(
    /^AccessDenied: User: .+ is not authorized to perform: cloudformation:CreateStack on resource: .+ because no identity-based policy/,
  );
  for (const action of ['UpdateStack', 'DeleteStack', 'DescribeStacks', 'DescribeStackEvents']) {
    expect(
      (await deployer(action, action === 'UpdateStack' ? fields : { StackName: stackName() })).error(),
    ).toMatch(/^AccessDenied: /);
  }
});

test("a template is read from S3 with the caller's permissions", async () => {
  const deployer = session([{ Effect: 'Allow', Action: 'cloudformation:*', Resource: '*' }]);
  await s3().send(new PutObjectCommand({ Bucket: 'templates', Key: 'secret', Body: '{"Resources":{}}' }));
  const answer = await deployer('CreateStack', {
    StackName: stackName(),
    TemplateURL: 'https://s3.amazonaws.com/templates/secret',
  });
  expect(answer.error()).toMatch(/^ValidationError: S3 error: .+ not authorized to perform: s3:GetObject/);
});

test('CloudFormation changes resources with the permissions of its caller', async () => {
  const stack = (seconds: number) => ({ StackName: stackName(), ...body({ Queue: queue(seconds) }) });
  const allow = (Action: string[]) => [
    { Effect: 'Allow', Action: ['cloudformation:*', ...Action], Resource: '*' },
  ];
  const reads = ['sqs:GetQueueUrl', 'sqs:GetQueueAttributes', 'sqs:ListQueueTags'];
  const reasons = async () => (await call('DescribeStackEvents', { StackName: stackName() })).xml;
  await session(allow(reads))('CreateStack', { ...stack(10), OnFailure: 'ROLLBACK' });
  expect(await settled()).toBe('ROLLBACK_COMPLETE');
  expect(await reasons()).toContain('is not authorized to perform: sqs:CreateQueue on resource');
  await call('DeleteStack', { StackName: stackName() });

  const creator = session(allow(['sqs:CreateQueue', ...reads]));
  await creator('CreateStack', stack(10));
  expect(await settled()).toBe('CREATE_COMPLETE');
  await creator('UpdateStack', stack(11));
  expect(await settled()).toBe('UPDATE_ROLLBACK_FAILED');
});
