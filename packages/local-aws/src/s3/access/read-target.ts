/** Finds the object version a read asks for, or says why not, as S3 does to this caller. */
import { authorize, isAllowed, authorizeKms } from './access.ts';
import { S3Error } from '../errors.ts';
import type { Bucket } from '../model/bucket.ts';
import type { StoredObject, Version } from '../model/object.ts';
import type { BucketContext, ObjectContext } from '../protocol/request.ts';
import { orderOfVersionId } from '../model/version-id.ts';
import { findVersion, hasVersionIds, newestVersion } from '../model/versions.ts';

export interface ReadTarget {
  bucket: Bucket;
  key: string;
  /** Undefined: the current version. */
  versionId: string | undefined;
}

/**
 * Authorises `action` (or `versionAction` when a version is named) and finds the object.
 * `currentMarker`: what a delete marker that hides the key is: to a reader nothing, but something without tags and ACL of its own to
 * who asks for them.
 * Throws NoSuchKey, NoSuchVersion, MethodNotAllowed on a delete marker, or AccessDenied instead of "not found" for a caller that may not
 * list the bucket.
 */
export const findReadable = (
  context: BucketContext,
  target: ReadTarget,
  action: string,
  versionAction: string,
  currentMarker: 'not-found' | 'not-allowed' = 'not-found',
): StoredObject => {
  const { bucket, key, versionId } = target;
  if (versionId !== undefined) checkVersionId(versionId);
  const version = versionId === undefined ? newestVersion(bucket, key) : findVersion(bucket, key, versionId);
  authorize(context, versionId === undefined ? action : versionAction, {
    bucket,
    key,
    ...(version?.kind === 'object' ? { object: version } : {}),
    conditions: existingTagConditions(version),
  });
  if (version?.kind === 'object') return version;
  if (version !== undefined && (versionId !== undefined || currentMarker === 'not-allowed'))
    throw markerByVersion(version, context.request.method);
  if (!isAllowed(context, 's3:ListBucket', { bucket })) throw new S3Error('AccessDenied');
  if (versionId !== undefined)
    throw new S3Error('NoSuchVersion', { elements: { Key: key, VersionId: versionId } });
  throw new S3Error('NoSuchKey', {
    elements: { Key: key },
    headers: version === undefined ? {} : markerHeaders(version, bucket),
  });
};

/** The target of a request about the bucket and key of its own path. */
export const requestedTarget = (context: ObjectContext): ReadTarget => ({
  bucket: context.bucket,
  key: context.key,
  versionId: context.request.query.get('versionId'),
});

/** Reading bytes of an object under a KMS key takes kms:Decrypt. */
export const authorizeDecrypt = (context: BucketContext, target: ReadTarget, object: StoredObject): void =>
  authorizeKms(context, 'kms:Decrypt', object.encryption, target.key, target.bucket);

/** Throws InvalidArgument for a version id that S3 never gave. */
export const checkVersionId = (versionId: string): void => {
  if (isVersionId(versionId)) return;
  throw new S3Error('InvalidArgument', {
    message: versionId === '' ? 'Version id cannot be the empty string' : 'Invalid version id specified',
    elements: { ArgumentName: 'versionId', ArgumentValue: versionId },
  });
};

export const isVersionId = (text: string): boolean => text === 'null' || orderOfVersionId(text) !== null;

const existingTagConditions = (version: Version | undefined): Record<string, string> =>
  version?.kind === 'object'
    ? Object.fromEntries(
        version.tags.map((tag) => [`s3:existingobjecttag/${tag.Key.toLowerCase()}`, tag.Value]),
      )
    : {};

const markerHeaders = (version: Version, bucket: Bucket): Record<string, string> => ({
  'x-amz-delete-marker': 'true',
  ...(hasVersionIds(bucket) ? { 'x-amz-version-id': version.versionId } : {}),
});

const markerByVersion = (version: Version, method: string): S3Error =>
  new S3Error('MethodNotAllowed', {
    elements: { Method: method, ResourceType: 'DeleteMarker' },
    headers: {
      Allow: 'DELETE',
      'x-amz-delete-marker': 'true',
      'x-amz-version-id': version.versionId,
      'Last-Modified': new Date(version.lastModifiedMs).toUTCString(),
    },
  });
