/** Calculates when the verifies of a schedule begin. */
import { localTime, zonedMs } from '../model/local-time.ts';
import type { VerifySchedule } from '../model/rule.ts';

/** Returns a text that changes if the times of the schedule change. A change of the budget does not change the text. */
export const scheduleText = ({ everyDays, atMinutes, timeZone }: VerifySchedule): string =>
  JSON.stringify([everyDays, atMinutes, timeZone]);

/** Returns the next time at which the schedule's time of day comes. The first verify of a new schedule begins then. */
export const firstDueMs = ({ atMinutes, timeZone }: VerifySchedule, nowMs: number): number => {
  const today = localTime(nowMs, timeZone);
  const first = zonedMs(today, atMinutes, timeZone);
  return first > nowMs ? first : zonedMs({ ...today, day: today.day + 1 }, atMinutes, timeZone);
};

/** Returns the first time of the schedule that is after `dueMs` and not in the past. Missed times are skipped. */
export const nextDueMs = (schedule: VerifySchedule, dueMs: number, nowMs: number): number => {
  const { everyDays, atMinutes, timeZone } = schedule;
  for (let next = dueMs; ;) {
    const day = localTime(next, timeZone);
    next = zonedMs({ ...day, day: day.day + everyDays }, atMinutes, timeZone);
    if (next > nowMs) return next;
  }
};
