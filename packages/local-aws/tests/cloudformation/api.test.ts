/** Stacks through CloudFormation's query API. */
import { expect, test, vi } from 'vitest';
import { ACCOUNT_ID, PATIENCE, REGION } from './aws-fixture.ts';
import { body, useStackApi } from './stack-api.ts';

const { aws, stackName, call, callStack, queue, create, describeStack, settled, deployed, visibility } =
  useStackApi();

/** An event rule that cannot be created, because its target has an invalid ARN. */
const broken = {
  Type: 'AWS::Events::Rule',
  Properties: { EventPattern: { source: ['x'] }, Targets: [{ Id: 'a', Arn: 'b' }] },
};

test('a stack is created in the background and can be described', async () => {
  const answer = await create({
    ...body(
      { Queue: queue(10) },
      {
        Description: 'one <queue>',
        Parameters: { Stage: { Type: 'String' } },
        Outputs: { Url: { Value: { Ref: 'Queue' }, Export: { Name: `${stackName()}-url` } } },
      },
    ),
    'Parameters.member.1.ParameterKey': 'Stage',
    'Parameters.member.1.ParameterValue': 'test',
    'Tags.member.1.Key': 'team',
    'Tags.member.1.Value': 'storage',
  });
  const stackId = answer.value('StackId') ?? '';
  expect(stackId).toMatch(
    new RegExp(`^arn:aws:cloudformation:${REGION}:${ACCOUNT_ID}:stack/${stackName()}/`),
  );
  expect(await settled()).toBe('CREATE_COMPLETE');
  const stack = await describeStack();
  const url = aws().sqs.queueUrl(`arn:aws:sqs:${REGION}:${ACCOUNT_ID}:${stackName()}-queue`);
  expect(stack.values('OutputValue')).toEqual([url]);
  expect(stack.value('ExportName')).toBe(`${stackName()}-url`);
  expect(stack.value('Description')).toBe('one <queue>');
  expect([stack.value('ParameterValue'), stack.value('Key'), stack.value('Value')]).toEqual([
    'test',
    'team',
    'storage',
  ]);
  expect((await call('ListExports')).values('Name')).toContain(`${stackName()}-url`);
  const resource = await call('DescribeStackResource', { StackName: stackId, LogicalResourceId: 'Queue' });
  expect(resource.value('PhysicalResourceId')).toBe(url);
  expect((await callStack('ListStackResources')).value('ResourceStatus')).toBe('CREATE_COMPLETE');
  const template = (await callStack('GetTemplate')).value('TemplateBody') ?? '';
  expect(JSON.parse(template)).toHaveProperty('Resources.Queue.Type', 'AWS::SQS::Queue');
  expect((await create(body({ Queue: queue(10) }))).error()).toBe(
    `AlreadyExistsException: Stack [${stackName()}] already exists`,
  );
});

test('the events of a stack are listed newest first, in pages', async () => {
  const topics = Array.from({ length: 70 }, (_, index) => [`T${index}`, { Type: 'AWS::SNS::Topic' }]);
  await deployed(body(Object.fromEntries(topics)));
  const first = await callStack('DescribeStackEvents');
  expect(first.values('EventId')).toHaveLength(100);
  expect(first.value('ResourceStatus')).toBe('CREATE_COMPLETE');
  const second = await callStack('DescribeStackEvents', { NextToken: first.value('NextToken') ?? '' });
  expect(second.value('NextToken')).toBeUndefined();
  expect(second.values('ResourceStatus').at(-1)).toBe('CREATE_IN_PROGRESS');
  expect(new Set([...first.values('EventId'), ...second.values('EventId')]).size).toBe(142);
  const resources = await callStack('ListStackResources');
  expect(resources.values('LogicalResourceId')).toHaveLength(70);
});

test('a stack is updated in place, and an update without changes is refused', async () => {
  await deployed(body({ Queue: queue(10) }));
  const update = (seconds: number) => callStack('UpdateStack', { ...body({ Queue: queue(seconds) }) });
  expect((await update(10)).error()).toBe('ValidationError: No updates are to be performed.');
  expect((await update(20)).status).toBe(200);
  expect(await settled()).toBe('UPDATE_COMPLETE');
  expect(visibility()).toBe('20');
  expect((await describeStack()).value('LastUpdatedTime')).toBeDefined();
});

test('a stack whose creation fails is rolled back with its reason and cannot be updated', async () => {
  await create(body({ Queue: queue(10), Broken: { ...broken, DependsOn: 'Queue' } }));
  expect(await settled()).toBe('ROLLBACK_COMPLETE');
  expect(visibility()).toBeUndefined();
  const events = await callStack('DescribeStackEvents');
  expect(events.values('ResourceStatusReason')).toEqual(
    expect.arrayContaining([
      'the local AWS does not support b as the target of a rule',
      'The following resource(s) failed to create: [Broken]. ',
    ]),
  );
  const update = await callStack('UpdateStack', { ...body({ Queue: queue(10) }) });
  expect(update.error()).toMatch(
    /^ValidationError: Stack:arn:.+ is in ROLLBACK_COMPLETE state and can not be updated\.$/,
  );
});

