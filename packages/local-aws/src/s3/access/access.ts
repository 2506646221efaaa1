/**
 * Checks the caller's permission for an operation. The decision comes from IAM, which receives the condition keys that S3 provides.
 *
 * Source: Service Authorization Reference "Actions, resources, and condition keys for Amazon S3"; User Guide
 * "Enforce conditional writes" (conditional-writes-enforce.html).
 */
import type { Caller } from '../../core/access.ts';
import { policiesFor } from './acl-access.ts';
import { S3Error } from '../errors.ts';
import type { Bucket } from '../model/bucket.ts';
import type { StoredObject, Tag } from '../model/object.ts';
import { header, type BucketContext, type S3Request } from '../protocol/request.ts';

interface AccessTarget {
  /** The key that the action concerns; null or absent if the action concerns the bucket itself. */
  key?: string | null;
  /** The existing object that the action concerns; its owner and ACL affect the decision. */
  object?: StoredObject | undefined;
  /** The bucket of the target. Set only if it may differ from the request's bucket, as for the source of a copy. */
  bucket?: Bucket;
  conditions?: Record<string, string>;
}

/** Throws AccessDenied unless the caller may do the action. The message explains the denial in S3's words. */
export const authorize = (context: BucketContext, action: string, target: AccessTarget = {}): void => {
  const decision = decide(context, action, target);
  if (decision.allowed) return;
  const { caller } = context.request.aws;
  const bucket = target.bucket ?? context.bucket;
  // S3 explains a denial only to callers from the bucket's own account.
  if (caller.kind !== 'session' || caller.accountId !== bucket.accountId) throw new S3Error('AccessDenied');
  const resource = resourceArn(bucket, target.key ?? null);
  throw new S3Error('AccessDenied', { message: deniedMessage(caller, action, resource, decision.reason) });
};

export const isAllowed = (context: BucketContext, action: string, target: AccessTarget = {}): boolean =>
  decide(context, action, target).allowed;

/** The condition keys that the encryption headers of a write add to the request. */
export const encryptionConditions = (request: S3Request): Record<string, string> => {
  const conditions: Record<string, string> = {};
  for (const name of ENCRYPTION_HEADERS) {
    const value = header(request, name);
    if (value !== undefined) conditions[`s3:${name}`] = value;
  }
  return conditions;
};

/** The condition keys `s3:RequestObjectTag/<key>` for the tags of a request. */
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
  const { caller } = request.aws;
  const policy = state.policies.known(bucket.name, bucket.policy)?.document;
  return state.authorizer.decide({
    caller,
    action,
    resource,
    ...policiesFor(bucket, policy, { object: target.object, resource, caller }),
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

/** The message of AccessDenied, as S3 words it. */
export const deniedMessage = (caller: Caller, action: string, resource: string, reason: string): string => {
  const who = caller.kind === 'session' || caller.kind === 'root' ? caller.arn : caller.kind;
  return `User: ${who} is not authorized to perform: ${action} on resource: "${resource}" ${reason}`;
};
