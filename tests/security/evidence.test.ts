/** What has to outlive mistakes and attacks: receipts, runs, dead letters and reports. */
import { startLocalAws } from '@s3-replicator/local-aws';
import { expect, test } from 'vitest';
import { generatedTemplate } from '../stack/sample-stack.ts';

const PLACE = { accountId: '111111111111', region: 'eu-west-1', stackName: 'acme-replication-test' };
const TABLES = ['idempotency', 'runs', 'transfers'].map((name) => `acme-replication-test-${name}`);

/** The resources that outlive the stack, and a queue that fails if its name is taken. */
const template = (): { Resources: Record<string, object> } => {
  const { Resources } = generatedTemplate();
  const kept = Object.entries(Resources).filter(([, resource]) => 'DeletionPolicy' in resource);
  const Other = {
    Type: 'AWS::SQS::Queue',
    DependsOn: kept.map(([id]) => id),
    Properties: { QueueName: 'taken' },
  };
  return { Resources: { ...Object.fromEntries(kept), Other } };
};

const started = async () => {
  const aws = await startLocalAws({ region: PLACE.region });
  const tables = aws.dynamodb.tables(PLACE.accountId, PLACE.region);
  return {
    aws,
    tableNames: async () => (await tables.call('ListTables', {})).body['TableNames'],
    queueNames: () =>
      aws.sqs.queues
        .list(PLACE.accountId, PLACE.region)
        .map(({ name }) => name)
        .toSorted(),
    deploy: () => aws.cloudformation.deploy({ ...PLACE, template: JSON.stringify(template()) }),
    [Symbol.asyncDispose]: () => aws.stop(),
  };
};

test('whoever removes the stack by mistake removes no receipts, runs, transfers or dead letters', async () => {
  await using local = await started();
  await local.deploy();
  await local.aws.cloudformation.remove(PLACE);
  expect(await local.tableNames()).toEqual(TABLES);
  expect(local.queueNames()).toEqual(['acme-replication-test-live-dlq']);
});

test('a first deployment that fails leaves nothing behind, and nothing blocks its rollback', async () => {
  await using local = await started();
  local.aws.sqs.queues.create({ accountId: PLACE.accountId, region: PLACE.region, name: 'taken' }, {});
  await expect(local.deploy()).rejects.toThrow('ROLLBACK_COMPLETE');
  expect(await local.tableNames()).toEqual([]);
  expect(local.queueNames()).toEqual(['taken']);
});
