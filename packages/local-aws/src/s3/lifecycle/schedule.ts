/** When S3 next does something by itself. The clock has no alarm: whoever calls on S3 lets it catch up, see run-due.ts. */
import type { Schedule } from '../model/state.ts';

export const DAY_MS = 86_400_000;

/** Lifecycle rules and archive tiers are looked at each midnight UTC. */
export const scheduleMidnight = (schedule: Schedule, nowMs: number): void =>
  scheduleAt(schedule, (Math.floor(nowMs / DAY_MS) + 1) * DAY_MS);

export const scheduleAt = (schedule: Schedule, atMs: number): void => {
  schedule.nextMs = Math.min(schedule.nextMs, atMs);
};

/** So many days later, at the midnight UTC that comes then: how S3 counts the days of its rules. */
export const midnightAfter = (fromMs: number, days: number): number =>
  Math.ceil((fromMs + days * DAY_MS) / DAY_MS) * DAY_MS;
