/** When the verifies of a schedule begin. */
import { localTime, zonedMs } from '../model/local-time.ts';
import type { VerifySchedule } from '../model/rule.ts';

/** Returns the text by which a changed schedule is told from the one before. The budget is no part of it. */
export const scheduleText = ({ everyDays, atMinutes, timeZone }: VerifySchedule): string =>
  JSON.stringify([everyDays, atMinutes, timeZone]);

/** The next time of day at which a verify may begin. A new schedule begins there. */
export const firstDueMs = ({ atMinutes, timeZone }: VerifySchedule, nowMs: number): number => {
  const today = localTime(nowMs, timeZone);
  const first = zonedMs(today, atMinutes, timeZone);
  return first > nowMs ? first : zonedMs({ ...today, day: today.day + 1 }, atMinutes, timeZone);
};

/** The time after `dueMs` that is not over yet. Times that were missed are left out. */
export const nextDueMs = (schedule: VerifySchedule, dueMs: number, nowMs: number): number => {
  const { everyDays, atMinutes, timeZone } = schedule;
  for (let next = dueMs; ;) {
    const day = localTime(next, timeZone);
    next = zonedMs({ ...day, day: day.day + everyDays }, atMinutes, timeZone);
    if (next > nowMs) return next;
  }
};
