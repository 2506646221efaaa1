/**
 * The condition keys that S3 adds to a request.
 *
 * Source: Service Authorization Reference "Actions, resources, and condition keys for Amazon S3"; User Guide "Amazon S3 Signature Version 4
 * authentication specific policy keys" (bucket-policy-s3-sigv4-conditions.html).
 */
import type { ContextValue } from '../../core/access.ts';
import { requestKeys } from '../../core/request.ts';
import type { Retention } from '../model/object-lock.ts';
import type { Tag } from '../model/object.ts';
import { header, type S3Request } from '../protocol/request.ts';

type Conditions = Record<string, ContextValue>;

/** Returns the condition keys of any request. `bucketAccountId` is absent if the request concerns no existing bucket. */
export const requestConditions = (
  request: S3Request,
  nowMs: number,
  bucketAccountId?: string,
): Conditions => {
  const { aws } = request;
  const conditions: Conditions = { ...requestKeys(aws), ...signatureConditions(request, nowMs) };
  // Both keys name the owner of the bucket, even for an object that another account wrote and owns. Source: User Guide "Restricting access
  // to buckets in a specific account from a VPC endpoint" (privatelink-interface-endpoints.html).
  if (bucketAccountId !== undefined)
    Object.assign(conditions, {
      's3:resourceaccount': bucketAccountId,
      'aws:resourceaccount': bucketAccountId,
    });
  if (aws.tlsVersion !== undefined) conditions['s3:tlsversion'] = aws.tlsVersion;
  for (const name in CONDITION_HEADERS) {
    const value = header(request, name);
    const conditionKey = CONDITION_HEADERS[name];
    if (value !== undefined && conditionKey !== undefined) conditions[conditionKey] = value;
  }
  const versionId = request.query.get('versionId');
  if (versionId !== undefined) conditions['s3:versionid'] = versionId;
  return conditions;
};

/** Returns the condition keys for the encryption headers of a write. */
export const encryptionConditions = (request: S3Request): Conditions => {
  const conditions: Conditions = {};
  for (const name of ENCRYPTION_HEADERS) {
    const value = header(request, name);
    if (value !== undefined) conditions[`s3:${name}`] = value;
  }
  return conditions;
};

/** Returns the keys `s3:RequestObjectTag/<key>` and `s3:RequestObjectTagKeys` for the tags of a request. */
export const tagConditions = (tags: Tag[]): Conditions => ({
  's3:requestobjecttagkeys': tags.map(({ Key }) => Key),
  ...Object.fromEntries(tags.map((tag) => [`s3:requestobjecttag/${tag.Key.toLowerCase()}`, tag.Value])),
});

/** Returns the keys `s3:ExistingObjectTag/<key>` for the tags of an object. */
export const existingTagConditions = (tags: Tag[]): Conditions =>
  Object.fromEntries(tags.map((tag) => [`s3:existingobjecttag/${tag.Key.toLowerCase()}`, tag.Value]));

/** Returns the condition keys that describe a retention. Policies use them to limit how long objects are retained. */
export const retentionConditions = (retention: Retention | null, nowMs: number): Conditions =>
  retention === null
    ? {}
    : {
        's3:object-lock-mode': retention.mode,
        's3:object-lock-retain-until-date': new Date(retention.untilMs).toISOString(),
        's3:object-lock-remaining-retention-days': String(
          Math.ceil((retention.untilMs - nowMs) / 86_400_000),
        ),
      };

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

/** Returns the condition keys that describe the signature. An unsigned request has none of them. */
const signatureConditions = (request: S3Request, nowMs: number): Conditions => {
  const isPresigned = request.query.has('X-Amz-Signature');
  if (!isPresigned && header(request, 'authorization') === undefined) return {};
  const signedAt = request.query.get('X-Amz-Date') ?? header(request, 'x-amz-date') ?? '';
  const signedMs = Date.parse(signedAt.replace(/^(.{4})(..)(..)T(..)(..)(..)Z$/, '$1-$2-$3T$4:$5:$6Z'));
  return {
    's3:authtype': isPresigned ? 'REST-QUERY-STRING' : 'REST-HEADER',
    's3:signatureversion': 'AWS4-HMAC-SHA256',
    ...(Number.isNaN(signedMs) ? {} : { 's3:signatureage': String(Math.max(0, nowMs - signedMs)) }),
  };
};
