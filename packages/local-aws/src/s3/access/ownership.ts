/**
 * Determines who owns an object, and whether access control lists have an effect.
 *
 * Source: Amazon S3 User Guide "Controlling ownership of objects and disabling ACLs" (about-object-ownership.html).
 */
import { isPublic, ownerOnly, parseAclHeaders } from './acl-grants.ts';
import { S3Error } from '../errors.ts';
import type { Bucket } from '../model/bucket.ts';
import type { Grant } from '../model/object.ts';
import { accountOf, header, type S3Request } from '../protocol/request.ts';

/** Returns the account that owns an object. With BucketOwnerEnforced, the bucket's owner owns every object, regardless of who wrote it. */
export const ownerAccountOf = (bucket: Bucket, owned: { ownerAccountId: string }): string =>
  aclsCount(bucket) ? owned.ownerAccountId : bucket.accountId;

/** True if access control lists have an effect. */
export const aclsCount = (bucket: Bucket): boolean => bucket.ownership !== 'BucketOwnerEnforced';

/** Returns the effective grants of a bucket or object. With BucketOwnerEnforced, only the bucket's owner has a grant. */
export const grantsOf = (bucket: Bucket, owned: { ownerAccountId: string; acl: Grant[] | null }): Grant[] => {
  if (!aclsCount(bucket)) return ownerOnly(bucket.accountId);
  return owned.acl ?? ownerOnly(owned.ownerAccountId);
};

/**
 * Returns the owner and ACL of a new object. Throws AccessControlListNotSupported if the request has an ACL but ACLs are disabled, and
 * AccessDenied if the ACL is public but the bucket blocks public ACLs.
 */
export const ownershipOfNewObject = (
  request: S3Request,
  bucket: Bucket,
): { ownerAccountId: string; acl: Grant[] | null } => {
  const canned = header(request, 'x-amz-acl');
  const bucketAccountId = bucket.accountId;
  const isGiven = bucket.ownership === 'BucketOwnerPreferred' && canned === 'bucket-owner-full-control';
  const ownerAccountId = isGiven || !aclsCount(bucket) ? bucketAccountId : accountOf(request.aws.caller);
  const acl = parseAclHeaders((name) => header(request, name), { ownerAccountId, bucketAccountId }, 'object');
  if (acl === null) return { ownerAccountId, acl };
  if (!aclsCount(bucket) && canned !== 'bucket-owner-full-control')
    throw new S3Error('AccessControlListNotSupported');
  refusePublic(bucket, acl);
  return { ownerAccountId, acl: aclsCount(bucket) ? acl : null };
};

/** Throws AccessDenied if a grant is public and the bucket blocks public ACLs. */
export const refusePublic = (bucket: Bucket, grants: Grant[]): void => {
  if (bucket.publicAccessBlock?.BlockPublicAcls === true && isPublic(grants))
    throw new S3Error('AccessDenied');
};
