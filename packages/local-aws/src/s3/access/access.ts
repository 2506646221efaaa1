/**
 * Asks IAM before anything is done, with the condition keys S3 provides.
 *
 * Source: Service Authorization Reference "Actions, resources, and condition keys for Amazon S3"; User Guide
 * "Enforce conditional writes" (conditional-writes-enforce.html).
 */
import type { Caller } from '../../core/access.ts';
import { policiesFor } from './acl-access.ts';
import { S3Error } from '../errors.ts';
import type { Bucket } from '../model/bucket.ts';
import type { Encryption, StoredObject, Tag } from '../model/object.ts';
import { accountOf, header, type BucketContext, type S3Request } from '../protocol/request.ts';

interface AccessTarget {
  /** Null: the bucket itself. */
  key?: string | null;
  /** The existing object that the action is about: its owner and its ACL count. */
  object?: StoredObject | undefined;
  /** When it is another bucket than the request's, as the source of a copy is. */
  bucket?: Bucket;
  conditions?: Record<string, string>;
}

/** Throws AccessDenied, worded as S3 words it to a caller of the bucket's own account. */
export const authorize = (context: BucketContext, action: string, target: AccessTarget = {}): void => {
  const decision = decide(context, action, target);
  if (decision.allowed) return;
  const { caller } = context.request.aws;
  const bucket = target.bucket ?? context.bucket;
  // S3 explains itself only inside the bucket's own account.
  if (caller.kind !== 'session' || caller.accountId !== bucket.accountId) throw new S3Error('AccessDenied');
  const resource = resourceArn(bucket, target.key ?? null);
  throw new S3Error('AccessDenied', { message: deniedMessage(caller, action, resource, decision.reason) });
};

export const isAllowed = (context: BucketContext, action: string, target: AccessTarget = {}): boolean =>
  decide(context, action, target).allowed;

/**
 * Throws AccessDenied when the caller may not use the KMS key that an object is encrypted with, and what KMS says of a key that is
 * not there, disabled or on its way out.
 */
export const authorizeKms = (
  context: BucketContext,
  action: 'kms:GenerateDataKey' | 'kms:Decrypt',
  encryption: Encryption,
  key: string,
  bucket: Bucket = context.bucket,
): void => {
  if (encryption.algorithm === 'AES256' || encryption.algorithm === 'SSE-C') return;
  const { state, request } = context;
  const { caller } = request.aws;
  if (encryption.kmsKeyId === null) {
    // The AWS managed key serves everybody of its own account through S3, and nobody else.
    if (accountOf(caller) === bucket.accountId) return;
    throw new S3Error('AccessDenied');
  }
  const keyArn = encryption.kmsKeyId;
  const [, , , region = '', keyAccountId = ''] = keyArn.split(':');
  const keyState = state.kms.state(keyArn);
  if (region !== bucket.region)
    throw new S3Error('KMS.NotFoundException', { message: `Invalid arn ${region}` });
  if (keyState === null)
    throw new S3Error('KMS.NotFoundException', { message: `Invalid keyId ${keyArn.replace(/^.*\//, '')}` });
  const decision = state.authorizer.decide({
    caller,
    action,
    resource: keyArn,
    resourceAccountId: keyAccountId,
    resourcePolicy: state.kms.policy(keyArn),
    secureTransport: true,
    context: {
      'kms:viaservice': `s3.${region}.amazonaws.com`,
      'kms:calleraccount': accountOf(caller),
      ...encryptionContext(encryption.context ?? {}),
      'kms:encryptioncontext:aws:s3:arn': encryption.bucketKeyEnabled ? bucket.arn : `${bucket.arn}/${key}`,
    },
  });
  if (!decision.allowed)
    throw new S3Error('AccessDenied', { message: deniedMessage(caller, action, keyArn, decision.reason) });
  if (keyState === 'Disabled')
    throw new S3Error('KMS.DisabledException', { message: `${keyArn} is disabled.` });
  if (keyState === 'PendingDeletion')
    throw new S3Error('KMS.KMSInvalidStateException', { message: `${keyArn} is pending deletion.` });
};

