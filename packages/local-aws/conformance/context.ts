/** The clients and helpers that behaviours use to examine an endpoint. */
import type { CloudWatchClient } from '@aws-sdk/client-cloudwatch';
import type { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type {
  GetObjectCommandInput,
  PutObjectCommandInput,
  PutObjectCommandOutput,
  S3Client,
} from '@aws-sdk/client-s3';
import type { SQSClient } from '@aws-sdk/client-sqs';
import type { STSClient } from '@aws-sdk/client-sts';
import type { SendRaw } from './raw-request.ts';
import type { SendCall } from './signed-call.ts';

export type Versioning = 'never' | 'Enabled' | 'Suspended';

/** The kind of a bucket. A `locked` bucket is versioned and has object lock. */
export type BucketKind = Versioning | 'locked';

export interface Queue {
  url: string;
  arn: string;
}

export interface Context {
  s3: S3Client;
  sqs: SQSClient;
  sts: STSClient;
  dynamodb: DynamoDBClient;
  cloudwatch: CloudWatchClient;
  logs: CloudWatchLogsClient;
  region: string;
  /** Sends an HTTP request that the behaviour composes itself, for requests that the SDK cannot send. */
  raw: SendRaw;
  /** Sends a request to a service for which there is no client. */
  call: SendCall;
  /** Returns the account id, which has 12 digits. */
  accountId(): Promise<string>;
  /**
   * Returns a bucket that several behaviours share. Each behaviour uses its own keys and does not change the
   * bucket's settings.
   */
  bucket(kind: BucketKind): Promise<string>;
  /** Returns an empty bucket that only this behaviour uses. */
  freshBucket(kind: BucketKind): Promise<string>;
  /** Returns the name of a bucket that does not exist. */
  unusedBucketName(): string;
  /** Returns a key that no other behaviour uses. The key ends with `name`. */
  key(name?: string): string;
  /**
   * Returns a queue that only this behaviour uses. If `from` is given, the bucket with this name may send to
   * the queue.
   */
  queue(options?: { attributes?: Record<string, string>; from?: string }): Promise<Queue>;
  /** Returns a log group that only this behaviour uses. */
  logGroup(): Promise<string>;
  /** Returns a name that no other behaviour uses, for an alarm that is deleted at the end of the run. */
  alarmName(): string;
  /** Returns a table with a string key `id`. Like {@link bucket}, it is shared. */
  table(): Promise<string>;
  put(
    bucket: string,
    key: string,
    body: string,
    more?: Partial<PutObjectCommandInput>,
  ): Promise<PutObjectCommandOutput>;
  /** Lets time pass at the endpoint. Moves the endpoint's clock if possible, otherwise waits. */
  pass(milliseconds: number): Promise<void>;
  /** Returns the endpoint's time in milliseconds since the epoch. */
  now(): number;
  /** Returns the content of an object as text. */
  read(bucket: string, key: string, more?: Partial<GetObjectCommandInput>): Promise<string>;
}
