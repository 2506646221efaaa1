/**
 * Reads the records, reports and messages of runs. Uses the rights of the account's administrator, because the tests remove rights
 * of the functions.
 */
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { GetObjectCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';
import { ReceiveMessageCommand } from '@aws-sdk/client-sqs';
import { DynamoDBDocumentClient, ScanCommand } from '@aws-sdk/lib-dynamodb';
import { SOURCE_ACCOUNT } from '../../../../demo/two-accounts.ts';
import { clientConfig } from '@s3-replicator/local-aws';
import type { RunRecord } from '../../../../src/lib/runs/run-store.ts';
import { REGION, type Stage } from '../stages/stage.ts';

export const withTable = async <T>(
  stage: Stage,
  use: (client: DynamoDBDocumentClient) => Promise<T>,
): Promise<T> => {
  const { aws } = stage;
  const client = new DynamoDBClient(clientConfig(aws, aws.root(SOURCE_ACCOUNT)));
  try {
    return await use(DynamoDBDocumentClient.from(client));
  } finally {
    client.destroy();
  }
};

/** Reads the records of the runs. `counted` is the number of keys that the replicate function reported to these runs as done. */
export const itemsOf = async (stage: Stage, run: string): Promise<{ runs: RunRecord[]; counted: number }> => {
  const { Items: items = [] } = await withTable(stage, (client) =>
    client.send(new ScanCommand({ TableName: stage.names.runsTable, ConsistentRead: true })),
  );
  const runs = items
    .filter(({ item }) => item === 'run')
    // The type is known, because the run store of the backfill function wrote these items.
    .map((item) => item as RunRecord)
    .filter(({ spec }) => spec?.prefix.split('/').includes(run));
  const ids = new Set(runs.map(({ id }) => id));
  const counted = items.filter(({ run: id, item }) => ids.has(id) && /^count#\d/.test(item));
  return { runs, counted: counted.reduce((sum, { done = 0 }) => sum + Number(done), 0) };
};

/** Reads the results of the runs: `differences` as `<key>: <difference>`, and the rules that have a complete report. */
export const reported = async (
  { source, names }: Stage,
  runs: RunRecord[],
): Promise<{ differences: string[]; reports: string[] }> => {
  const s3 = source.s3();
  const reports: string[] = [];
  const differences: string[] = [];
  for (const { id, spec } of runs) {
    const Prefix = `replication/${names.stack}/${id}/`;
    const { Contents: files = [] } = await s3.send(new ListObjectsV2Command({ Bucket: 'reports', Prefix }));
    const keys = files.map(({ Key: key = '' }) => key);
    if (['json', 'html'].every((kind) => keys.includes(`${Prefix}report.${kind}`))) reports.push(spec.rule);
    for (const Key of keys.filter((key) => key.endsWith('.csv'))) {
      const { Body: body } = await s3.send(new GetObjectCommand({ Bucket: 'reports', Key }));
      const rows = ((await body?.transformToString()) ?? '').trimEnd().split('\r\n').slice(1);
      differences.push(...rows.map((row) => row.replace(/^".*\/(\w+)",([\w-]+),.*$/, '$1: $2')));
    }
  }
  return { differences: differences.toSorted(), reports: reports.toSorted() };
};

/** Receives the messages in the queue of {@link listener}. Returns those about these runs as `<rule>: <phase>`. */
export const announced = async ({ source, aws }: Stage, runs: RunRecord[]): Promise<string[]> => {
  const QueueUrl = aws.sqs.queueUrl(`arn:aws:sqs:${REGION}:${SOURCE_ACCOUNT}:announcements`);
  const { Messages: messages = [] } = await source.sqs.send(
    new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 }),
  );
  // A run that was stopped by an earlier loss of a permission ends when that permission returns. Messages about such a run are left out.
  const told = messages
    .map(({ Body: body = '' }): Pick<RunRecord, 'spec' | 'phase'> & { run: string } => JSON.parse(body))
    .filter(({ run }) => runs.some(({ id }) => id === run))
    .map(({ spec, phase }) => `${spec.rule}: ${phase}`);
  // SNS may deliver a message twice. A function that dies after publishing also causes the message to be published again.
  return [...new Set(told)].toSorted();
};

/** Returns a template of a queue that receives the messages of the topic of runs. */
export const listener = (topicArn: string): object => ({
  Resources: {
    Queue: { Type: 'AWS::SQS::Queue', Properties: { QueueName: 'announcements' } },
    QueuePolicy: {
      Type: 'AWS::SQS::QueuePolicy',
      Properties: {
        Queues: [{ Ref: 'Queue' }],
        PolicyDocument: {
          Statement: [
            {
              Effect: 'Allow',
              Principal: { Service: 'sns.amazonaws.com' },
              Action: 'sqs:SendMessage',
              Resource: { 'Fn::GetAtt': ['Queue', 'Arn'] },
              Condition: { ArnEquals: { 'aws:SourceArn': topicArn } },
            },
          ],
        },
      },
    },
    Subscription: {
      Type: 'AWS::SNS::Subscription',
      DependsOn: 'QueuePolicy',
      Properties: {
        Protocol: 'sqs',
        Endpoint: { 'Fn::GetAtt': ['Queue', 'Arn'] },
        TopicArn: topicArn,
        RawMessageDelivery: true,
      },
    },
  },
});
