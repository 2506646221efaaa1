/**
 * Derives the lock of a replica from the lock of its source version, and checks whether the replica has that lock. No lock is
 * ever weakened.
 */
import { ReplicationError } from '../model/errors.ts';
import type { DefaultRetention, ObjectLock, ObjectState, Retention } from '../model/ports.ts';
import type { Destination } from '../model/rule.ts';

/**
 * Maximum size of a body that is held in memory to compute its checksum before it is uploaded under Object Lock. A larger body is read
 * twice.
 */
export const HELD_BYTES = 16 * 1024 * 1024;

export const isLocked = ({ retention, legalHold }: ObjectLock): boolean => retention !== null || legalHold;

/** How the locks of a source reach a destination. */
export type LockOptions = Pick<Destination, 'objectLock' | 'maxRetentionDays' | 'overMaxRetention'>;

/**
 * Returns the lock that the replica should have. A retention that is over is left out, because S3 would refuse it. A retention above the
 * maximum of the destination is cut to the maximum, counted from now. `nowMs` is in milliseconds since the epoch, as everywhere in
 * this file.
 */
export const replicaLock = (
  { objectLock, maxRetentionDays }: Pick<LockOptions, 'objectLock' | 'maxRetentionDays'>,
  lock: ObjectLock,
  nowMs: number,
): ObjectLock => {
  if (objectLock === 'ignore') return { retention: null, legalHold: false };
  const { retention, legalHold } = lock;
  if (retention === null || retention.untilMs <= nowMs) return { retention: null, legalHold };
  const mode = objectLock === 'governance' ? 'GOVERNANCE' : retention.mode;
  const longestMs = wholeSeconds(nowMs + maxRetentionDays * DAY_MS - CAP_MARGIN_MS);
  const isOver = isOverMaximum(retention, maxRetentionDays, nowMs);
  return { retention: { mode, untilMs: isOver ? longestMs : retention.untilMs }, legalHold };
};

/** Returns true if the source's retention is longer than the destination allows, so that the replica gets a shorter one. */
export const isLockCapped = (
  { objectLock, maxRetentionDays }: LockOptions,
  { retention }: ObjectLock,
  nowMs: number,
): boolean =>
  objectLock !== 'ignore' && retention !== null && isOverMaximum(retention, maxRetentionDays, nowMs);

/**
 * Throws `lock-too-long` if the source's retention is longer than the destination allows, and the rule does not ask for a shorter
 * one instead.
 */
export const refuseTooLong = (options: LockOptions, lock: ObjectLock, nowMs: number): void => {
  if (options.overMaxRetention === 'cap' || !isLockCapped(options, lock, nowMs)) return;
  const until = new Date(lock.retention?.untilMs ?? 0).toISOString();
  throw new ReplicationError(
    'lock-too-long',
    `the source version is locked until ${until}, more than ${options.maxRetentionDays} days`,
  );
};

/** The lock of an existing replica, and when S3 stored the replica. */
export type LockedReplica = Pick<ObjectState, 'lock' | 'lastModifiedMs'>;

/**
 * - `right`: the replica is locked at least as long and as strictly as the source version.
 * - `lock-capped`: the source's retention is above the maximum of the destination. The replica has the maximum.
 * - `hold-kept`: the replica has a legal hold that the source version does not have, or no longer has. The replicator never lifts
 * it.
 * - `weaker`: the replica lacks a lock.
 */
export type LockVerdict = 'right' | LockNote | 'weaker';

/** The states in which a lock differs from that of the source and is left unchanged. */
export type LockNote = 'lock-capped' | 'hold-kept';

/** Compares the lock of a replica with that of its source version. A source lock that is over requires nothing. */
export const lockVerdict = (
  replica: LockedReplica,
  source: ObjectLock,
  options: LockOptions,
  nowMs: number,
): LockVerdict => {
  if (nextLock(replica, source, options, nowMs) !== null) return 'weaker';
  if (isLockCapped(options, source, nowMs) && !retains(replica.lock.retention, source.retention))
    return options.overMaxRetention === 'cap' ? 'lock-capped' : 'weaker';
  return options.objectLock !== 'ignore' && replica.lock.legalHold && !source.legalHold
    ? 'hold-kept'
    : 'right';
};

