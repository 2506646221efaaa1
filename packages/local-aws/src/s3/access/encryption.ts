/**
 * The headers of server-side encryption. The local S3 does not actually encrypt anything.
 *
 * Source: Amazon S3 User Guide "Using server-side encryption with AWS KMS keys" (UsingKMSEncryption.html).
 */
import { hash } from 'node:crypto';
import { customerEncryption } from './customer-key.ts';
import { S3Error } from '../errors.ts';
import type { Bucket } from '../model/bucket.ts';
import type { DefaultEncryption, Encryption } from '../model/object.ts';
import { header, type S3Request } from '../protocol/request.ts';
import type { S3State } from '../model/state.ts';

/**
 * Returns the encryption of a new object. Without encryption headers, it is the bucket's default encryption.
 * @throws S3Error InvalidArgument or InvalidEncryptionAlgorithmError
 */
export const encryptionOf = (state: S3State, request: S3Request, bucket: Bucket): Encryption => {
  const underCustomerKey = customerEncryption(request, bucket);
  if (underCustomerKey !== null) return underCustomerKey;
  const algorithm = header(request, 'x-amz-server-side-encryption');
  const keyId = header(request, 'x-amz-server-side-encryption-aws-kms-key-id');
  const bucketKey = header(request, 'x-amz-server-side-encryption-bucket-key-enabled');
  if (algorithm === undefined) {
    if (keyId !== undefined) throw keyWithoutKms(keyId);
    return withRequest(bucket.encryption, bucketKey, encryptionContextOf(request));
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
  return kmsEncryption(state, bucket, { algorithm, keyId, bucketKey, context: encryptionContextOf(request) });
};

/** Returns the ARN of a KMS key that is given as an id, alias or ARN. An id or alias means a key of the bucket's account and region. */
export const keyArnOf = (
  state: S3State,
  bucket: Pick<Bucket, 'region' | 'accountId'>,
  keyId: string,
): string => {
  if (keyId.startsWith('arn:')) return keyId;
  const resource = keyId.startsWith('alias/') ? keyId : `key/${keyId}`;
  return `arn:${state.partition}:kms:${bucket.region}:${bucket.accountId}:${resource}`;
};

/** Throws InvalidArgument if the request has an encryption header. Used for operations that accept no such header. */
export const refuseEncryptionHeader = (request: S3Request): void => {
  const name = 'x-amz-server-side-encryption';
  const value = header(request, name);
  if (value === undefined) return;
  throw new S3Error('InvalidArgument', {
    message: `${name} header is not supported for this operation.`,
    elements: { ArgumentName: name, ArgumentValue: value },
  });
};

/** Returns the response headers that describe an object's encryption. */
export const encryptionHeaders = (
  state: S3State,
  bucket: Bucket,
  encryption: Encryption,
): Record<string, string> => {
  if (encryption.algorithm === 'AES256') return { 'x-amz-server-side-encryption': 'AES256' };
  if (encryption.algorithm === 'SSE-C')
    return {
      'x-amz-server-side-encryption-customer-algorithm': 'AES256',
      'x-amz-server-side-encryption-customer-key-MD5': encryption.keyMd5,
    };
  const keyId = encryption.kmsKeyId ?? managedKeyArn(state, bucket);
  return {
    'x-amz-server-side-encryption': encryption.algorithm,
    'x-amz-server-side-encryption-aws-kms-key-id': keyId,
    ...(encryption.bucketKeyEnabled ? { 'x-amz-server-side-encryption-bucket-key-enabled': 'true' } : {}),
  };
};

/** Returns the ARN of the AWS managed key with the alias aws/s3. Each account has one such key in each region. */
const managedKeyArn = (state: S3State, bucket: Bucket): string => {
  const digits = hash('sha256', `aws/s3 ${bucket.accountId} ${bucket.region}`, 'hex');
  const keyId = digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, '$1-$2-$3-$4-$5');
  return keyArnOf(state, bucket, keyId);
};

const kmsEncryption = (
  state: S3State,
  bucket: Bucket,
  asked: {
    algorithm: 'aws:kms' | 'aws:kms:dsse';
    keyId: string | undefined;
    bucketKey: string | undefined;
    context: Record<string, string> | null;
  },
): DefaultEncryption => {
  const inherited = bucket.encryption.algorithm === 'AES256' ? null : bucket.encryption;
  return {
    algorithm: asked.algorithm,
    kmsKeyId:
      asked.keyId === undefined ? (inherited?.kmsKeyId ?? null) : keyArnOf(state, bucket, asked.keyId),
    // Bucket keys exist only for SSE-KMS, not for DSSE-KMS.
    bucketKeyEnabled:
      asked.algorithm === 'aws:kms' &&
      (asked.bucketKey === undefined
        ? (inherited?.bucketKeyEnabled ?? false)
        : isTrueHeader(asked.bucketKey)),
    ...(asked.context === null ? {} : { context: asked.context }),
  };
};

const withRequest = (
  encryption: DefaultEncryption,
  bucketKey: string | undefined,
  context: Record<string, string> | null,
): DefaultEncryption => {
  if (encryption.algorithm === 'AES256') return encryption;
  return {
    ...encryption,
    bucketKeyEnabled:
      encryption.algorithm === 'aws:kms' &&
      (bucketKey === undefined ? encryption.bucketKeyEnabled : isTrueHeader(bucketKey)),
    ...(context === null ? {} : { context }),
  };
};

const isTrueHeader = (text: string): boolean => text.toLowerCase() === 'true';

const CONTEXT = 'x-amz-server-side-encryption-context';

/** Reads the encryption context. Throws InvalidArgument unless the header is the base64 of a JSON object of strings. */
const encryptionContextOf = (request: S3Request): Record<string, string> | null => {
  const text = header(request, CONTEXT);
  if (text === undefined) return null;
  const pairs = parseJsonOrNull(Buffer.from(text, 'base64').toString('utf8'));
  const isContext =
    typeof pairs === 'object' &&
    pairs !== null &&
    !Array.isArray(pairs) &&
    Object.values(pairs).every((value) => typeof value === 'string');
  if (isContext) return Object.fromEntries(Object.entries(pairs));
  throw new S3Error('InvalidArgument', {
    message:
      "The header 'x-amz-server-side-encryption-context' shall be Base64-encoded UTF-8 string holding JSON which represents a string-string map",
    elements: { ArgumentName: CONTEXT, ArgumentValue: text },
  });
};

const parseJsonOrNull = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
};

const keyWithoutKms = (keyId: string): S3Error =>
  new S3Error('InvalidArgument', {
    message:
      'Server Side Encryption with AWS KMS managed key requires HTTP header x-amz-server-side-encryption : aws:kms',
    elements: { ArgumentName: 'x-amz-server-side-encryption-aws-kms-key-id', ArgumentValue: keyId },
  });
