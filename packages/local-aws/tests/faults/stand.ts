/**
 * A whole local AWS with a bucket, a queue for the bucket's notifications, and a table. Its clients do not
 * retry.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { CreateTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { S3Client } from '@aws-sdk/client-s3';
import { CreateQueueCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { STSClient } from '@aws-sdk/client-sts';
import { type LocalAws, startLocalAws } from '../../src/start/local-aws.ts';
import { clientConfig } from '../../src/start/client-config.ts';
import { messageKey } from '../../src/faults/message-key.ts';

export const ACCOUNT = '111111111111';
export const BUCKET = 'bucket';
export const QUEUE = 'queue';

export interface Stand {
  aws: LocalAws;
  s3: S3Client;
  sqs: SQSClient;
  sts: STSClient;
  dynamodb: DynamoDBClient;
  queueUrl: string;
  /** Receives up to ten visible messages without deleting them. Returns the keys in their event records. */
  receivedKeys(): Promise<string[]>;
  stop(): Promise<void>;
}

export const startStand = async (): Promise<Stand> => {
  const aws = await startLocalAws();
  const config = { ...clientConfig(aws, aws.root(ACCOUNT), { tls: false }), maxAttempts: 1 };
  const clients = {
    s3: new S3Client(config),
    sqs: new SQSClient(config),
    sts: new STSClient(config),
    dynamodb: new DynamoDBClient(config),
  };
  const policy = {
    Statement: {
      Effect: 'Allow',
      Principal: { Service: 's3.amazonaws.com' },
      Action: 'sqs:SendMessage',
      Resource: '*',
    },
  };
  const { QueueUrl: queueUrl = '' } = await clients.sqs.send(
    new CreateQueueCommand({ QueueName: QUEUE, Attributes: { Policy: JSON.stringify(policy) } }),
  );
  aws.s3.createBucket({
    name: BUCKET,
    accountId: ACCOUNT,
    region: aws.region,
    NotificationConfiguration: {
      QueueConfigurations: [
        { Queue: `arn:aws:sqs:${aws.region}:${ACCOUNT}:${QUEUE}`, Event: 's3:ObjectCreated:*' },
      ],
    },
  });
  await clients.dynamodb.send(
    new CreateTableCommand({
      TableName: 'table',
      AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
      KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
      BillingMode: 'PAY_PER_REQUEST',
    }),
  );
  // Dynalite responds to CreateTable before the table exists.
  await sleep(100);
  return {
    aws,
    ...clients,
    queueUrl,
    receivedKeys: async () => {
      const { Messages: messages = [] } = await clients.sqs.send(
        new ReceiveMessageCommand({ QueueUrl: queueUrl, MaxNumberOfMessages: 10 }),
      );
      return messages.map(({ Body: body = '' }) => messageKey(body)).filter((key) => key !== '');
    },
    stop: async () => {
      for (const client of Object.values(clients)) client.destroy();
      await aws.stop();
    },
  };
};
