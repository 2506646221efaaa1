/**
 * Recognises archived objects, and renders the response headers about archive tiers and restored copies.
 *
 * Sources: Amazon S3 User Guide "Working with archived objects" (archived-objects.html); API_HeadObject.html.
 */
import { S3Error } from '../errors.ts';
import type { StoredObject } from '../model/object.ts';

/** Throws InvalidObjectState if the object is archived and has no restored copy. */
export const checkReadable = (object: StoredObject, message?: string): void => {
  if (!isArchived(object) || isRestored(object)) return;
  throw new S3Error('InvalidObjectState', {
    ...(message === undefined ? {} : { message }),
    elements: {
      StorageClass: object.storageClass,
      ...(object.archiveTier === null ? {} : { AccessTier: object.archiveTier }),
    },
  });
};

export const isArchived = (object: StoredObject): boolean =>
  object.archiveTier !== null || ARCHIVED_CLASSES.includes(object.storageClass);

export const isRestored = (object: StoredObject): boolean =>
  object.restore !== null && object.restore.expiresMs !== null;

/** Returns the x-amz-restore and x-amz-archive-status headers of a GET or HEAD response. */
export const archiveHeaders = (object: StoredObject): Record<string, string> => ({
  ...(object.archiveTier === null ? {} : { 'x-amz-archive-status': object.archiveTier }),
  ...(object.restore === null ? {} : { 'x-amz-restore': restoreHeader(object.restore.expiresMs) }),
});

const ARCHIVED_CLASSES = ['GLACIER', 'DEEP_ARCHIVE'];

const restoreHeader = (expiresMs: number | null): string =>
  expiresMs === null
    ? 'ongoing-request="true"'
    : `ongoing-request="false", expiry-date="${new Date(expiresMs).toUTCString()}"`;
