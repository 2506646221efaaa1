/** A table in the local DynamoDB, for adapters that take their endpoint and credentials from the environment. */
import { type LocalAws, startLocalAws } from '../../local/aws.ts';

const ACCOUNT = '111111111111';

export const startLocalTable = async (
  tableName: string,
  keys: Readonly<Record<string, 'HASH' | 'RANGE'>>,
): Promise<{ aws: LocalAws; stop(): Promise<void> }> => {
  const aws = await startLocalAws({ region: 'us-east-1' });
  const credentials = aws.root(ACCOUNT);
  process.env['AWS_ENDPOINT_URL'] = aws.httpEndpoint;
  process.env['AWS_REGION'] = aws.region;
  process.env['AWS_ACCESS_KEY_ID'] = credentials.accessKeyId;
  process.env['AWS_SECRET_ACCESS_KEY'] = credentials.secretAccessKey;
  delete process.env['AWS_SESSION_TOKEN'];
  const { status } = await aws.dynamodb.tables(ACCOUNT, aws.region).call('CreateTable', {
    TableName: tableName,
    BillingMode: 'PAY_PER_REQUEST',
    AttributeDefinitions: Object.keys(keys).map((AttributeName) => ({ AttributeName, AttributeType: 'S' })),
    KeySchema: Object.entries(keys).map(([AttributeName, KeyType]) => ({ AttributeName, KeyType })),
  });
  if (status !== 200) throw new Error('the table was not made');
  return { aws, stop: () => aws.stop() };
};
