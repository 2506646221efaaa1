import type { Clock } from '../core/clock.ts';
import type { Timetable } from './schedule-expression.ts';

/** Calls `ring` when the clock reaches a time of a timetable. If the clock skips several times, calls `ring` only for the last one. */
export interface DueTimes {
  /** Adds or replaces the entry with this name. Times before `fromMs` or after `endMs` are ignored; null means no end. */
  put(name: string, times: { timetable: Timetable; fromMs: number; endMs: number | null; ring: Ring }): void;
  delete(name: string): void;
  stop(): void;
}

type Ring = (dueMs: number) => void;

interface Alarm {
  timetable: Timetable;
  nextMs: number | null;
  endMs: number | null;
  ring: Ring;
}

/** How often, in milliseconds, the clock is checked. A single timer could miss a time, because a test may move the clock. */
const LOOK_EVERY_MS = 50;

export const createDueTimes = (clock: Clock): DueTimes => {
  const alarms = new Map<string, Alarm>();
  let timer: NodeJS.Timeout | undefined;
  const look = (): void => {
    const nowMs = clock.now();
    for (const alarm of alarms.values()) {
      const dueMs = lastDue(alarm, nowMs);
      if (dueMs !== null) alarm.ring(dueMs);
    }
  };
  const rest = (): void => {
    clearInterval(timer);
    timer = undefined;
  };
  return {
    put: (name, { timetable, fromMs, endMs, ring }) => {
      alarms.set(name, { timetable, nextMs: timetable.next(fromMs - 1), endMs, ring });
      timer ??= setInterval(look, LOOK_EVERY_MS).unref();
    },
    delete: (name) => {
      alarms.delete(name);
      if (alarms.size === 0) rest();
    },
    stop: () => {
      alarms.clear();
      rest();
    },
  };
};

/** Returns the latest due time after the previous call of `ring`; null if there is none. */
const lastDue = (alarm: Alarm, nowMs: number): number | null => {
  let dueMs: number | null = null;
  while (alarm.nextMs !== null && alarm.nextMs <= nowMs) {
    if (alarm.endMs === null || alarm.nextMs <= alarm.endMs) dueMs = alarm.nextMs;
    alarm.nextMs = alarm.timetable.next(alarm.nextMs);
  }
  return dueMs;
};
