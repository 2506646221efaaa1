/** How one version is cut into parts, and which way its bytes take. */
import type { ObjectState } from '../model/ports.ts';

/** Where the bytes go: through the function, or inside S3. */
export type Way = 'stream' | 'server-side';

/** Which version is moved; every read is pinned to it. */
export type TransferVersion = Pick<
  ObjectState,
  'versionId' | 'etag' | 'sizeBytes' | 'lastModifiedMs' | 'encryption' | 'checksum'
>;

/**
 * The parts of the upload, numbered from 1.
 * - `numbered`: as the source was uploaded, read by their numbers; nobody knows how large each is.
 * - `uniform`: all of `partBytes`, but for the last.
 * - `sized`: as the source was uploaded: runs of parts of equal size, in order.
 */
export type PartLayout =
  | { kind: 'numbered'; parts: number }
  | { kind: 'uniform'; partBytes: number }
  | { kind: 'sized'; runs: { parts: number; bytes: number }[] };
