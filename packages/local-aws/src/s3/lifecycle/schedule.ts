/** Schedules the work that S3 does without a request. There is no timer: the next call of `runDue` does the work that is due by then. */
import type { PendingWork } from '../model/state.ts';

export const DAY_MS = 86_400_000;

/** Schedules a check of lifecycle rules and archive tiers at the next midnight UTC. */
export const scheduleMidnight = (pending: PendingWork, nowMs: number): void =>
  scheduleAt(pending, (Math.floor(nowMs / DAY_MS) + 1) * DAY_MS);

export const scheduleAt = (pending: PendingWork, atMs: number): void => {
  pending.nextMs = Math.min(pending.nextMs, atMs);
};

/** Adds days and rounds up to the next midnight UTC, as S3 does for the days of lifecycle rules. */
export const midnightAfter = (fromMs: number, days: number): number =>
  Math.ceil((fromMs + days * DAY_MS) / DAY_MS) * DAY_MS;
