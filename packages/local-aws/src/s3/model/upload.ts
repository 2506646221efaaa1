/** A multipart upload, in progress or completed. */
import type { ChecksumAlgorithm, ChecksumPlan } from '../storage/checksums.ts';
import type { Content } from '../storage/content.ts';
import type { KeyWatch } from './key.ts';
import type { BucketObjectLock } from './object-lock.ts';
import type { ObjectDescription } from './object.ts';

export interface Upload {
  uploadId: string;
  key: string;
  initiatedMs: number;
  /** The caller that created the upload, as listings return it. */
  initiator: { id: string; displayName: string };
  /** The properties of the future object, with the default encryption that the bucket had when the upload was created. */
  description: ObjectDescription;
  /** The object lock configuration that the bucket had when the upload was created. A later change does not affect the upload. */
  bucketLock: BucketObjectLock | null;
  checksumPlan: ChecksumPlan;
  parts: Map<number, Part>;
  /** Records changes of the key since the upload was created. A conditional completion fails if the key has changed. */
  watch: KeyWatch;
}

export interface Part {
  partNumber: number;
  etag: string;
  content: Content;
  lastModifiedMs: number;
  /** The part's checksum in base64, computed with the upload's algorithm. */
  checksum: string;
  /** The checksum that the client sent with this part, if the upload was created without an algorithm. */
  declared: { algorithm: ChecksumAlgorithm; value: string } | null;
}

export interface CompletedUpload {
  key: string;
  /** Hash of the completing request's body, conditions and object size. A repeated request has the same hash. */
  fingerprint: string;
  headers: Record<string, string>;
  body: string;
}
