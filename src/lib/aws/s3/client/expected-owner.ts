/**
 * Makes every request name the account to which its bucket must belong. Names of buckets are global: a bucket that was deleted, or whose
 * name is mistyped, may belong to anybody. S3 answers 403 if it belongs to another account.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-owner-condition.html
 */
import type { S3Client } from '@aws-sdk/client-s3';

/**
 * Adds the owner to every request of a client that concerns a bucket; null: none is added. A copy must name the owner of its source
 * itself. Returns the same client.
 */
export const expectOwner = (client: S3Client, owner: () => Promise<string | null>): S3Client => {
  client.middlewareStack.add(
    (next) => async (args) => {
      if (!('Bucket' in args.input)) return await next(args);
      if ('CopySource' in args.input && !('ExpectedSourceBucketOwner' in args.input))
        throw new Error('a copy must name the expected owner of its source');
      const expected = await owner();
      if (expected === null) return await next(args);
      return await next({ ...args, input: { ...args.input, ExpectedBucketOwner: expected } });
    },
    { step: 'initialize', name: 'replicatorExpectsOwner' },
  );
  return client;
};
