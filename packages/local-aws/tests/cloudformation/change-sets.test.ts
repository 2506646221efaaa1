/** Change sets through CloudFormation's query API. */
import { expect, test } from 'vitest';
import { body, useStackApi } from './stack-api.ts';

const { callStack, queue, describeStack, settled, deployed, visibility } = useStackApi();

const set = (ChangeSetType: string, fields: Record<string, string>) =>
  callStack('CreateChangeSet', { ChangeSetName: 'set', ChangeSetType, ...fields });
const describeSet = () => callStack('DescribeChangeSet', { ChangeSetName: 'set' });
const execute = () => callStack('ExecuteChangeSet', { ChangeSetName: 'set' });

test('a change set creates its stack when it is executed, not before', async () => {
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

test('a change set lists what an update would add, modify and remove', async () => {
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

test('a change set without changes fails, cannot be executed and can be deleted', async () => {
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
  await callStack('DeleteChangeSet', { ChangeSetName: 'set' });
  expect((await describeSet()).error()).toBe('ChangeSetNotFound: ChangeSet [set] does not exist');
  expect((await callStack('DeleteChangeSet', { ChangeSetName: 'set' })).status).toBe(200);
});
