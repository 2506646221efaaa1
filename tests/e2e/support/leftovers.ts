import { GetBucketNotificationConfigurationCommand } from '@aws-sdk/client-s3';
import { DeleteQueueCommand, ListQueuesCommand } from '@aws-sdk/client-sqs';
import { SOURCE_ACCOUNT, type TwoAccounts } from '../../../demo/two-accounts.ts';

/**
 * Resolves to what the searches of docs/uninstall.md find in the source account: names of tables and queues, and our notifications of a
 * bucket.
 */
export const leftoversOf = async (
  { aws, source }: TwoAccounts,
  { bucket, prefix }: { bucket: string; prefix: string },
) => {
  const { body } = await aws.dynamodb.tables(SOURCE_ACCOUNT, aws.region).call('ListTables', {});
  const { QueueUrls = [] } = await source.sqs.send(new ListQueuesCommand({ QueueNamePrefix: prefix }));
  const { QueueConfigurations = [] } = await source
    .s3()
    .send(new GetBucketNotificationConfigurationCommand({ Bucket: bucket }));
  return {
    tables: body['TableNames'],
    queues: QueueUrls.map((url) => url.split('/').at(-1)),
    notified: QueueConfigurations,
  };
};

const printed = (removal: string, pattern: RegExp): string[] =>
  [...removal.matchAll(pattern)].map(([, name = '']) => name);

/** Returns the tables and queues that `serverless remove` names. */
export const keptBy = (removal: string) => ({
  tables: printed(removal, /update-table .*--table-name (\S+) --no-deletion-protection-enabled/g).toSorted(),
  queues: printed(removal, /delete-queue .*--queue-name (\S+)/g),
});

/** Makes the requests of the commands that `serverless remove` prints. */
export const deleteKept = async (
  { aws, source, deadLetterQueueUrl }: TwoAccounts,
  removal: string,
): Promise<void> => {
  const tables = aws.dynamodb.tables(SOURCE_ACCOUNT, aws.region);
  for (const TableName of keptBy(removal).tables)
    await tables.call('UpdateTable', { TableName, DeletionProtectionEnabled: false });
  for (const TableName of printed(removal, /delete-table .*--table-name (\S+)/g))
    await tables.call('DeleteTable', { TableName });
  await source.sqs.send(new DeleteQueueCommand({ QueueUrl: deadLetterQueueUrl }));
};
