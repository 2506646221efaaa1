/**
 * A bucket as S3's guide describes it, written down as simply as possible: the model that random histories are held
 * against. https://docs.aws.amazon.com/AmazonS3/latest/userguide/versioning-workflows.html
 */
import { hash } from 'node:crypto';
import type { Versioning } from './context.ts';

export interface Version {
  versionId: string;
  /** Null for a delete marker. */
  content: Content | null;
}

export interface Content {
  body: string;
  metadata: Record<string, string>;
  /** Including the quotes. */
  etag: string;
}

/** The condition of a write. */
export type Condition = 'none' | 'absent' | 'current' | 'other';

export interface VersionedBucket {
  versioning: Versioning;
  /** Newest first. A key without versions has no entry. */
  versions: Map<string, Version[]>;
}

export const OTHER_ETAG = '"00000000000000000000000000000000"';

export const simpleEtag = (body: string): string => `"${hash('md5', body, 'hex')}"`;

/** The ETag of an object that has one part. */
export const multipartEtag = (body: string): string =>
  `"${hash('md5', hash('md5', body, 'buffer'), 'hex')}-1"`;

export const versionsOf = (bucket: VersionedBucket, key: string): readonly Version[] =>
  bucket.versions.get(key) ?? [];

export const current = (bucket: VersionedBucket, key: string): Content | null =>
  versionsOf(bucket, key)[0]?.content ?? null;

/** The error of a condition that fails; null when it holds. A delete marker counts as absent. */
export const refusal = (bucket: VersionedBucket, key: string, condition: Condition): string | null => {
  const content = current(bucket, key);
  if (condition === 'none') return null;
  if (condition === 'absent') return content === null ? null : '412 PreconditionFailed';
  if (content === null) return '404 NoSuchKey';
  return condition === 'current' ? null : '412 PreconditionFailed';
};

/** `newId` is the version id that S3 gave. Without versioning S3 gives none: it writes the one null version. */
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

/** DELETE without a version id: adds a marker, or removes the object if the bucket never had versioning. */
export const remove = (bucket: VersionedBucket, key: string, newId: string | undefined): void => {
  if (bucket.versioning === 'never') erase(bucket, key, 'null');
  else write(bucket, key, null, newId);
};

export const erase = (bucket: VersionedBucket, key: string, versionId: string): void => {
  const rest = versionsOf(bucket, key).filter((version) => version.versionId !== versionId);
  if (rest.length === 0) bucket.versions.delete(key);
  else bucket.versions.set(key, rest);
};

/** The order of ListObjectVersions: keys by their bytes, then the newest version first. */
export const versionListing = (bucket: VersionedBucket): string[] =>
  sortedKeys(bucket).flatMap((key) =>
    versionsOf(bucket, key).map(
      ({ versionId, content }, index) =>
        `${key} ${versionId}${index === 0 ? ' latest' : ''} ${content === null ? 'marker' : content.etag}`,
    ),
  );

/** The result of ListObjectsV2, with common prefixes if there is a delimiter. */
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
