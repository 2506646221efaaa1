/** Pages of a listing, in S3's words, and the port they come through. */

/** A place in a listing: behind this version of the key, or behind all of its versions. */
export interface Marker {
  /** '' for the very beginning. */
  key: string;
  /** S3's VersionIdMarker. Null: behind all versions of the key. Always null with ListObjectsV2. */
  versionId: string | null;
}

/** What the engine needs to know of what it lists; what else there is belongs to the consumer. */
export interface Keyed {
  key: string;
}

/** What ListObjectsV2 and ListObjectVersions tell of a version. */
export interface ListedVersion extends Keyed {
  kind: 'object' | 'delete-marker';
  /** Null from ListObjectsV2. `"null"`: S3's null version. */
  versionId: string | null;
  /** Always true from ListObjectsV2. */
  isLatest: boolean;
  /** Opaque, with its quotes; empty for a delete marker. */
  etag: string;
  sizeBytes: number;
  /** Milliseconds since the epoch; S3 gives whole seconds. */
  lastModifiedMs: number;
  /** `STANDARD` included; empty for a delete marker. */
  storageClass: string;
}

/** As much of an array as is needed, so that a simulation may make its entries when they are looked at. */
export type Entries<E> = Pick<readonly E[], 'length' | 'at' | 'slice'> & Iterable<E>;

export interface Page<E extends Keyed> {
  /** In S3's order; decoded keys. May be fewer than asked for, even none, whether or not there is more. */
  entries: Entries<E>;
  /** Where the next page begins (NextKeyMarker and NextVersionIdMarker, or the last key); null at the end of the bucket. */
  next: Marker | null;
}

export interface PageRequest {
  /** S3's Prefix. '' for none. */
  prefix: string;
  /** StartAfter, or KeyMarker and VersionIdMarker. */
  after: Marker;
  /** At most 1,000: S3 gives no more. */
  maxKeys: number;
}

/** Throws ReplicationError alone: `throttled` is a wish to slow down, other reasons with disposition `retry` are tried again. */
export type ListPage<E extends Keyed> = (request: PageRequest) => Promise<Page<E>>;

/** The beginning of a bucket, or of a prefix. */
export const BEGINNING: Marker = { key: '', versionId: null };
