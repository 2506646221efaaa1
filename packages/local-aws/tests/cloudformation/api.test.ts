/** CloudFormation's query API, as a client sees it. */
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { startLocalAws, type LocalAws } from '../../src/start/local-aws.ts';
import { clientConfig } from '../../src/start/client-config.ts';
import { queryClient, type QueryAnswer, type QueryClient } from '../query-client.ts';
import { ACCOUNT_ID, PATIENCE, REGION } from './aws-fixture.ts';

let aws: LocalAws;
let call: QueryClient;
let s3: S3Client;

beforeAll(async () => {
  aws = await startLocalAws({ region: REGION });
  call = clientOf(aws.root(ACCOUNT_ID));
  s3 = new S3Client(clientConfig(aws, aws.root(ACCOUNT_ID)));
  aws.s3.createBucket({ name: 'templates', accountId: ACCOUNT_ID, region: REGION });
});
afterAll(async () => {
  s3.destroy();
  await aws.stop();
});

const clientOf = (credentials: Parameters<typeof queryClient>[0]['credentials']): QueryClient =>
  queryClient({ endpoint: aws.httpEndpoint, region: REGION, service: 'cloudformation', credentials });

let StackName = '';
let count = 0;
beforeEach(() => {
  count += 1;
  StackName = `stack-${count}`;
});

const queue = (VisibilityTimeout: number, more: object = {}): object => ({
  Type: 'AWS::SQS::Queue',
  Properties: { QueueName: `${StackName}-queue`, VisibilityTimeout, ...more },
});
const body = (Resources: object, more: object = {}): Record<string, string> => ({
  TemplateBody: JSON.stringify({ Resources, ...more }),
});
/** An ARN that no rule may have as a target. */
const broken = {
  Type: 'AWS::Events::Rule',
  Properties: { EventPattern: { source: ['x'] }, Targets: [{ Id: 'a', Arn: 'b' }] },
};

const create = (fields: Record<string, string>): Promise<QueryAnswer> =>
  call('CreateStack', { StackName, ...fields });
const describeStack = (): Promise<QueryAnswer> => call('DescribeStacks', { StackName });
const settled = async (): Promise<string> => {
  const status = async () => (await describeStack()).value('StackStatus') ?? '';
  await vi.waitUntil(async () => /_(COMPLETE|FAILED)$/.test(await status()), PATIENCE);
  return status();
};
const deployed = async (fields: Record<string, string>): Promise<void> => {
  expect((await create(fields)).error()).toBeUndefined();
  expect(await settled()).toBe('CREATE_COMPLETE');
};
const visibility = (): string | undefined =>
  aws.sqs.queues.byName({ accountId: ACCOUNT_ID, region: REGION, name: `${StackName}-queue` })?.attributes
    .text.VisibilityTimeout;

