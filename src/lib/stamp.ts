/**
 * The stamp: one entry of user metadata that names the source version a replica holds. S3 offers no other field an
 * external writer may set.
 */
import type { ObjectState } from './ports.ts';

/** Read as the header `x-amz-meta-s3r`. Short, because S3 allows 2 KB of user metadata in all. */
export const STAMP_NAME = 's3r';

/** 2 KB, counted as the bytes of names and values in UTF-8 (PutObject, "User-defined metadata"). */
const MAX_METADATA_BYTES = 2_048;

/**
 * What a replica of this version is stamped with: `v/<version id>`, or `e/<ETag>` where the version id does not name
 * one state of the object (unversioned buckets, and the null version, which is overwritten in place).
 */
export const stampOf = (source: ObjectState): string =>
  namesOneState(source) ? `v/${source.versionId}` : `e/${source.etag.replaceAll('"', '')}`;

/** Does the version id alone tell this state from every other state of the key? */
export const namesOneState = (source: ObjectState): boolean =>
  source.versionId !== null && source.versionId !== 'null';

/** The stamp a replica carries; null where it has none. */
export const stampOn = (replica: ObjectState): string | null =>
  replica.attributes.metadata[STAMP_NAME] ?? null;

/** The source's user metadata with the stamp, or without it where it would not fit. */
export const stampedMetadata = (source: ObjectState): Record<string, string> => {
  const stamped = { ...withoutStamp(source), [STAMP_NAME]: stampOf(source) };
  return metadataBytes(stamped) <= MAX_METADATA_BYTES ? stamped : withoutStamp(source);
};

/** User metadata without a stamp: a source object may itself be a replica and carry another's. */
export const withoutStamp = (object: ObjectState): Record<string, string> => {
  const { [STAMP_NAME]: _stamp, ...metadata } = object.attributes.metadata;
  return metadata;
};

const metadataBytes = (metadata: Record<string, string>): number =>
  // S3 does not count the prefix; a server that does would refuse the whole object.
  Object.entries(metadata).reduce(
    (sum, [name, value]) => sum + Buffer.byteLength(`x-amz-meta-${name}${value}`),
    0,
  );
