/** The pages of a listing in S3's terms, and the port that lists them. */

/** A position in a listing: behind one version of the key, or behind all of its versions. */
export interface Marker {
  /** The key; '' for the beginning of the listing. */
  key: string;
  /** S3's VersionIdMarker; null: behind all versions of the key. Always null with ListObjectsV2. */
  versionId: string | null;
}

/** The only part of an entry that the listing of ranges needs. The consumer uses the other parts. */
export interface Keyed {
  key: string;
}

/** A version as reported by ListObjectsV2 or ListObjectVersions. */
export interface ListedVersion extends Keyed {
  kind: 'object' | 'delete-marker';
  /** The version id. Null if listed by ListObjectsV2. The text `"null"` is S3's null version. */
  versionId: string | null;
  /** Always true if listed by ListObjectsV2. */
  isLatest: boolean;
  /** The ETag with its quotation marks; empty for a delete marker. */
  etag: string;
  sizeBytes: number;
  /** Milliseconds since the epoch. S3 reports whole seconds. */
  lastModifiedMs: number;
  /** The storage class, even `STANDARD`; empty for a delete marker. */
  storageClass: string;
}

/**
 * The part of an array's interface that the listing needs. It is small, so that a simulation can create entries only when they are
 * read.
 */
export type Entries<E> = Pick<readonly E[], 'length' | 'at' | 'slice'> & Iterable<E>;

export interface Page<E extends Keyed> {
  /**
   * Entries in S3's order, with decoded keys. A page may have fewer entries than requested, or none, even if more entries follow.
   */
  entries: Entries<E>;
  /** The marker with which the next page is requested; null: this page is the last one. */
  next: Marker | null;
}

export interface PageRequest {
  /** S3's Prefix. '' for none. */
  prefix: string;
  /** The start of the page: S3's StartAfter, or its KeyMarker and VersionIdMarker. */
  after: Marker;
  /** At most 1,000, which is S3's maximum. */
  maxKeys: number;
}

/**
 * Lists one page. Throws only ReplicationError. After the reason `throttled` the caller slows down and retries. After other
 * reasons with disposition `retry` it only retries.
 */
export type ListPage<E extends Keyed> = (request: PageRequest) => Promise<Page<E>>;

/** The beginning of a bucket, or of a prefix. */
export const BEGINNING: Marker = { key: '', versionId: null };