describe('a stack', () => {
  test('is created while the caller waits elsewhere, and described', async () => {
    const answer = await create({
      ...body(
        { Queue: queue(10) },
        {
          Description: 'one <queue>',
          Parameters: { Stage: { Type: 'String' } },
          Outputs: { Url: { Value: { Ref: 'Queue' }, Export: { Name: `${StackName}-url` } } },
        },
      ),
      'Parameters.member.1.ParameterKey': 'Stage',
      'Parameters.member.1.ParameterValue': 'test',
      'Tags.member.1.Key': 'team',
      'Tags.member.1.Value': 'storage',
    });
    const stackId = answer.value('StackId') ?? '';
    expect(stackId).toMatch(
      new RegExp(`^arn:aws:cloudformation:${REGION}:${ACCOUNT_ID}:stack/${StackName}/`),
    );
    expect(await settled()).toBe('CREATE_COMPLETE');
    const stack = await describeStack();
    const url = aws.sqs.queueUrl(`arn:aws:sqs:${REGION}:${ACCOUNT_ID}:${StackName}-queue`);
    expect(stack.values('OutputValue')).toEqual([url]);
    expect(stack.value('ExportName')).toBe(`${StackName}-url`);
    expect(stack.value('Description')).toBe('one <queue>');
    expect([stack.value('ParameterValue'), stack.value('Key'), stack.value('Value')]).toEqual([
      'test',
      'team',
      'storage',
    ]);
    expect((await call('ListExports')).values('Name')).toContain(`${StackName}-url`);
    const resource = await call('DescribeStackResource', { StackName: stackId, LogicalResourceId: 'Queue' });
    expect(resource.value('PhysicalResourceId')).toBe(url);
    expect((await call('ListStackResources', { StackName })).value('ResourceStatus')).toBe('CREATE_COMPLETE');
    const template = (await call('GetTemplate', { StackName })).value('TemplateBody') ?? '';
    expect(JSON.parse(template)).toHaveProperty('Resources.Queue.Type', 'AWS::SQS::Queue');
    expect((await create(body({ Queue: queue(10) }))).error()).toBe(
      `AlreadyExistsException: Stack [${StackName}] already exists`,
    );
  });

  test('tells its events newest first, in pages', async () => {
    const topics = Array.from({ length: 70 }, (_, index) => [`T${index}`, { Type: 'AWS::SNS::Topic' }]);
    await deployed(body(Object.fromEntries(topics)));
    const first = await call('DescribeStackEvents', { StackName });
    expect(first.values('EventId')).toHaveLength(100);
    expect(first.value('ResourceStatus')).toBe('CREATE_COMPLETE');
    const second = await call('DescribeStackEvents', {
      StackName,
      NextToken: first.value('NextToken') ?? '',
    });
    expect(second.value('NextToken')).toBeUndefined();
    expect(second.values('ResourceStatus').at(-1)).toBe('CREATE_IN_PROGRESS');
    expect(new Set([...first.values('EventId'), ...second.values('EventId')]).size).toBe(142);
    const resources = await call('ListStackResources', { StackName });
    expect(resources.values('LogicalResourceId')).toHaveLength(70);
  });

  test('is updated in place, and not at all when nothing changes', async () => {
    await deployed(body({ Queue: queue(10) }));
    const update = (seconds: number) =>
      call('UpdateStack', { StackName, ...body({ Queue: queue(seconds) }) });
    expect((await update(10)).error()).toBe('ValidationError: No updates are to be performed.');
    expect((await update(20)).status).toBe(200);
    expect(await settled()).toBe('UPDATE_COMPLETE');
    expect(visibility()).toBe('20');
    expect((await describeStack()).value('LastUpdatedTime')).toBeDefined();
  });

  test('whose creation fails is rolled back, told why, and cannot be updated', async () => {
    await create(body({ Queue: queue(10), Broken: { ...broken, DependsOn: 'Queue' } }));
    expect(await settled()).toBe('ROLLBACK_COMPLETE');
    expect(visibility()).toBeUndefined();
    const events = await call('DescribeStackEvents', { StackName });
    expect(events.values('ResourceStatusReason')).toEqual(
      expect.arrayContaining([
        'the local AWS does not support b as the target of a rule',
        'The following resource(s) failed to create: [Broken]. ',
      ]),
    );
    const update = await call('UpdateStack', { StackName, ...body({ Queue: queue(10) }) });
    expect(update.error()).toMatch(
      /^ValidationError: Stack:arn:.+ is in ROLLBACK_COMPLETE state and can not be updated\.$/,
    );
  });

  test('whose creation fails is gone where OnFailure says so', async () => {
    const id =
      (await create({ ...body({ Queue: queue(10), Broken: broken }), OnFailure: 'DELETE' })).value(
        'StackId',
      ) ?? '';
    await vi.waitUntil(
      async () =>
        (await call('DescribeStacks', { StackName: id })).value('StackStatus') === 'DELETE_COMPLETE',
      PATIENCE,
    );
    expect((await describeStack()).error()).toBe(
      `ValidationError: Stack with id ${StackName} does not exist`,
    );
  });

  test('whose update fails is as it was before', async () => {
    await deployed(body({ Queue: queue(10) }));
    await call('UpdateStack', {
      StackName,
      ...body({
        Queue: queue(30),
        New: { Type: 'AWS::SNS::Topic' },
        Broken: { ...broken, DependsOn: ['Queue', 'New'] },
      }),
    });
    expect(await settled()).toBe('UPDATE_ROLLBACK_COMPLETE');
    expect(visibility()).toBe('10');
    expect((await call('ListStackResources', { StackName })).values('LogicalResourceId')).toEqual(['Queue']);
    expect((await call('DescribeStackEvents', { StackName })).values('ResourceStatus').slice(0, 3)).toEqual([
      'UPDATE_ROLLBACK_COMPLETE',
      'DELETE_COMPLETE',
      'DELETE_IN_PROGRESS',
    ]);
  });

  test('is restored in the order of its dependencies', async () => {
    const Policy = (name: string) => ({
      Type: 'AWS::SQS::QueuePolicy',
      Properties: { Queues: [{ Ref: 'Queue' }], PolicyDocument: { Id: name, Statement: [] } },
    });
    await deployed(body({ Queue: queue(10), Policy: Policy('old') }));
    await call('UpdateStack', {
      StackName,
      ...body({ Queue: queue(20), Policy: Policy('new'), Broken: { ...broken, DependsOn: 'Policy' } }),
    });
    expect(await settled()).toBe('UPDATE_ROLLBACK_COMPLETE');
    const events = await call('DescribeStackEvents', { StackName });
    const ids = events.values('LogicalResourceId').filter((id) => id === 'Queue' || id === 'Policy');
    // Newest first: the queue came back before its policy did.
    expect(ids.slice(0, 4)).toEqual(['Policy', 'Policy', 'Queue', 'Queue']);
    await call('DeleteStack', { StackName });
    await vi.waitUntil(async () => (await describeStack()).status === 400, PATIENCE);
  });

  test('is deleted, unless it is protected', async () => {
    await deployed({ ...body({ Queue: queue(10) }), EnableTerminationProtection: 'true' });
    expect((await call('DeleteStack', { StackName })).error()).toBe(
      `ValidationError: Stack [${StackName}] cannot be deleted while TerminationProtection is enabled`,
    );
    const id = (await describeStack()).value('StackId') ?? '';
    await call('UpdateTerminationProtection', { StackName, EnableTerminationProtection: 'false' });
    expect((await call('DeleteStack', { StackName })).status).toBe(200);
    await vi.waitUntil(async () => (await describeStack()).status === 400, PATIENCE);
    expect(visibility()).toBeUndefined();
    expect((await call('DescribeStacks', { StackName: id })).value('StackStatus')).toBe('DELETE_COMPLETE');
    expect((await call('DescribeStackEvents', { StackName })).error()).toBe(
      `ValidationError: Stack [${StackName}] does not exist`,
    );
    expect((await call('DeleteStack', { StackName })).status).toBe(200);
  });

  test('has to be there', async () => {
    const errors = await Promise.all(
      [
        call('UpdateStack', { StackName, ...body({ Queue: queue(1) }) }),
        call('DescribeStackResource', { StackName, LogicalResourceId: 'A' }),
        call('ListStackResources', { StackName }),
        call('GetTemplate', { StackName }),
      ].map(async (answer) => (await answer).error()),
    );
    expect(errors).toEqual([
      `ValidationError: Stack [${StackName}] does not exist`,
      `ValidationError: Stack '${StackName}' does not exist`,
      `ValidationError: Stack with id ${StackName} does not exist`,
      `ValidationError: Stack with id ${StackName} does not exist`,
    ]);
    await deployed(body({ Queue: queue(10) }));
    expect((await call('DescribeStackResource', { StackName, LogicalResourceId: 'Absent' })).error()).toBe(
      `ValidationError: Resource Absent does not exist for stack ${StackName}`,
    );
  });
});

