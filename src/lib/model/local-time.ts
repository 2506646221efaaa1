/** Times of day in a time zone. Node.js includes the rules of all IANA time zones. */

/** A day of the calendar. */
interface Day {
  year: number;
  /** 1–12. */
  month: number;
  day: number;
}

const DAY_MINUTES = 24 * 60;

/** Returns whether Node.js knows the time zone. */
export const isTimeZone = (zone: string): boolean => {
  try {
    return Intl.DateTimeFormat('en', { timeZone: zone }) !== null;
  } catch {
    return false;
  }
};

/**
 * Returns the minutes since midnight of a text like `03:00`. `24:00` is the end of the day. Returns null if the text is not a time of
 * day.
 */
export const minutesOf = (text: string): number | null => {
  const [, hours = '', minutes = ''] = /^(\d\d):(\d\d)$/.exec(text) ?? [];
  const sum = Number(hours) * 60 + Number(minutes);
  return hours === '' || Number(minutes) > 59 || sum > DAY_MINUTES ? null : sum;
};

/** Returns the day in the zone, and the minutes since midnight that its clocks show. */
export const localTime = (ms: number, zone: string): Day & { minutes: number } => {
  const parts = new Intl.DateTimeFormat('en', {
    timeZone: zone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
  }).formatToParts(ms);
  const part = (type: string): number => Number(parts.find((each) => each.type === type)?.value);
  return {
    year: part('year'),
    month: part('month'),
    day: part('day'),
    minutes: part('hour') * 60 + part('minute'),
  };
};

/**
 * Returns the time at which the clocks of the zone show these minutes on that day, in milliseconds since the epoch. The day may lie outside
 * the month. If the clocks skip the time, returns the time as if they had not been changed yet.
 */
export const zonedMs = ({ year, month, day }: Day, minutes: number, zone: string): number => {
  const shown = Date.UTC(year, month - 1, day, 0, minutes);
  // If the clocks change between the first guess and the result, the two have different offsets.
  const guess = shown - offsetMs(shown, zone);
  return shown - offsetMs(guess, zone);
};

const offsetMs = (ms: number, zone: string): number => {
  const { year, month, day, minutes } = localTime(ms, zone);
  return Date.UTC(year, month - 1, day, 0, minutes) - Math.floor(ms / 60_000) * 60_000;
};
