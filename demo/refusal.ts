/** Causes the failure that the demo shows. The policy of a destination bucket refuses some of the replicas. */
import { GetBucketPolicyCommand, PutBucketPolicyCommand } from '@aws-sdk/client-s3';
import type { S3Client } from '@aws-sdk/client-s3';
import type { TwoAccounts } from './two-accounts.ts';

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

/**
 * Slightly longer than the time for which the function repeats a refused write. The function repeats the write because the permission may
 * have been granted a moment ago.
 */
const TRIED_AGAIN_MS = 125_000;
/** How long there must have been no report of a refusal before the clock is moved. */
const QUIET_MS = 300;

/**
 * Moves the clock of the local AWS past the time for which refused writes are repeated, so that the demo need not wait. Returns a
 * function that stops moving the clock.
 */
export const skipRetriesOfRefusals = ({ aws, outcomes }: TwoAccounts): (() => void) => {
  let timer: NodeJS.Timeout | undefined;
  const unsubscribe = outcomes.subscribe(({ ending, reason }) => {
    if (ending !== 'retry' || reason !== 'access-denied') return;
    clearTimeout(timer);
    timer = setTimeout(() => aws.clock.advance(TRIED_AGAIN_MS), QUIET_MS);
  });
  return () => {
    clearTimeout(timer);
    unsubscribe();
  };
};