describe('a change set', () => {
  const set = (ChangeSetType: string, fields: Record<string, string>) =>
    call('CreateChangeSet', { StackName, ChangeSetName: 'set', ChangeSetType, ...fields });
  const describeSet = () => call('DescribeChangeSet', { StackName, ChangeSetName: 'set' });
  const execute = () => call('ExecuteChangeSet', { StackName, ChangeSetName: 'set' });

  test('creates a stack when it is executed, not before', async () => {
    expect((await set('CREATE', body({ Queue: queue(10) }))).value('Id')).toContain(':changeSet/set/');
    expect((await describeStack()).value('StackStatus')).toBe('REVIEW_IN_PROGRESS');
    const described = await describeSet();
    expect(described.value('Status')).toBe('CREATE_COMPLETE');
    expect([described.value('Action'), described.value('LogicalResourceId')]).toEqual(['Add', 'Queue']);
    expect(visibility()).toBeUndefined();
    expect((await execute()).status).toBe(200);
    expect(await settled()).toBe('CREATE_COMPLETE');
    expect(visibility()).toBe('10');
    expect((await describeSet()).error()).toBe('ChangeSetNotFound: ChangeSet [set] does not exist');
  });

  test('says what an update would add, modify and remove', async () => {
    await deployed(
      body({ Queue: queue(10), Old: { Type: 'AWS::SNS::Topic' }, Same: { Type: 'AWS::SNS::Topic' } }),
    );
    await set(
      'UPDATE',
      body({ Queue: queue(11), New: { Type: 'AWS::SNS::Topic' }, Same: { Type: 'AWS::SNS::Topic' } }),
    );
    const described = await describeSet();
    const ids = described.values('LogicalResourceId');
    expect(described.values('Action').map((action, index) => `${action} ${ids[index]}`)).toEqual([
      'Modify Queue',
      'Add New',
      'Remove Old',
    ]);
    await execute();
    expect(await settled()).toBe('UPDATE_COMPLETE');
  });

  test('that changes nothing fails, cannot be executed, and is deleted', async () => {
    await deployed(body({ Queue: queue(10) }));
    await set('UPDATE', body({ Queue: queue(10) }));
    const described = await describeSet();
    expect([described.value('Status'), described.value('StatusReason')]).toEqual([
      'FAILED',
      "The submitted information didn't contain changes. Submit different information to create a change set.",
    ]);
    expect((await execute()).error()).toMatch(/^InvalidChangeSetStatus: /);
    expect((await set('UPDATE', body({ Queue: queue(10) }))).error()).toBe(
      'AlreadyExistsException: ChangeSet set already exists',
    );
    await call('DeleteChangeSet', { StackName, ChangeSetName: 'set' });
    expect((await describeSet()).error()).toBe('ChangeSetNotFound: ChangeSet [set] does not exist');
    expect((await call('DeleteChangeSet', { StackName, ChangeSetName: 'set' })).status).toBe(200);
  });
});

