/**
 * Decides how long attempts continue after a permission was refused, for work whose messages cannot carry the time of the first refusal.
 * This is the work of runs, whose ranges fail in many invocations, and of tasks of S3 Batch Operations.
 */
import type { ReplicationError } from '../model/errors.ts';
import type { Clock } from '../model/ports.ts';
import { isPermission } from '../model/reasons.ts';
import { FRESH_PERMISSION_MS } from './retry.ts';

/** How long after its first refusal a series of refusals ends. A later refusal begins a new series. */
const NEW_ROW_MS = 10 * 60_000;

export interface Refusal {
  /** The time of the first refusal of the series, in milliseconds since the epoch. */
  sinceMs: number;
  /** True if the permission may have been granted a moment ago. */
  isFresh: boolean;
}

/** Returns the series after one more refusal. `sinceMs` is null if there was no refusal before. */
export const refusedAt = (nowMs: number, sinceMs: number | null): Refusal =>
  sinceMs === null || nowMs - sinceMs >= NEW_ROW_MS
    ? { sinceMs: nowMs, isFresh: true }
    : { sinceMs, isFresh: nowMs - sinceMs < FRESH_PERMISSION_MS };

/** The refusals that an execution environment has seen. */
export interface Refusals {
  /**
   * Returns true if the work at `place` failed because a permission is missing, and the permission may have been granted a moment
   * ago.
   */
  mayPass(place: string, error: ReplicationError): boolean;
}

export const createRefusals = (clock: Clock): Refusals => {
  const since = new Map<string, number>();
  return {
    mayPass(place, { reason }) {
      if (!isPermission(reason)) return false;
      const row = `${reason} ${place}`;
      const { sinceMs, isFresh } = refusedAt(clock.now(), since.get(row) ?? null);
      since.set(row, sinceMs);
      return isFresh;
    },
  };
};
