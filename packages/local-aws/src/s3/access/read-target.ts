/** Finds the object version that a read requests. If the read fails, throws the error that S3 returns to this caller. */
import type { ContextValue } from '../../core/access.ts';
import { authorize, isAllowed } from './access.ts';
import { authorizeKms } from './kms-access.ts';
import { S3Error } from '../errors.ts';
import type { Bucket } from '../model/bucket.ts';
import type { StoredObject, Version } from '../model/object.ts';
import type { BucketContext, ObjectContext } from '../protocol/request.ts';
import { existingTagConditions } from './request-conditions.ts';
import { orderOfVersionId } from '../model/version-id.ts';
import { findVersion, newestVersion, versionHeader } from '../model/versions.ts';

export interface ReadTarget {
  bucket: Bucket;
  key: string;
  /** The version that the request names; undefined for the current version. */
  versionId: string | undefined;
}

/** The actions that a read requires. */
export interface ReadActions {
  /** The action for the current version. */
  current: string;
  /** The action for a version that the request names. */
  version: string;
  /**
   * The error for a delete marker that is the current version: NoSuchKey for 'not-found' (the default), or MethodNotAllowed for
   * 'not-allowed'. Requests about tags and ACLs get MethodNotAllowed, because a delete marker has neither.
   */
  hidden?: 'not-found' | 'not-allowed';
}

export const GET_OBJECT: ReadActions = { current: 's3:GetObject', version: 's3:GetObjectVersion' };

/**
 * Authorises a read and returns the object version that it requests. Throws NoSuchKey, NoSuchVersion, or MethodNotAllowed for a delete
 * marker. A caller without permission to list the bucket gets AccessDenied instead of NoSuchKey or NoSuchVersion. `conditions` are
 * additional condition keys, which come from the body of the request.
 */
export const findReadable = (
  context: BucketContext,
  target: ReadTarget,
  actions: ReadActions,
  conditions: Record<string, ContextValue> = {},
): StoredObject => {
  const { bucket, key, versionId } = target;
  if (versionId !== undefined) checkVersionId(versionId);
  const version = versionId === undefined ? newestVersion(bucket, key) : findVersion(bucket, key, versionId);
  authorize(context, versionId === undefined ? actions.current : actions.version, {
    bucket,
    key,
    ...(version?.kind === 'object' ? { object: version } : {}),
    conditions:
      version?.kind === 'object' ? { ...existingTagConditions(version.tags), ...conditions } : conditions,
  });
  if (version?.kind === 'object') return version;
  if (version !== undefined && (versionId !== undefined || actions.hidden === 'not-allowed'))
    throw markerByVersion(version, context.request.method);
  if (!isAllowed(context, 's3:ListBucket', { bucket })) throw new S3Error('AccessDenied');
  if (versionId !== undefined)
    throw new S3Error('NoSuchVersion', { elements: { Key: key, VersionId: versionId } });
  throw new S3Error('NoSuchKey', {
    elements: { Key: key },
    headers: version === undefined ? {} : markerHeaders(version, bucket),
  });
};

/** Returns the bucket, key and version that the request's path and its `versionId` parameter name. */
export const requestedTarget = (context: ObjectContext): ReadTarget => ({
  bucket: context.bucket,
  key: context.key,
  versionId: context.request.query.get('versionId'),
});

/** Throws AccessDenied if a KMS key encrypts the object and the caller has no permission to decrypt with this key. */
export const authorizeDecrypt = (context: BucketContext, target: ReadTarget, object: StoredObject): void =>
  authorizeKms(context, 'kms:Decrypt', object.encryption, target);

/** Throws InvalidArgument for a version id that the local S3 never issued. */
export const checkVersionId = (versionId: string): void => {
  if (isVersionId(versionId)) return;
  throw new S3Error('InvalidArgument', {
    message: versionId === '' ? 'Version id cannot be the empty string' : 'Invalid version id specified',
    elements: { ArgumentName: 'versionId', ArgumentValue: versionId },
  });
};

export const isVersionId = (text: string): boolean => text === 'null' || orderOfVersionId(text) !== null;

const markerHeaders = (version: Version, bucket: Bucket): Record<string, string> => ({
  'x-amz-delete-marker': 'true',
  ...versionHeader(bucket, version),
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
