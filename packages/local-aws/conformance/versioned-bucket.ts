/**
 * A model of a bucket as S3's guide describes it, written as simply as possible. Random histories compare a
 * real bucket with this model.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/versioning-workflows.html
 */
import { hash } from 'node:crypto';
import type { Versioning } from './context.ts';

export interface Version {
  versionId: string;
  /** The content. Null for a delete marker. */
  content: Content | null;
}

export interface Content {
  body: string;
  metadata: Record<string, string>;
  /** The ETag including its quotes. */
  etag: string;
}

/**
 * The condition of a write. `absent` requires that the key has no object. `current` requires the ETag of the
 * current version. `other` requires an ETag that no object has.
 */
export type Condition = 'none' | 'absent' | 'current' | 'other';

export interface VersionedBucket {
  versioning: Versioning;
  /** The versions of each key, newest first. A key without versions has no entry. */
  versions: Map<string, Version[]>;
}

export const OTHER_ETAG = '"00000000000000000000000000000000"';

export const simpleEtag = (body: string): string => `"${hash('md5', body, 'hex')}"`;

/** Returns the ETag of a multipart object that has one part. */
export const multipartEtag = (body: string): string =>
  `"${hash('md5', hash('md5', body, 'buffer'), 'hex')}-1"`;

export const versionsOf = (bucket: VersionedBucket, key: string): readonly Version[] =>
  bucket.versions.get(key) ?? [];

export const current = (bucket: VersionedBucket, key: string): Content | null =>
  versionsOf(bucket, key)[0]?.content ?? null;

/**
 * Returns the error with which S3 refuses the write, or null if the condition holds. A key whose newest
 * version is a delete marker has no object.
 */
export const refusal = (bucket: VersionedBucket, key: string, condition: Condition): string | null => {
  const content = current(bucket, key);
  if (condition === 'none') return null;
  if (condition === 'absent') return content === null ? null : '412 PreconditionFailed';
  if (content === null) return '404 NoSuchKey';
  return condition === 'current' ? null : '412 PreconditionFailed';
};

/**
 * Adds a version. `newId` is the version id that S3 returned. If versioning is not enabled, S3 returns no id
 * and overwrites the null version.
 */
export const write = (
  bucket: VersionedBucket,
  key: string,
  content: Content | null,
  newId: string | undefined,
): void => {
  const versionId = bucket.versioning === 'Enabled' ? (newId ?? 'missing') : 'null';
  if (versionId === 'null') erase(bucket, key, 'null');
  bucket.versions.set(key, [{ versionId, content }, ...versionsOf(bucket, key)]);
};

/**
 * Behaves like a DELETE that names no version id: adds a delete marker, or removes the object if the bucket
 * never had versioning.
 */
export const remove = (bucket: VersionedBucket, key: string, newId: string | undefined): void => {
  if (bucket.versioning === 'never') erase(bucket, key, 'null');
  else write(bucket, key, null, newId);
};

export const erase = (bucket: VersionedBucket, key: string, versionId: string): void => {
  const rest = versionsOf(bucket, key).filter((version) => version.versionId !== versionId);
  if (rest.length === 0) bucket.versions.delete(key);
  else bucket.versions.set(key, rest);
};

/**
 * Returns all versions in the order of ListObjectVersions: by the bytes of the key, and the newest version of
 * a key first.
 */
export const versionListing = (bucket: VersionedBucket): string[] =>
  sortedKeys(bucket).flatMap((key) =>
    versionsOf(bucket, key).map(
      ({ versionId, content }, index) =>
        `${key} ${versionId}${index === 0 ? ' latest' : ''} ${content === null ? 'marker' : content.etag}`,
    ),
  );

/** Returns what ListObjectsV2 returns. If a delimiter is given, this includes common prefixes. */
export const objectListing = (
  bucket: VersionedBucket,
  { prefix, delimiter, startAfter }: { prefix: string; delimiter: string; startAfter: string },
): string[] => {
  const entries = sortedKeys(bucket)
    .filter((key) => key.startsWith(prefix) && current(bucket, key) !== null)
    .filter((key) => Buffer.compare(Buffer.from(key), Buffer.from(startAfter)) > 0)
    .map((key) => {
      const at = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length);
      return at < 0 ? key : key.slice(0, at + delimiter.length);
    });
  return [...new Set(entries)];
};

const sortedKeys = (bucket: VersionedBucket): string[] =>
  [...bucket.versions.keys()].toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
