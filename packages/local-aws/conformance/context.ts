/** What a behaviour is given to look at an endpoint with. */
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
  /** A signed request of one's own making. */
  raw: SendRaw;
  /** 12 digits. */
  accountId(): Promise<string>;
  /** A bucket that behaviours share: each has keys of its own, and leaves its settings alone. */
  bucket(kind: BucketKind): Promise<string>;
  /** A bucket of one's own, empty. */
  freshBucket(kind: BucketKind): Promise<string>;
  /** A bucket name that does not exist. */
  unusedBucketName(): string;
  /** A key nobody else uses; `name` is at its end. */
  key(name?: string): string;
  /** A queue of one's own; `from` is a bucket that may send to it. */
  queue(options?: { attributes?: Record<string, string>; from?: string }): Promise<Queue>;
  /** A table with a string key `id`, shared like {@link bucket}. */
  table(): Promise<string>;
  put(
    bucket: string,
    key: string,
    body: string,
    more?: Partial<PutObjectCommandInput>,
  ): Promise<PutObjectCommandOutput>;
  /** Lets so much time pass for the endpoint: moves its clock where it has one to be moved, and waits elsewhere. */
  pass(milliseconds: number): Promise<void>;
  /** The endpoint's time, milliseconds since the epoch. */
  now(): number;
  /** The text of an object. */
  read(bucket: string, key: string, more?: Partial<GetObjectCommandInput>): Promise<string>;
}
