/**
 * Schedules the work that S3 does without a request. No timer starts this work. The next call of `runDue` does the work that is due.
 */
import type { PendingWork } from '../model/state.ts';

export const DAY_MS = 86_400_000;

/** Schedules a check of lifecycle rules and archive tiers at the next midnight UTC. */
export const scheduleMidnight = (pending: PendingWork, nowMs: number): void =>
  scheduleAt(pending, (Math.floor(nowMs / DAY_MS) + 1) * DAY_MS);

export const scheduleAt = (pending: PendingWork, atMs: number): void => {
  pending.nextMs = Math.min(pending.nextMs, atMs);
};

/** Adds days and rounds up to the next midnight UTC. S3 counts the days of lifecycle rules in this way. */
export const midnightAfter = (fromMs: number, days: number): number =>
  Math.ceil((fromMs + days * DAY_MS) / DAY_MS) * DAY_MS;
