/**
 * Object lock: the retention and legal hold of a version, and what they forbid.
 *
 * Sources: Amazon S3 User Guide "Locking objects with Object Lock" (object-lock.html, object-lock-managing.html);
 * API_PutObject.html for the headers.
 */
import { invalidArgument, S3Error } from '../errors.ts';

export type RetentionMode = 'GOVERNANCE' | 'COMPLIANCE';

export interface Retention {
  mode: RetentionMode;
  untilMs: number;
}

/** The lock of one version. */
export interface ObjectLock {
  retention: Retention | null;
  /** Null if no legal hold was ever set. */
  legalHold: 'ON' | 'OFF' | null;
}

export const NO_LOCK: ObjectLock = { retention: null, legalHold: null };

/** The object lock configuration of a bucket. The length of the default retention is in days or in years. */
export interface BucketObjectLock {
  defaultRetention: { mode: RetentionMode; period: 'Days' | 'Years'; length: number } | null;
}

export interface LockHeaders {
  mode: string | undefined;
  retainUntil: string | undefined;
  legalHold: string | undefined;
}

/**
 * Reads the x-amz-object-lock-* headers of a write. Throws InvalidArgument for an invalid header, and InvalidRequest if the bucket has no
 * object lock.
 */
export const parseLockHeaders = (
  headers: LockHeaders,
  bucketLock: BucketObjectLock | null,
  nowMs: number,
): ObjectLock => {
  const { mode, retainUntil, legalHold } = headers;
  if (mode === undefined && retainUntil === undefined && legalHold === undefined) return NO_LOCK;
  if (bucketLock === null)
    throw new S3Error('InvalidRequest', { message: 'Bucket is missing ObjectLockConfiguration' });
  return { retention: retentionOf(mode, retainUntil, nowMs), legalHold: parseLegalHold(legalHold) };
};

/**
 * Returns the lock of a new version. If the writer requested no retention, the lock has the bucket's default retention, which starts at
 * `createdMs`.
 */
export const lockOfNewVersion = (
  asked: ObjectLock,
  bucketLock: BucketObjectLock | null,
  createdMs: number,
): ObjectLock => {
  const byDefault = bucketLock?.defaultRetention;
  if (asked.retention !== null || byDefault === null || byDefault === undefined) return asked;
  const days = byDefault.period === 'Days' ? byDefault.length : byDefault.length * 365;
  return { ...asked, retention: { mode: byDefault.mode, untilMs: createdMs + days * DAY_MS } };
};

/** True if a write that requests the lock `asked` must have a checksum or an MD5 of its body. */
export const needsIntegrityHeader = (asked: ObjectLock, bucketLock: BucketObjectLock | null): boolean =>
  asked !== NO_LOCK || (bucketLock !== null && bucketLock.defaultRetention !== null);

/**
 * True if a version with this lock must not be deleted. `bypass` is true if the caller requests a bypass of governance retention and has
 * the permission.
 */
export const isProtected = (lock: ObjectLock, nowMs: number, bypass = false): boolean => {
  if (lock.legalHold === 'ON') return true;
  const { retention } = lock;
  if (retention === null || retention.untilMs <= nowMs) return false;
  return retention.mode === 'COMPLIANCE' || !bypass;
};

/**
 * True if the `next` retention may replace the `current` one. A retention that has not ended may only be extended. A bypass permits every
 * change in governance mode, but none in compliance mode.
 */
export const mayReplaceRetention = (
  current: Retention | null,
  next: Retention | null,
  nowMs: number,
  bypass: boolean,
): boolean => {
  if (current === null || current.untilMs <= nowMs) return true;
  if (current.mode === 'GOVERNANCE' && bypass) return true;
  return next !== null && next.mode === current.mode && next.untilMs >= current.untilMs;
};

export const protectedError = (): S3Error =>
  new S3Error('AccessDenied', { message: 'Access Denied because object protected by object lock.' });

/** Returns the retention headers of a GET or HEAD response. */
export const retentionHeaders = (retention: Retention): Record<string, string> => ({
  'x-amz-object-lock-mode': retention.mode,
  'x-amz-object-lock-retain-until-date': new Date(retention.untilMs).toISOString(),
});

/** Parses an ISO 8601 instant to milliseconds since the epoch. Returns null for any other text. */
export const parseInstant = (text: string): number | null => {
  if (!/^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:?\d\d)?)?$/.test(text)) return null;
  const ms = Date.parse(/T.*(Z|[+-]\d\d:?\d\d)$/.test(text) || !text.includes('T') ? text : `${text}Z`);
  return Number.isNaN(ms) ? null : ms;
};

export const isRetentionMode = (text: string | undefined): text is RetentionMode =>
  text === 'GOVERNANCE' || text === 'COMPLIANCE';

/** Returns the error for event holds. AWS added them in 2026, and the local S3 does not support them. */
export const eventHold = (): S3Error =>
  new S3Error('NotImplemented', { message: 'The local S3 does not have event holds' });

const DAY_MS = 86_400_000;
const MODE = 'x-amz-object-lock-mode';
const UNTIL = 'x-amz-object-lock-retain-until-date';

const retentionOf = (
  mode: string | undefined,
  retainUntil: string | undefined,
  nowMs: number,
): Retention | null => {
  if (mode === undefined && retainUntil === undefined) return null;
  if (mode === undefined || retainUntil === undefined)
    throw new S3Error('InvalidArgument', {
      message: 'x-amz-object-lock-retain-until-date and x-amz-object-lock-mode must both be supplied',
      elements: { ArgumentName: mode === undefined ? MODE : UNTIL },
    });
  const untilMs = parseInstant(retainUntil);
  if (untilMs === null)
    throw invalidArgument('The retain until date must be provided in ISO 8601 format', UNTIL, retainUntil);
  if (untilMs <= nowMs)
    throw invalidArgument('The retain until date must be in the future!', UNTIL, retainUntil);
  if (!isRetentionMode(mode)) throw invalidArgument('Unknown wormMode directive.', MODE, mode);
  return { mode, untilMs };
};

const parseLegalHold = (text: string | undefined): ObjectLock['legalHold'] => {
  if (text === undefined) return null;
  if (text === 'ON' || text === 'OFF') return text;
  throw invalidArgument("Legal Hold must be either of 'ON' or 'OFF'", 'x-amz-object-lock-legal-hold', text);
};
