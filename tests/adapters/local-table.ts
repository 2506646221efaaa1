/**
 * A table in the local DynamoDB. It is for adapters that read their endpoint and credentials from the
 * environment.
 */
import { type LocalAws, startLocalAws } from '@s3-replicator/local-aws';
import { setAwsVariables } from '../model/aws-variables.ts';

const ACCOUNT = '111111111111';

export const startLocalTable = async (
  tableName: string,
  keys: Readonly<Record<string, 'HASH' | 'RANGE'>>,
): Promise<{ aws: LocalAws; stop(): Promise<void> }> => {
  const aws = await startLocalAws({ region: 'us-east-1' });
  process.env['AWS_REGION'] = aws.region;
  setAwsVariables({ endpoint: aws.httpEndpoint, credentials: aws.root(ACCOUNT) });
  const { status } = await aws.dynamodb.tables(ACCOUNT, aws.region).call('CreateTable', {
    TableName: tableName,
    BillingMode: 'PAY_PER_REQUEST',
    AttributeDefinitions: Object.keys(keys).map((AttributeName) => ({ AttributeName, AttributeType: 'S' })),
    KeySchema: Object.entries(keys).map(([AttributeName, KeyType]) => ({ AttributeName, KeyType })),
  });
  if (status !== 200) throw new Error('the table was not created');
  return { aws, stop: () => aws.stop() };
};
