/**
 * Server-side encryption as headers and permissions: nothing is really encrypted.
 *
 * Source: Amazon S3 User Guide "Using server-side encryption with AWS KMS keys" (UsingKMSEncryption.html).
 */
import type { Bucket, Encryption } from './model.ts';
import { S3Error } from './errors.ts';
import { header, type S3Request } from './request.ts';
import type { S3State } from './state.ts';

/** The encryption a write asks for, or the bucket's default. Throws InvalidArgument or InvalidEncryptionAlgorithmError. */
export const encryptionOf = (state: S3State, request: S3Request, bucket: Bucket): Encryption => {
  if (header(request, 'x-amz-server-side-encryption-customer-algorithm') !== undefined)
    throw new S3Error('NotImplemented', {
      message: 'The local S3 does not take customer-provided keys (SSE-C)',
    });
  const algorithm = header(request, 'x-amz-server-side-encryption');
  const keyId = header(request, 'x-amz-server-side-encryption-aws-kms-key-id');
  const bucketKey = header(request, 'x-amz-server-side-encryption-bucket-key-enabled');
  if (algorithm === undefined) {
    if (keyId !== undefined) throw keyWithoutKms(keyId);
    return withBucketKey(bucket.encryption, bucketKey);
  }
  if (algorithm === 'AES256') {
    if (keyId !== undefined) throw keyWithoutKms(keyId);
    return { algorithm: 'AES256' };
  }
  if (algorithm !== 'aws:kms' && algorithm !== 'aws:kms:dsse')
    throw new S3Error('InvalidArgument', {
      message: 'The encryption method specified is not supported',
      elements: { ArgumentName: 'x-amz-server-side-encryption', ArgumentValue: algorithm },
    });
  return kmsEncryption(state, bucket, { algorithm, keyId, bucketKey });
};

/** ARN of a key given as id, alias or ARN; ids belong to the bucket's account. */
export const keyArnOf = (
  state: S3State,
  bucket: Pick<Bucket, 'region' | 'accountId'>,
  keyId: string,
): string => {
  if (keyId.startsWith('arn:')) return keyId;
  const resource = keyId.startsWith('alias/') ? keyId : `key/${keyId}`;
  return `arn:${state.partition}:kms:${bucket.region}:${bucket.accountId}:${resource}`;
};

/** The headers that tell a client how an object is encrypted. */
export const encryptionHeaders = (
  state: S3State,
  bucket: Bucket,
  encryption: Encryption,
): Record<string, string> => {
  if (encryption.algorithm === 'AES256') return { 'x-amz-server-side-encryption': 'AES256' };
  const keyId = encryption.kmsKeyId ?? keyArnOf(state, bucket, 'alias/aws/s3');
  return {
    'x-amz-server-side-encryption': encryption.algorithm,
    'x-amz-server-side-encryption-aws-kms-key-id': keyId,
    ...(encryption.bucketKeyEnabled ? { 'x-amz-server-side-encryption-bucket-key-enabled': 'true' } : {}),
  };
};

const kmsEncryption = (
  state: S3State,
  bucket: Bucket,
  asked: { algorithm: 'aws:kms' | 'aws:kms:dsse'; keyId: string | undefined; bucketKey: string | undefined },
): Encryption => {
  const inherited = bucket.encryption.algorithm === 'AES256' ? null : bucket.encryption;
  return {
    algorithm: asked.algorithm,
    kmsKeyId:
      asked.keyId === undefined ? (inherited?.kmsKeyId ?? null) : keyArnOf(state, bucket, asked.keyId),
    bucketKeyEnabled:
      asked.bucketKey === undefined ? (inherited?.bucketKeyEnabled ?? false) : asked.bucketKey === 'true',
  };
};

const withBucketKey = (encryption: Encryption, bucketKey: string | undefined): Encryption =>
  encryption.algorithm === 'AES256' || bucketKey === undefined
    ? encryption
    : { ...encryption, bucketKeyEnabled: bucketKey === 'true' };

const keyWithoutKms = (keyId: string): S3Error =>
  new S3Error('InvalidArgument', {
    message:
      'Server Side Encryption with AWS KMS managed key requires HTTP header x-amz-server-side-encryption : aws:kms',
    elements: { ArgumentName: 'x-amz-server-side-encryption-aws-kms-key-id', ArgumentValue: keyId },
  });
