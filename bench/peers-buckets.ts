/** The buckets between which `copy` and other tools copy the same objects. */
import {
  CreateBucketCommand,
  DeletePublicAccessBlockCommand,
  PutBucketPolicyCommand,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { mapConcurrently } from '../src/lib/model/concurrency.ts';

export const keyOf = (number: number): string => `key-${String(number).padStart(6, '0')}`;

/** Makes a public bucket, because the floor does not sign. Resolves to false if the bucket exists already. */
export const makeBucket = async (client: S3Client, Bucket: string): Promise<boolean> => {
  try {
    await client.send(new CreateBucketCommand({ Bucket }));
  } catch {
    return false;
  }
  await client.send(new DeletePublicAccessBlockCommand({ Bucket }));
  const Statement = {
    Effect: 'Allow',
    Principal: '*',
    Action: ['s3:GetObject', 's3:PutObject'],
    Resource: `arn:aws:s3:::${Bucket}/*`,
  };
  await client.send(
    new PutBucketPolicyCommand({ Bucket, Policy: JSON.stringify({ Version: '2012-10-17', Statement }) }),
  );
  return true;
};

export const fill = async (
  client: S3Client,
  Bucket: string,
  { sizeBytes, count }: { sizeBytes: number; count: number },
): Promise<void> => {
  const numbers = Array.from({ length: count }, (_, index) => index);
  await mapConcurrently(numbers, 8, async (number) => {
    const Key = keyOf(number);
    await client.send(new PutObjectCommand({ Bucket, Key, Body: Buffer.alloc(sizeBytes, Key) }));
  });
};