test('a stack whose creation fails is deleted if OnFailure says so', async () => {
  const id =
    (await create({ ...body({ Queue: queue(10), Broken: broken }), OnFailure: 'DELETE' })).value('StackId') ??
    '';
  await vi.waitUntil(
    async () => (await call('DescribeStacks', { StackName: id })).value('StackStatus') === 'DELETE_COMPLETE',
    PATIENCE,
  );
  expect((await describeStack()).error()).toBe(
    `ValidationError: Stack with id ${stackName()} does not exist`,
  );
});

test('a stack whose update fails is as it was before', async () => {
  await deployed(body({ Queue: queue(10) }));
  await callStack('UpdateStack', {
    ...body({
      Queue: queue(30),
      New: { Type: 'AWS::SNS::Topic' },
      Broken: { ...broken, DependsOn: ['Queue', 'New'] },
    }),
  });
  expect(await settled()).toBe('UPDATE_ROLLBACK_COMPLETE');
  expect(visibility()).toBe('10');
  expect((await callStack('ListStackResources')).values('LogicalResourceId')).toEqual(['Queue']);
  expect((await callStack('DescribeStackEvents')).values('ResourceStatus').slice(0, 3)).toEqual([
    'UPDATE_ROLLBACK_COMPLETE',
    'DELETE_COMPLETE',
    'DELETE_IN_PROGRESS',
  ]);
});

test('the rollback of an update restores resources in the order of their dependencies', async () => {
  const Policy = (name: string) => ({
    Type: 'AWS::SQS::QueuePolicy',
    Properties: { Queues: [{ Ref: 'Queue' }], PolicyDocument: { Id: name, Statement: [] } },
  });
  await deployed(body({ Queue: queue(10), Policy: Policy('old') }));
  await callStack('UpdateStack', {
    ...body({ Queue: queue(20), Policy: Policy('new'), Broken: { ...broken, DependsOn: 'Policy' } }),
  });
  expect(await settled()).toBe('UPDATE_ROLLBACK_COMPLETE');
  const events = await callStack('DescribeStackEvents');
  const ids = events.values('LogicalResourceId').filter((id) => id === 'Queue' || id === 'Policy');
  // The events are listed newest first, so the rollback restored the queue before its policy.
  expect(ids.slice(0, 4)).toEqual(['Policy', 'Policy', 'Queue', 'Queue']);
  await callStack('DeleteStack');
  await vi.waitUntil(async () => (await describeStack()).status === 400, PATIENCE);
});

test('a stack is deleted unless it is protected', async () => {
  await deployed({ ...body({ Queue: queue(10) }), EnableTerminationProtection: 'true' });
  expect((await callStack('DeleteStack')).error()).toBe(
    `ValidationError: Stack [${stackName()}] cannot be deleted while TerminationProtection is enabled`,
  );
  const id = (await describeStack()).value('StackId') ?? '';
  await callStack('UpdateTerminationProtection', { EnableTerminationProtection: 'false' });
  expect((await callStack('DeleteStack')).status).toBe(200);
  await vi.waitUntil(async () => (await describeStack()).status === 400, PATIENCE);
  expect(visibility()).toBeUndefined();
  expect((await call('DescribeStacks', { StackName: id })).value('StackStatus')).toBe('DELETE_COMPLETE');
  expect((await callStack('DescribeStackEvents')).error()).toBe(
    `ValidationError: Stack [${stackName()}] does not exist`,
  );
  expect((await callStack('DeleteStack')).status).toBe(200);
});

test('a call for a stack that does not exist is refused', async () => {
  const errors = await Promise.all(
    [
      callStack('UpdateStack', { ...body({ Queue: queue(1) }) }),
      callStack('DescribeStackResource', { LogicalResourceId: 'A' }),
      callStack('ListStackResources'),
      callStack('GetTemplate'),
    ].map(async (answer) => (await answer).error()),
  );
  expect(errors).toEqual([
    `ValidationError: Stack [${stackName()}] does not exist`,
    `ValidationError: Stack '${stackName()}' does not exist`,
    `ValidationError: Stack with id ${stackName()} does not exist`,
    `ValidationError: Stack with id ${stackName()} does not exist`,
  ]);
  await deployed(body({ Queue: queue(10) }));
  expect((await callStack('DescribeStackResource', { LogicalResourceId: 'Absent' })).error()).toBe(
    `ValidationError: Resource Absent does not exist for stack ${stackName()}`,
  );
});
