/** The pages of a listing in S3's terms, and the port that lists them. */

/** A place in a listing: behind this version of the key, or behind all of its versions. */
export interface Marker {
  /** '' for the very beginning. */
  key: string;
  /** S3's VersionIdMarker. Null: behind all versions of the key. Always null with ListObjectsV2. */
  versionId: string | null;
}

/** The only part of an entry that listing in ranges needs. Everything else is for the consumer. */
export interface Keyed {
  key: string;
}

/** A version as ListObjectsV2 and ListObjectVersions report it. */
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

/** The part of an array's interface that is needed, so that a simulation can create entries when they are read. */
export type Entries<E> = Pick<readonly E[], 'length' | 'at' | 'slice'> & Iterable<E>;

export interface Page<E extends Keyed> {
  /** In S3's order, with decoded keys. May be fewer than requested, even none, whether or not more entries follow. */
  entries: Entries<E>;
  /** The start of the next page (NextKeyMarker and NextVersionIdMarker, or the last key); null at the end of the bucket. */
  next: Marker | null;
}

export interface PageRequest {
  /** S3's Prefix. '' for none. */
  prefix: string;
  /** StartAfter, or KeyMarker and VersionIdMarker. */
  after: Marker;
  /** At most 1,000, which is S3's maximum. */
  maxKeys: number;
}

/** Throws only ReplicationError. The reason `throttled` asks to slow down; other reasons with disposition `retry` are tried again. */
export type ListPage<E extends Keyed> = (request: PageRequest) => Promise<Page<E>>;

/** The beginning of a bucket, or of a prefix. */
export const BEGINNING: Marker = { key: '', versionId: null };
