/**
 * Applies writes and deletes to the versions of a key. Their effect depends on whether versioning was never enabled, is enabled or is
 * suspended.
 *
 * Source: Amazon S3 User Guide "Using versioning in S3 buckets" (Versioning.html, DeletingObjectVersions.html,
 * AddingObjectstoVersionSuspendedBuckets.html).
 */
import { releaseContent } from '../storage/content.ts';
import type { Bucket } from './bucket.ts';
import type { KeyWatch } from './key.ts';
import type { DeleteMarker, StoredObject, Version } from './object.ts';
import { lockOfNewVersion } from './object-lock.ts';
import type { S3State } from './state.ts';
import type { Upload } from './upload.ts';
import { createVersionId } from './version-id.ts';

/** Returns the newest version of a key, which may be a delete marker; undefined if the key has no versions. */
export const newestVersion = (bucket: Bucket, key: string): Version | undefined =>
  bucket.keys.get(key)?.versions[0];

/** Returns the current object of a key; null if the key has no versions or the newest version is a delete marker. */
export const currentObject = (bucket: Bucket, key: string): StoredObject | null => {
  const newest = newestVersion(bucket, key);
  return newest?.kind === 'object' ? newest : null;
};

export const findVersion = (bucket: Bucket, key: string, versionId: string): Version | undefined =>
  bucket.keys.get(key)?.versions.find((version) => version.versionId === versionId);

/** The properties of a new version that its writer determines. */
type NewObject = Omit<StoredObject, 'versionId' | 'order' | 'restore' | 'archiveTier' | 'lastAccessedMs'>;

/**
 * Makes an object the current version. Unless versioning is enabled, the object replaces the null version. `bucketLock` is the object lock
 * configuration for the new version; the default is the bucket's.
 */
export const putVersion = (
  state: S3State,
  bucket: Bucket,
  key: string,
  { bucketLock = bucket.objectLock, ...object }: NewObject & Partial<Pick<Upload, 'bucketLock'>>,
): StoredObject => {
  const stored: StoredObject = {
    ...object,
    ...newIdentity(state, bucket),
    lock: lockOfNewVersion(object.lock, bucketLock, state.clock.now()),
    restore: null,
    archiveTier: null,
    lastAccessedMs: object.lastModifiedMs,
  };
  insert(bucket, key, stored);
  for (const watch of bucket.watches.get(key) ?? []) watch.written = true;
  return stored;
};

/** Starts a watch, which records writes and deletes of the key. */
export const watchKey = (bucket: Bucket, key: string): KeyWatch => {
  const watch = { deleted: false, written: false };
  bucket.watches.set(key, (bucket.watches.get(key) ?? new Set()).add(watch));
  return watch;
};

export const unwatchKey = (bucket: Bucket, key: string, watch: KeyWatch): void => {
  const watches = bucket.watches.get(key);
  watches?.delete(watch);
  if (watches?.size === 0) bucket.watches.delete(key);
};

export type Deletion =
  | { kind: 'nothing' }
  /** A DELETE without a version id created a delete marker. */
  | { kind: 'marker-created'; marker: DeleteMarker }
  /** A version, possibly a delete marker, was permanently deleted. */
  | { kind: 'removed'; version: Version };

/** Performs a DELETE without a version id. */
export const deleteCurrent = (
  state: S3State,
  bucket: Bucket,
  key: string,
  ownerAccountId: string,
): Deletion => {
  noteDeletion(bucket, key);
  if (bucket.versioning === 'never') return removeVersion(bucket, key, 'null');
  const marker: DeleteMarker = {
    kind: 'delete-marker',
    ...newIdentity(state, bucket),
    lastModifiedMs: state.clock.now(),
    ownerAccountId,
  };
  insert(bucket, key, marker);
  return { kind: 'marker-created', marker };
};

/** Performs a DELETE with a version id. Succeeds if the version does not exist. */
export const deleteVersion = (bucket: Bucket, key: string, versionId: string): Deletion => {
  if (newestVersion(bucket, key)?.versionId === versionId) noteDeletion(bucket, key);
  return removeVersion(bucket, key, versionId);
};

/** False if the bucket never had versioning. Responses and events about such a bucket contain no version ids. */
export const hasVersionIds = (bucket: Bucket): boolean => bucket.versioning !== 'never';

/** Returns the x-amz-version-id header of a response about an existing version. */
export const versionHeader = (bucket: Bucket, version: { versionId: string }): Record<string, string> =>
  hasVersionIds(bucket) ? { 'x-amz-version-id': version.versionId } : {};

/** Returns the x-amz-version-id header of a response to a write. S3 omits it for the null version of a suspended bucket. */
export const writtenVersionHeader = (stored: StoredObject): Record<string, string> =>
  stored.versionId === 'null' ? {} : { 'x-amz-version-id': stored.versionId };

/** Returns the version id in events about a version. It is null for the null version, unless versioning is enabled. */
export const eventVersionId = (bucket: Bucket, versionId: string): string | null =>
  bucket.versioning === 'Enabled' || versionId !== 'null' ? versionId : null;

const newIdentity = (state: S3State, bucket: Bucket): { versionId: string; order: number } => {
  const order = state.newOrder();
  return { versionId: bucket.versioning === 'Enabled' ? createVersionId(order) : 'null', order };
};

const insert = (bucket: Bucket, key: string, version: Version): void => {
  if (version.versionId === 'null') removeVersion(bucket, key, 'null');
  const entry = bucket.keys.get(key);
  if (entry === undefined) bucket.keys.set(key, { key, versions: [version] });
  else entry.versions.unshift(version);
};

const removeVersion = (bucket: Bucket, key: string, versionId: string): Deletion => {
  const entry = bucket.keys.get(key);
  const at = entry?.versions.findIndex((version) => version.versionId === versionId) ?? -1;
  const version = entry?.versions[at];
  if (entry === undefined || version === undefined) return { kind: 'nothing' };
  entry.versions.splice(at, 1);
  if (entry.versions.length === 0) bucket.keys.delete(key);
  if (version.kind === 'object') releaseContent(version.content);
  return { kind: 'removed', version };
};

const noteDeletion = (bucket: Bucket, key: string): void => {
  if (currentObject(bucket, key) === null) return;
  for (const watch of bucket.watches.get(key) ?? []) watch.deleted = true;
};