/**
 * Returns the lock to write to an existing replica, or null if its lock is strong enough. The maximum of a capped lock is counted
 * from the time at which the replica was written. Otherwise every look would find that the replica could be locked for a little
 * longer. When a capped lock has ended and the source is still locked, the replica gets the maximum once more.
 */
export const nextLock = (
  { lock, lastModifiedMs }: LockedReplica,
  source: ObjectLock,
  options: LockOptions,
  nowMs: number,
): ObjectLock | null => {
  const wanted = replicaLock(options, source, nowMs);
  const { retention } = lock;
  const hasMaximum =
    isLockCapped(options, source, nowMs) &&
    retention !== null &&
    retention.untilMs > nowMs &&
    retention.untilMs >= lastModifiedMs + options.maxRetentionDays * DAY_MS - 2 * CAP_MARGIN_MS &&
    (retention.mode === 'COMPLIANCE' || wanted.retention?.mode === 'GOVERNANCE');
  return strengthened(lock, hasMaximum ? { ...wanted, retention: null } : wanted, nowMs);
};

/**
 * Returns the lock to ask for in the request that writes a new version. With it, the version is locked at least as strongly as
 * `wanted` and as the bucket's default retention. S3 applies the default only if the request asks for no retention. Without this
 * function, an uploader who locks an object for a day would give its replica a shorter lock than all other replicas have. If the
 * default is enough, the request asks for no retention.
 */
export const besideDefault = (
  wanted: ObjectLock,
  byDefault: DefaultRetention | null,
  nowMs: number,
): ObjectLock => {
  const { retention } = wanted;
  if (retention === null || byDefault === null) return wanted;
  const given: Retention = { mode: byDefault.mode, untilMs: nowMs + byDefault.days * DAY_MS };
  if (retains(given, retention)) return { ...wanted, retention: null };
  const mode = given.mode === 'COMPLIANCE' ? given.mode : retention.mode;
  const leastMs = wholeSeconds(given.untilMs + CAP_MARGIN_MS);
  return { ...wanted, retention: { mode, untilMs: Math.max(retention.untilMs, leastMs) } };
};

const isOverMaximum = ({ untilMs }: Retention, maxRetentionDays: number, nowMs: number): boolean =>
  untilMs > nowMs + maxRetentionDays * DAY_MS;

const DAY_MS = 86_400_000;

/**
 * How long a capped lock stays below the maximum. AWS does not document how it rounds `s3:object-lock-remaining-retention-days`, and its
 * clock differs a little from ours.
 */
const CAP_MARGIN_MS = 3_600_000;

/** Returns the weakest lock that is at least as strong as both `held` and `wanted`, or null if `held` already is that lock. */
export const strengthened = (held: ObjectLock, wanted: ObjectLock, nowMs: number): ObjectLock | null => {
  const isHeld = held.legalHold || !wanted.legalHold;
  const isRetained = retains(held.retention, wanted.retention);
  if (isHeld && isRetained) return null;
  return {
    legalHold: held.legalHold || wanted.legalHold,
    retention: isRetained ? held.retention : stronger(held.retention, wanted.retention, nowMs),
  };
};

const retains = (held: Retention | null, wanted: Retention | null): boolean =>
  wanted === null ||
  (held !== null &&
    wholeSecond(held) >= wholeSecond(wanted) &&
    (held.mode === 'COMPLIANCE' || wanted.mode === 'GOVERNANCE'));

const stronger = (held: Retention | null, wanted: Retention | null, nowMs: number): Retention | null => {
  if (wanted === null || held === null || held.untilMs <= nowMs) return wanted;
  const mode = held.mode === 'COMPLIANCE' ? held.mode : wanted.mode;
  return { mode, untilMs: Math.max(held.untilMs, wanted.untilMs) };
};

const wholeSecond = ({ untilMs }: Retention): number => Math.floor(untilMs / 1_000);

const wholeSeconds = (ms: number): number => Math.floor(ms / 1_000) * 1_000;
