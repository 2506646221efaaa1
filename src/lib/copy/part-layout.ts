/** How one version is cut into parts, which way its bytes take, and how they are proven. Plain JSON: a transfer's record keeps it. */
import type { ObjectState } from '../model/ports.ts';

/** The way of the bytes: through the function, or inside S3. */
export type Way = 'stream' | 'server-side';

/** The version that is moved; every read is pinned to it. */
export type TransferVersion = Pick<
  ObjectState,
  'versionId' | 'etag' | 'sizeBytes' | 'lastModifiedMs' | 'encryption' | 'checksum'
>;

/**
 * The parts of the upload, numbered from 1.
 * - `numbered`: as the source was uploaded, read by part numbers; nobody knows how large each part is.
 * - `uniform`: all parts have `partBytes`, except the last.
 * - `sized`: as the source was uploaded: runs of parts of equal size, in order.
 */
export type PartLayout =
  | { kind: 'numbered'; parts: number }
  | { kind: 'uniform'; partBytes: number }
  | { kind: 'sized'; runs: { parts: number; bytes: number }[] };

/** How the bytes of an upload are proven (see `part-plan.ts`). */
export type ProvenBy = 'checksum' | 'etag' | 'computed';
