/** The times at which a schedule runs. */
export interface Timetable {
  /** Returns the first time after `afterMs`; null if there is none. */
  next(afterMs: number): number | null;
}

/**
 * Parses an expression such as `rate(5 minutes)`, `cron(0 3 * * ? *)` or `at(2026-01-31T03:00:00)`. All times are in UTC. The first time
 * of a rate is `startMs`.
 *
 * Source: https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
 * @throws Error `Invalid Schedule Expression …`, also for `L`, `W` and `#` in cron expressions, which are not supported
 */
export const parseScheduleExpression = (expression: string, startMs: number): Timetable => {
  const [, kind, text = ''] = /^(rate|cron|at)\((.+)\)$/.exec(expression) ?? [];
  const timetable =
    kind === 'rate' ? rate(text, startMs) : kind === 'cron' ? cron(text) : kind === 'at' ? once(text) : null;
  if (timetable) return timetable;
  throw new Error(`Invalid Schedule Expression ${expression}.`);
};

const UNIT_MS: Record<string, number> = { minute: 60_000, hour: 3_600_000, day: 86_400_000 };

const rate = (text: string, startMs: number): Timetable | null => {
  const [, count = '', unit = ''] = /^([1-9]\d*) (minute|hour|day)s?$/.exec(text) ?? [];
  const everyMs = Number(count) * (UNIT_MS[unit] ?? 0);
  if (everyMs === 0) return null;
  return {
    next: (afterMs) =>
      afterMs < startMs ? startMs : startMs + (Math.floor((afterMs - startMs) / everyMs) + 1) * everyMs,
  };
};

const once = (text: string): Timetable | null => {
  const atMs = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/.test(text) ? Date.parse(`${text}Z`) : Number.NaN;
  return Number.isNaN(atMs) ? null : { next: (afterMs) => (afterMs < atMs ? atMs : null) };
};

const MONTHS = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'];
const DAYS = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'];
const DAY_MS = 86_400_000;
const LAST_YEAR = 2199;

const cron = (text: string): Timetable | null => {
  const fields = text.split(/\s+/);
  // Exactly one of the fields for the day of the month and the day of the week must be `?`.
  if (fields.length !== 6 || (fields[2] === '?') === (fields[4] === '?')) return null;
  const minutes = field(fields[0], 0, 59);
  const hours = field(fields[1], 0, 23);
  const daysOfMonth = field(fields[2], 1, 31);
  const months = field(fields[3], 1, 12, MONTHS);
  const daysOfWeek = field(fields[4], 1, 7, DAYS);
  const years = field(fields[5], 1970, LAST_YEAR);
  if (!minutes || !hours || !daysOfMonth || !months || !daysOfWeek || !years) return null;
  const isDay = (date: Date): boolean =>
    years.has(date.getUTCFullYear()) &&
    months.has(date.getUTCMonth() + 1) &&
    daysOfMonth.has(date.getUTCDate()) &&
    daysOfWeek.has(date.getUTCDay() + 1);
  const timesMs = [...hours].flatMap((hour) =>
    [...minutes].map((minute) => hour * 3_600_000 + minute * 60_000),
  );
  timesMs.sort((a, b) => a - b);
  return {
    next: (afterMs) => {
      const firstDayMs = Math.floor(afterMs / DAY_MS) * DAY_MS;
      const endMs = Date.UTC(LAST_YEAR + 1, 0);
      for (let dayMs = firstDayMs; dayMs < endMs; dayMs += DAY_MS) {
        if (!isDay(new Date(dayMs))) continue;
        const timeMs = timesMs.find((each) => dayMs + each > afterMs);
        if (timeMs !== undefined) return dayMs + timeMs;
      }
      return null;
    },
  };
};

/** Returns the values that a field allows; null if the field is invalid. `names` are names for the numbers from `min` on. */
const field = (text = '', min = 0, max = 0, names: string[] = []): Set<number> | null => {
  const valueOf = (word: string): number => {
    const named = names.indexOf(word.toUpperCase());
    return named >= 0 ? named + min : /^\d+$/.test(word) ? Number(word) : Number.NaN;
  };
  const values = new Set<number>();
  for (const item of text.split(',')) {
    const [range = '', step = '1'] = item.split('/');
    const [from = '', to] = range.split('-');
    const isAny = range === '*' || range === '?';
    const first = isAny ? min : valueOf(from);
    // An item such as `5/15` starts at 5 and ends at the maximum.
    const last = isAny || (to === undefined && item.includes('/')) ? max : valueOf(to ?? from);
    const isFine = first >= min && last <= max && first <= last && /^[1-9]\d*$/.test(step);
    if (!isFine) return null;
    for (let value = first; value <= last; value += Number(step)) values.add(value);
  }
  return values;
};