const encryptionContext = (pairs: Record<string, string>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(pairs).map(([name, value]) => [`kms:encryptioncontext:${name.toLowerCase()}`, value]),
  );

/** What the encryption of a write adds to the request's condition keys, also when it is the bucket's default. */
export const encryptionConditions = (request: S3Request): Record<string, string> => {
  const conditions: Record<string, string> = {};
  for (const name of ENCRYPTION_HEADERS) {
    const value = header(request, name);
    if (value !== undefined) conditions[`s3:${name}`] = value;
  }
  return conditions;
};

/** `s3:RequestObjectTag/<key>` and the list of keys. */
export const tagConditions = (tags: Tag[]): Record<string, string> =>
  Object.fromEntries(tags.map((tag) => [`s3:requestobjecttag/${tag.Key.toLowerCase()}`, tag.Value]));

const ENCRYPTION_HEADERS = [
  'x-amz-server-side-encryption',
  'x-amz-server-side-encryption-aws-kms-key-id',
  'x-amz-server-side-encryption-customer-algorithm',
];

const CONDITION_HEADERS: Record<string, string> = {
  'x-amz-acl': 's3:x-amz-acl',
  'x-amz-content-sha256': 's3:x-amz-content-sha256',
  'x-amz-copy-source': 's3:x-amz-copy-source',
  'x-amz-metadata-directive': 's3:x-amz-metadata-directive',
  'x-amz-storage-class': 's3:x-amz-storage-class',
  'x-amz-website-redirect-location': 's3:x-amz-website-redirect-location',
  'x-amz-grant-read': 's3:x-amz-grant-read',
  'x-amz-grant-write': 's3:x-amz-grant-write',
  'x-amz-grant-read-acp': 's3:x-amz-grant-read-acp',
  'x-amz-grant-write-acp': 's3:x-amz-grant-write-acp',
  'x-amz-grant-full-control': 's3:x-amz-grant-full-control',
  'x-amz-object-lock-mode': 's3:object-lock-mode',
  'x-amz-object-lock-retain-until-date': 's3:object-lock-retain-until-date',
  'x-amz-object-lock-legal-hold': 's3:object-lock-legal-hold',
  'x-amz-object-ownership': 's3:x-amz-object-ownership',
  'if-match': 's3:if-match',
  'if-none-match': 's3:if-none-match',
};

const resourceArn = (bucket: Bucket, key: string | null): string =>
  key === null ? bucket.arn : `${bucket.arn}/${key}`;

const decide = (context: BucketContext, action: string, target: AccessTarget) => {
  const { state, request } = context;
  const bucket = target.bucket ?? context.bucket;
  const resource = resourceArn(bucket, target.key ?? null);
  return state.authorizer.decide({
    caller: request.aws.caller,
    action,
    resource,
    ...policiesFor(bucket, target.object, resource, request.aws.caller),
    secureTransport: request.aws.secureTransport,
    context: { ...requestConditions(request, bucket), ...target.conditions },
  });
};

const requestConditions = (request: S3Request, bucket: Bucket): Record<string, string> => {
  const conditions: Record<string, string> = { 's3:resourceaccount': bucket.accountId };
  for (const name in CONDITION_HEADERS) {
    const value = header(request, name);
    const conditionKey = CONDITION_HEADERS[name];
    if (value !== undefined && conditionKey !== undefined) conditions[conditionKey] = value;
  }
  const versionId = request.query.get('versionId');
  if (versionId !== undefined) conditions['s3:versionid'] = versionId;
  return conditions;
};

const deniedMessage = (caller: Caller, action: string, resource: string, reason: string): string => {
  const who = caller.kind === 'session' || caller.kind === 'root' ? caller.arn : caller.kind;
  return `User: ${who} is not authorized to perform: ${action} on resource: "${resource}" ${reason}`;
};
