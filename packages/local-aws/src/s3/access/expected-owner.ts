/**
 * The bucket owner condition. It applies to every operation on a bucket or an object, but not to CreateBucket and ListBuckets.
 *
 * Source: Amazon S3 User Guide "Verifying bucket ownership with bucket owner condition" (bucket-owner-condition.html).
 */
import { S3Error } from '../errors.ts';
import type { Bucket } from '../model/bucket.ts';
import { header, type S3Request } from '../protocol/request.ts';

/** Throws AccessDenied if the header names an account that does not own the bucket. */
export const checkExpectedOwner = (
  request: S3Request,
  name: 'x-amz-expected-bucket-owner' | 'x-amz-source-expected-bucket-owner',
  bucket: Bucket,
): void => {
  const expected = header(request, name);
  if (expected === undefined || expected === bucket.accountId) return;
  throw new S3Error(/^\d{12}$/.test(expected) ? 'AccessDenied' : 'InvalidBucketOwnerAWSAccountID');
};
