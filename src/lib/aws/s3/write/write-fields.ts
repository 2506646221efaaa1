/** The fields that a write sends besides the bytes, for PutObject, CreateMultipartUpload and UploadPart. */
import { ReplicationError } from '../../../model/errors.ts';
import type { Guard, ObjectAttributes, ObjectLock, ReplicaAttributes } from '../../../model/ports.ts';
import type { Destination } from '../../../model/rule.ts';
import { isLocked } from '../../../replica/object-lock.ts';
import { taggingHeader } from '../../../replica/tagging-header.ts';
import { errorCode, translateError } from '../../errors.ts';
import { headerFields, textHeaders } from '../object/object-headers.ts';
import type { SentCondition } from './looked-writes.ts';
import { checksumField } from '../object/object-state.ts';

export const replicaFields = (attributes: ReplicaAttributes) => ({
  ...headerFields(attributes),
  ...defined({
    Metadata: attributes.metadata,
    Tagging: taggingHeader(attributes.tags),
    ...lockFields(attributes.lock),
  }),
});

const lockFields = ({ retention, legalHold }: ObjectLock) => ({
  ObjectLockMode: retention?.mode ?? null,
  ObjectLockRetainUntilDate: retention === null ? null : new Date(retention.untilMs),
  ObjectLockLegalHoldStatus: legalHold ? ('ON' as const) : null,
});

/**
 * Returns the fields for the encryption of a replica. If the destination has no encryption settings, no field is sent, and the
 * bucket's default encryption applies. A KMS key without a mode means `aws:kms`.
 */
export const encryptionFields = ({ encryption, kmsKeyArn }: Destination) => {
  const mode = encryption ?? (kmsKeyArn === null ? null : 'aws:kms');
  return defined({
    ServerSideEncryption: mode,
    SSEKMSKeyId: mode === 'AES256' ? null : kmsKeyArn,
    // S3 has no Bucket Keys for dual-layer encryption ("Using DSSE-KMS", S3 User Guide).
    BucketKeyEnabled: mode === 'aws:kms' ? true : null,
  });
};

export const conditionFields = (condition: SentCondition) => {
  switch (condition.kind) {
    case 'absent':
      return { IfNoneMatch: '*' };
    case 'unchanged':
      return { IfMatch: condition.etag };
    case 'unchecked':
      return {};
  }
};

/**
 * If the bucket has no Object Lock, S3 refuses lock headers with the error code `InvalidRequest`, which has many other causes too. An
 * upload with a lock always carries a checksum, which excludes the other causes.
 */
export const refuseLock =
  (lock: ObjectLock) =>
  (error: unknown): void => {
    if (!isLocked(lock) || errorCode(error) !== 'InvalidRequest') return;
    const { message, requestId } = translateError(error, 'S3 refused the lock of the source version');
    throw new ReplicationError('object-lock', message, { cause: error, requestId });
  };

export const guardFields = (guard: Guard) => {
  switch (guard.kind) {
    case 'checksum':
      return checksumField(guard.checksum);
    case 'md5':
      return { ContentMD5: guard.md5 };
    case 'compute':
      return { ChecksumAlgorithm: 'CRC32' as const };
    case 'none':
      return {};
  }
};

/** Returns the headers that the SDK has no field for. */
export const bodyHeaders = (
  guard: Guard,
  attributes?: ObjectAttributes,
): Record<string, string | undefined> => ({
  // The body is not hashed for the signature, because that would cost more than the copy. TLS and the guard protect the body.
  'x-amz-content-sha256': guard.kind === 'compute' ? undefined : 'UNSIGNED-PAYLOAD',
  ...(attributes && textHeaders(attributes)),
});

type Defined<T> = { [K in keyof T]?: NonNullable<T[K]> };

const defined = <T extends Record<string, unknown>>(fields: T): Defined<T> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null)) as Defined<T>;
