/** The lock that a replica is given for that of its source version, and whether it has that lock. No lock is ever weakened. */
import type { ObjectLock, Retention } from '../model/ports.ts';
import type { Destination } from '../model/rule.ts';

/** Leaves out a retention that is over, which S3 would refuse. `nowMs` is in milliseconds since the epoch, as everywhere here. */
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

/** A replica's lock may be longer or stricter than the source's, never weaker. A source lock that is over needs no counterpart. */
export const isLockedAsWanted = (
  replica: ObjectLock,
  source: ObjectLock,
  destination: Pick<Destination, 'objectLock'>,
  nowMs: number,
): boolean => strengthened(replica, replicaLock(destination, source, nowMs), nowMs) === null;

/** The weakest lock that is at least as strong as both; null: `held` is that lock. */
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
