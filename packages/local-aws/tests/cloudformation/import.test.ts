/** Imports of existing resources through change sets. */
import { expect, test } from 'vitest';
import { body, useStackApi } from './stack-api.ts';
import { ACCOUNT_ID, REGION } from './aws-fixture.ts';

const { aws, callStack, queue, describeStack, settled, deployed, stackName } = useStackApi();

const KEEP = { DeletionPolicy: 'RetainExceptOnCreate' };
const table = (TableName: string, more: object = {}) => ({
  Type: 'AWS::DynamoDB::Table',
  ...KEEP,
  Properties: {
    TableName,
    BillingMode: 'PAY_PER_REQUEST',
    AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
    KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
    ...more,
  },
});
const tables = () => aws().dynamodb.tables(ACCOUNT_ID, REGION);

const importing = (TableName: string, template: Record<string, string>) =>
  callStack('CreateChangeSet', {
    ChangeSetName: 'import',
    ChangeSetType: 'IMPORT',
    'ResourcesToImport.member.1.ResourceType': 'AWS::DynamoDB::Table',
    'ResourcesToImport.member.1.LogicalResourceId': 'Table',
    'ResourcesToImport.member.1.ResourceIdentifier.entry.1.key': 'TableName',
    'ResourcesToImport.member.1.ResourceIdentifier.entry.1.value': TableName,
    ...template,
  });

test('a table that remains after its stack was deleted can be imported, and cannot be created again', async () => {
  const Table = table(stackName());
  await deployed(body({ Queue: queue(10), Table }));
  await tables().call('PutItem', { TableName: stackName(), Item: { id: { S: 'kept' } } });
  await callStack('DeleteStack');
  await aws().cloudformation.idle();
  await callStack('CreateStack', body({ Table }));
  expect(await settled()).toBe('ROLLBACK_COMPLETE');
  await callStack('DeleteStack');
  await aws().cloudformation.idle();

  const topic = { Type: 'AWS::SNS::Topic' };
  await deployed(body({ Topic: topic }));
  await importing(stackName(), body({ Topic: topic, Table }));
  await callStack('ExecuteChangeSet', { ChangeSetName: 'import' });
  expect(await settled()).toBe('IMPORT_COMPLETE');
  expect(
    (await tables().call('GetItem', { TableName: stackName(), Key: { id: { S: 'kept' } } })).body,
  ).toEqual({
    Item: { id: { S: 'kept' } },
  });
  await callStack('UpdateStack', body({ Table }));
  expect(await settled()).toBe('UPDATE_COMPLETE');
});

test('an import of a resource that does not exist is rolled back, and leaves the stack as it was', async () => {
  const topic = { Type: 'AWS::SNS::Topic' };
  await deployed(body({ Topic: topic }));
  await importing('nothing', body({ Topic: topic, Table: table('nothing') }));
  await callStack('ExecuteChangeSet', { ChangeSetName: 'import' });
  expect(await settled()).toBe('IMPORT_ROLLBACK_COMPLETE');
  expect((await callStack('ListStackResources')).values('LogicalResourceId')).toEqual(['Topic']);
});

test('an import that changes anything else, or has no DeletionPolicy, is refused', async () => {
  const topic = { Type: 'AWS::SNS::Topic' };
  await deployed(body({ Topic: topic }));
  const { DeletionPolicy: _, ...deletable } = table('t');
  expect((await importing('t', body({ Table: table('t') }))).error()).toContain(
    'You have modified resources [Topic]',
  );
  expect((await importing('t', body({ Topic: topic, Table: deletable }))).error()).toContain(
    'Resources [Table] is missing DeletionPolicy attribute',
  );
  const outputs = { Outputs: { O: { Value: 'v' } } };
  expect((await importing('t', body({ Topic: topic, Table: table('t') }, outputs))).error()).toContain(
    'you cannot modify or add [Outputs]',
  );
  expect((await describeStack()).value('StackStatus')).toBe('CREATE_COMPLETE');
});

test('the rollback of a creation cannot delete a protected table, even with RetainExceptOnCreate', async () => {
  const Table = table(stackName(), { DeletionProtectionEnabled: true });
  const Broken = { Type: 'AWS::SQS::Queue', Properties: { VisibilityTimeout: -1 }, DependsOn: 'Table' };
  await callStack('CreateStack', body({ Table, Broken }));
  expect(await settled()).toBe('ROLLBACK_FAILED');
  const described = await callStack('DescribeStackEvents');
  expect(described.values('ResourceStatusReason').join()).toContain('currently protected against deletion');
});
