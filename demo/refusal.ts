/** Causes the failure that the demo shows. The policy of a destination bucket refuses some of the replicas. */
import { GetBucketPolicyCommand, PutBucketPolicyCommand } from '@aws-sdk/client-s3';
import type { S3Client } from '@aws-sdk/client-s3';

/** Denies writes under a prefix. Returns a function that restores the old policy. */
export const refuseWrites = async (
  client: S3Client,
  bucket: string,
  prefix: string,
): Promise<() => Promise<void>> => {
  const { Policy: before = '' } = await client.send(new GetBucketPolicyCommand({ Bucket: bucket }));
  const policy: { Statement: unknown[] } = JSON.parse(before);
  policy.Statement.push({
    Sid: 'NobodyWritesHere',
    Effect: 'Deny',
    Principal: '*',
    Action: 's3:PutObject',
    Resource: `arn:aws:s3:::${bucket}/${prefix}*`,
  });
  const put = async (text: string): Promise<void> => {
    await client.send(new PutBucketPolicyCommand({ Bucket: bucket, Policy: text }));
  };
  await put(JSON.stringify(policy));
  return () => put(before);
};
