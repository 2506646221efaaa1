/**
 * Derives the lock of a replica from the lock of its source version, and checks whether the replica has that lock. No lock is
 * ever weakened.
 */
import type { ObjectLock, Retention } from '../model/ports.ts';
import type { Destination } from '../model/rule.ts';

/**
 * Maximum size of a body that is held in memory to compute its checksum before it is uploaded under Object Lock. A larger body is read
 * twice.
 */
export const HELD_BYTES = 16 * 1024 * 1024;

export const isLocked = ({ retention, legalHold }: ObjectLock): boolean => retention !== null || legalHold;

/**
 * Returns the lock that the replica should have. A retention that is over is left out, because S3 would refuse it. `nowMs` is in
 * milliseconds since the epoch, as everywhere in this file.
 */
export const replicaLock = (
  { objectLock }: Pick<Destination, 'objectLock'>,
  lock: ObjectLock,
  nowMs: number,
): ObjectLock => {
  if (objectLock === 'ignore') return { retention: null, legalHold: false };
  const { retention, legalHold } = lock;
  if (retention === null || retention.untilMs <= nowMs) return { retention: null, legalHold };
  const mode = objectLock === 'governance' ? 'GOVERNANCE' : retention.mode;
  return { retention: { ...retention, mode }, legalHold };
};

/**
 * Returns true if the replica's lock is at least as long and as strict as the destination requires. A source lock that is over
 * requires nothing.
 */
export const isLockedAsWanted = (
  replica: ObjectLock,
  source: ObjectLock,
  destination: Pick<Destination, 'objectLock'>,
  nowMs: number,
): boolean => strengthened(replica, replicaLock(destination, source, nowMs), nowMs) === null;

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
