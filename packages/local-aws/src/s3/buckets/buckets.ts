/** Creates and removes buckets, and checks the settings that both the API and CloudFormation can change. */
import { ownerOnly } from '../access/acl-grants.ts';
import { releaseContent } from '../storage/content.ts';
import { keyArnOf } from '../access/encryption.ts';
import { S3Error } from '../errors.ts';
import { createKeyIndex } from '../model/key-index.ts';
import type { Bucket } from '../model/bucket.ts';
import type { ObjectOwnership, PublicAccessBlock, Versioning } from '../model/configuration.ts';
import type { DefaultEncryption } from '../model/object.ts';
import { NO_NOTIFICATIONS } from '../notifications/notification-configuration.ts';
import type { S3State } from '../model/state.ts';

/** Creates a bucket with default settings. Throws InvalidBucketName, BucketAlreadyExists or BucketAlreadyOwnedByYou. */
export const addBucket = (
  state: S3State,
  identity: { name: string; accountId: string; region: string },
): Bucket => {
  const { name, accountId, region } = identity;
  checkBucketName(name);
  const existing = state.buckets.get(name);
  if (existing !== undefined)
    throw new S3Error(existing.accountId === accountId ? 'BucketAlreadyOwnedByYou' : 'BucketAlreadyExists', {
      elements: { BucketName: name },
    });
  const bucket: Bucket = {
    ...identity,
    arn: `arn:${state.partition}:s3:::${name}`,
    region,
    createdAtMs: state.clock.now(),
    versioning: 'never',
    ownership: 'BucketOwnerEnforced',
    acl: null,
    publicAccessBlock: ALL_BLOCKED,
    encryption: { algorithm: 'AES256' },
    blocksCustomerKeys: true,
    objectLock: null,
    policy: null,
    notification: NO_NOTIFICATIONS,
    lifecycle: [],
    intelligentTiering: new Map(),
    requesterPays: false,
    tags: [],
    keys: createKeyIndex(),
    uploads: new Map(),
    completed: new Map(),
    watches: new Map(),
  };
  state.buckets.set(name, bucket);
  return bucket;
};

/** Deletes a bucket and its unfinished uploads. Throws BucketNotEmpty if it contains any version or delete marker. */
export const removeBucket = (state: S3State, bucket: Bucket): void => {
  if (bucket.keys.size > 0)
    throw new S3Error('BucketNotEmpty', {
      elements: { BucketName: bucket.name },
      ...(bucket.versioning === 'never'
        ? {}
        : {
            message:
              'The bucket you tried to delete is not empty. You must delete all versions in the bucket.',
          }),
    });
  for (const upload of bucket.uploads.values())
    for (const part of upload.parts.values()) releaseContent(part.content);
  bucket.uploads.clear();
  state.buckets.delete(bucket.name);
  state.policies.forget(bucket.name);
  state.eventBridge.forget(bucket.name);
};

/** Enables or suspends versioning. Throws InvalidBucketState if versioning would be suspended on a bucket with object lock. */
export const setVersioning = (bucket: Bucket, versioning: Versioning): void => {
  if (bucket.objectLock !== null && versioning !== 'Enabled')
    throw new S3Error('InvalidBucketState', {
      message:
        'An Object Lock configuration is present on this bucket, so the versioning state cannot be changed.',
    });
  bucket.versioning = versioning;
};

/** Throws InvalidBucketAclWithObjectOwnership if `ownership` is BucketOwnerEnforced and the bucket's ACL grants anything to others. */
export const setOwnership = (bucket: Bucket, ownership: ObjectOwnership | null): void => {
  const isPrivate =
    bucket.acl === null || JSON.stringify(bucket.acl) === JSON.stringify(ownerOnly(bucket.accountId));
  if (ownership === 'BucketOwnerEnforced' && !isPrivate)
    throw new S3Error('InvalidBucketAclWithObjectOwnership');
  bucket.ownership = ownership;
};

export const ownershipOf = (text: string | undefined): ObjectOwnership => {
  if (text === undefined) return 'BucketOwnerEnforced';
  if (text === 'BucketOwnerEnforced' || text === 'BucketOwnerPreferred' || text === 'ObjectWriter')
    return text;
  throw new S3Error('MalformedXML');
};

export const ALL_BLOCKED: PublicAccessBlock = {
  BlockPublicAcls: true,
  IgnorePublicAcls: true,
  BlockPublicPolicy: true,
  RestrictPublicBuckets: true,
};

/** Throws InvalidBucketName if the name is not a valid bucket name. */
export const checkBucketName = (name: string): void => {
  if (!isBucketName(name)) throw new S3Error('InvalidBucketName', { elements: { BucketName: name } });
};

const isBucketName = (name: string): boolean =>
  /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(name) &&
  !name.includes('..') &&
  !/^\d+\.\d+\.\d+\.\d+$/.test(name) &&
  !/^(xn--|sthree-|amzn-s3-demo-)/.test(name);

/**
 * Checks a bucket's default encryption and returns it. Throws MalformedXML for an unknown algorithm, and InvalidArgument for AES256 with a
 * key id.
 */
export const bucketEncryption = (
  state: S3State,
  bucket: Bucket,
  given: { algorithm: string; keyId: string | undefined; bucketKeyEnabled: boolean },
): DefaultEncryption => {
  if (given.algorithm === 'AES256') {
    if (given.keyId === undefined) return { algorithm: 'AES256' };
    throw new S3Error('InvalidArgument', {
      message:
        'a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or aws:kms:dsse',
      elements: { ArgumentName: 'ApplyServerSideEncryptionByDefault' },
    });
  }
  if (given.algorithm !== 'aws:kms' && given.algorithm !== 'aws:kms:dsse') throw new S3Error('MalformedXML');
  return {
    algorithm: given.algorithm,
    kmsKeyId: given.keyId === undefined ? null : keyArnOf(state, bucket, given.keyId),
    bucketKeyEnabled: given.algorithm === 'aws:kms' && given.bucketKeyEnabled,
  };
};
