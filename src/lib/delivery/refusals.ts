/**
 * How long a refused permission is tried again where a message cannot carry the time of its first refusal: by runs, whose ranges fail in
 * many invocations, and by tasks of S3 Batch Operations.
 */
import type { ReplicationError } from '../model/errors.ts';
import type { Clock } from '../model/ports.ts';
import { isPermission } from '../model/reasons.ts';
import { FRESH_PERMISSION_MS } from './retry.ts';

/** A refusal that comes this long after the first one begins another row of refusals. */
const NEW_ROW_MS = 10 * 60_000;

export interface Refusal {
  /** The time of the first refusal in the row, in milliseconds since the epoch. */
  sinceMs: number;
  /** True if the permission may have been granted just now. */
  isFresh: boolean;
}

/** Returns the row of refusals after one more refusal. `sinceMs` is null if there was none before. */
export const refusedAt = (nowMs: number, sinceMs: number | null): Refusal =>
  sinceMs === null || nowMs - sinceMs >= NEW_ROW_MS
    ? { sinceMs: nowMs, isFresh: true }
    : { sinceMs, isFresh: nowMs - sinceMs < FRESH_PERMISSION_MS };

/** The refusals that an execution environment has seen. */
export interface Refusals {
  /** Returns true if the work at `place` failed for lack of a permission that may have been granted just now. */
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