describe('a template', () => {
  const url = (key: string): string => `https://s3.amazonaws.com/templates/${key}`;

  test('comes from S3 by its URL', async () => {
    const { TemplateBody = '' } = body({ Queue: queue(12) });
    await s3.send(new PutObjectCommand({ Bucket: 'templates', Key: 'a b/t.json', Body: TemplateBody }));
    expect((await call('ValidateTemplate', { TemplateURL: url('a%20b/t.json') })).error()).toBeUndefined();
    await deployed({ TemplateURL: `https://templates.s3.${REGION}.amazonaws.com/a%20b/t.json` });
    expect(visibility()).toBe('12');
  });

  test('that gives permissions away needs to be acknowledged', async () => {
    const Role = {
      Type: 'AWS::IAM::Role',
      Properties: {
        RoleName: `${StackName}-role`,
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
  ])('that is none is refused before anything is made (%#)', async (fields, error) => {
    expect((await create(fields)).error()).toMatch(error);
    expect((await describeStack()).status).toBe(400);
  });
});

describe('permissions', () => {
  const session = (statements: object[]) => {
    const { arn } = aws.iam.putRole({
      accountId: ACCOUNT_ID,
      roleName: 'deployer',
      assumeRolePolicy: { Statement: [] },
      policies: [{ Version: '2012-10-17', Statement: JSON.parse(JSON.stringify(statements)) }],
    });
    return clientOf(aws.iam.createSession(arn, 'test', 3600).credentials);
  };

  test('are asked for each call and its stack', async () => {
    const Resource = `arn:aws:cloudformation:${REGION}:${ACCOUNT_ID}:stack/${StackName}/*`;
    const deployer = session([{ Effect: 'Allow', Action: 'cloudformation:CreateStack', Resource }]);
    const fields = { StackName, ...body({ Queue: queue(10) }) };
    expect((await deployer('CreateStack', fields)).status).toBe(200);
    expect(await settled()).toBe('CREATE_COMPLETE');
    expect((await deployer('CreateStack', { ...fields, StackName: 'other' })).error()).toMatch(
      /^AccessDenied: User: .+ is not authorized to perform: cloudformation:CreateStack on resource: .+ because no identity-based policy/,
    );
    for (const action of ['UpdateStack', 'DeleteStack', 'DescribeStacks', 'DescribeStackEvents']) {
      expect((await deployer(action, action === 'UpdateStack' ? fields : { StackName })).error()).toMatch(
        /^AccessDenied: /,
      );
    }
  });

  test('to read the template are those of the caller', async () => {
    const deployer = session([{ Effect: 'Allow', Action: 'cloudformation:*', Resource: '*' }]);
    await s3.send(new PutObjectCommand({ Bucket: 'templates', Key: 'secret', Body: '{"Resources":{}}' }));
    const answer = await deployer('CreateStack', {
      StackName,
      TemplateURL: 'https://s3.amazonaws.com/templates/secret',
    });
    expect(answer.error()).toMatch(/^ValidationError: S3 error: .+ not authorized to perform: s3:GetObject/);
  });
});
