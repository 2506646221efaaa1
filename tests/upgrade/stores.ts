/** The tables and a queue in which the formats of a release are written and read, as the functions do it. */
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import {
  CreateQueueCommand,
  DeleteMessageCommand,
  type Message,
  type MessageAttributeValue,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import {
  DeleteCommand,
  DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  ScanCommand,
} from '@aws-sdk/lib-dynamodb';
import type { SQSRecord } from 'aws-lambda';
import { clientConfig, startLocalAws } from '@s3-replicator/local-aws';
import { setAwsVariables } from '../model/aws-variables.ts';

const ACCOUNT = '111111111111';

export const TABLES = { receipts: ['id'], transfers: ['transfer'], runs: ['run', 'item'] } as const;
export type TableName = keyof typeof TABLES;

/** A message as SQS stores it. */
export interface StoredMessage {
  body: string;
  attributes: Record<string, MessageAttributeValue>;
}

export type StoredItem = Record<string, unknown>;

export const startStores = async () => {
  const aws = await startLocalAws({ region: 'us-east-1' });
  process.env['AWS_REGION'] = aws.region;
  setAwsVariables({ endpoint: aws.httpEndpoint, credentials: aws.root(ACCOUNT) });
  for (const [TableName, keys] of Object.entries(TABLES))
    await aws.dynamodb.tables(ACCOUNT, aws.region).call('CreateTable', {
      TableName,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: keys.map((AttributeName) => ({ AttributeName, AttributeType: 'S' })),
      KeySchema: keys.map((AttributeName, index) => ({
        AttributeName,
        KeyType: index === 0 ? 'HASH' : 'RANGE',
      })),
    });
  const config = clientConfig(aws, aws.root(ACCOUNT), { tls: false });
  const sqs = new SQSClient(config);
  const { QueueUrl: queueUrl = '' } = await sqs.send(new CreateQueueCommand({ QueueName: 'queue' }));
  const tables = DynamoDBDocumentClient.from(new DynamoDBClient(config));
  return {
    sqs,
    queueUrl,
    async put(TableName: TableName, Item: StoredItem) {
      await tables.send(new PutCommand({ TableName, Item }));
    },
    async itemsOf(TableName: TableName): Promise<StoredItem[]> {
      return (await tables.send(new ScanCommand({ TableName }))).Items ?? [];
    },
    async item(TableName: TableName, Key: StoredItem): Promise<StoredItem> {
      return (await tables.send(new GetCommand({ TableName, Key }))).Item ?? {};
    },
    async clear(TableName: TableName) {
      for (const item of (await tables.send(new ScanCommand({ TableName }))).Items ?? []) {
        const Key = Object.fromEntries(TABLES[TableName].map((name) => [name, item[name]]));
        await tables.send(new DeleteCommand({ TableName, Key }));
      }
    },
    /** Takes the only message out of the queue. */
    async taken(): Promise<StoredMessage> {
      const { Messages: [message = {}] = [] } = await sqs.send(
        new ReceiveMessageCommand({ QueueUrl: queueUrl, MessageAttributeNames: ['All'], WaitTimeSeconds: 5 }),
      );
      await sqs.send(new DeleteMessageCommand({ QueueUrl: queueUrl, ReceiptHandle: message.ReceiptHandle }));
      return storedOf(message);
    },
    async send({ body, attributes }: StoredMessage) {
      const MessageAttributes = attributes;
      await sqs.send(new SendMessageCommand({ QueueUrl: queueUrl, MessageBody: body, MessageAttributes }));
    },
    async stop() {
      sqs.destroy();
      await aws.stop();
    },
  };
};

export type Stores = Awaited<ReturnType<typeof startStores>>;

const storedOf = ({ Body: body = '', MessageAttributes: attributes = {} }: Message): StoredMessage => ({
  body,
  attributes: Object.fromEntries(
    Object.entries(attributes)
      .map(([name, { DataType, StringValue }]) => [name, { DataType, StringValue }] as const)
      .toSorted(([one], [other]) => (one < other ? -1 : 1)),
  ),
});

/** The record that Lambda hands to a function for the message. */
export const lambdaRecord = ({ body, attributes }: StoredMessage, queue = 'stack-live'): SQSRecord => ({
  messageId: 'm1',
  receiptHandle: 'h1',
  body,
  attributes: {
    ApproximateReceiveCount: '1',
    SentTimestamp: '0',
    SenderId: '',
    ApproximateFirstReceiveTimestamp: '0',
  },
  messageAttributes: Object.fromEntries(
    Object.entries(attributes).map(([name, { DataType: dataType = '', StringValue: stringValue = '' }]) => [
      name,
      { dataType, stringValue },
    ]),
  ),
  md5OfBody: '',
  eventSource: 'aws:sqs',
  eventSourceARN: `arn:aws:sqs:us-east-1:${ACCOUNT}:${queue}`,
  awsRegion: 'us-east-1',
});
