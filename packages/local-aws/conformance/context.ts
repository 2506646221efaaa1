/** The clients and helpers with which a behaviour examines an endpoint. */
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

export type Versioning = 'never' | 'Enabled' | 'Suspended';

/** `locked`: versioned, with object lock. */
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
  region: string;
  /** Sends a signed request that the behaviour composes itself. */
  raw: SendRaw;
  /** 12 digits. */
  accountId(): Promise<string>;
  /** A bucket that behaviours share: each uses its own keys and does not change the bucket's settings. */
  bucket(kind: BucketKind): Promise<string>;
  /** An empty bucket for this behaviour alone. */
  freshBucket(kind: BucketKind): Promise<string>;
  /** A bucket name that does not exist. */
  unusedBucketName(): string;
  /** A key that no other behaviour uses; it ends with `name`. */
  key(name?: string): string;
  /** A queue for this behaviour alone; `from` is a bucket that may send to it. */
  queue(options?: { attributes?: Record<string, string>; from?: string }): Promise<Queue>;
  /** A table with a string key `id`, shared like {@link bucket}. */
  table(): Promise<string>;
  put(
    bucket: string,
    key: string,
    body: string,
    more?: Partial<PutObjectCommandInput>,
  ): Promise<PutObjectCommandOutput>;
  /** Lets time pass for the endpoint: moves its clock if possible, otherwise waits. */
  pass(milliseconds: number): Promise<void>;
  /** The endpoint's time, milliseconds since the epoch. */
  now(): number;
  /** The text of an object. */
  read(bucket: string, key: string, more?: Partial<GetObjectCommandInput>): Promise<string>;
}
