/**
 * The types that describe how a version is cut into parts, which way its bytes take, and how the bytes are proven. The values are
 * plain JSON, because the record of a transfer contains them.
 */
import type { ObjectState } from '../model/ports.ts';

/** The way of the bytes: through the function (`stream`), or inside S3 (`server-side`). */
export type Way = 'stream' | 'server-side';

/** The version that is moved. Every read is pinned to this version. */
export type TransferVersion = Pick<
  ObjectState,
  'versionId' | 'etag' | 'sizeBytes' | 'lastModifiedMs' | 'encryption' | 'checksum'
>;

/**
 * The parts of the upload, numbered from 1.
 * - `numbered`: the same parts as at the source, read by their part numbers. Their sizes are unknown.
 * - `uniform`: all parts have `partBytes`, except the last.
 * - `sized`: the same parts as at the source, given as runs of parts of equal size, in order.
 */
export type PartLayout =
  | { kind: 'numbered'; parts: number }
  | { kind: 'uniform'; partBytes: number }
  | { kind: 'sized'; runs: { parts: number; bytes: number }[] };

/** How the bytes of an upload are proven (see `part-plan.ts`). */
export type ProvenBy = 'checksum' | 'etag' | 'computed';
