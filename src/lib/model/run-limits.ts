/** How fast runs (backfill and verify) may work, and at which hours. */
import { localTime, minutesOf, zonedMs } from './local-time.ts';

export interface RunLimits {
  /** Requests to S3 of all workers of a run together; null: no limit. */
  requestsPerSecond: number | null;
  /** Bytes that are copied for a run; null: no limit. */
  bytesPerSecond: number | null;
  /** The hours at which a run may work; null: always. */
  hours: Hours | null;
}

/** A period of each day. It may include midnight. */
export interface Hours {
  /** The first minute of the period, and the first minute after it, in minutes since midnight. The two are never equal. */
  fromMinutes: number;
  toMinutes: number;
  /** A time zone of IANA. */
  timeZone: string;
}

/** Minimum rate. At a lower rate, the hints of a page would need a longer delay than SQS allows. */
export const LEAST_REQUESTS_PER_SECOND = 10;

/** Parses hours like `22:00-06:00`. Returns null if the text is not such a period. */
export const parseHours = (text: string): Omit<Hours, 'timeZone'> | null => {
  const [from = '', to = '', ...others] = text.split('-');
  const [fromMinutes, toMinutes] = [minutesOf(from), minutesOf(to)];
  if (others.length > 0 || fromMinutes === null || toMinutes === null) return null;
  return fromMinutes === toMinutes || fromMinutes === 24 * 60 ? null : { fromMinutes, toMinutes };
};

export const NO_LIMITS: RunLimits = { requestsPerSecond: null, bytesPerSecond: null, hours: null };

const areOpen = ({ hours }: RunLimits, nowMs: number): boolean => {
  if (hours === null) return true;
  const { minutes } = localTime(nowMs, hours.timeZone);
  const { fromMinutes, toMinutes } = hours;
  return fromMinutes < toMinutes
    ? minutes >= fromMinutes && minutes < toMinutes
    : minutes >= fromMinutes || minutes < toMinutes;
};

/** Returns when the hours begin, in milliseconds since the epoch; null: a run may work now. */
export const opensMs = (limits: RunLimits | undefined, nowMs: number): number | null => {
  if (limits === undefined || limits.hours === null || areOpen(limits, nowMs)) return null;
  const { fromMinutes, timeZone } = limits.hours;
  const today = localTime(nowMs, timeZone);
  const first = zonedMs(today, fromMinutes, timeZone);
  return first > nowMs ? first : zonedMs({ ...today, day: today.day + 1 }, fromMinutes, timeZone);
};

/** The amounts of work to which the limits apply. */
export interface Work {
  requests: number;
  bytes: number;
}

/** Returns how long this work takes at the limits, in milliseconds. If both limits exist, the one that takes longer counts. */
export const durationAt = (
  { requestsPerSecond, bytesPerSecond }: RunLimits,
  { requests, bytes }: Work,
): number =>
  1_000 *
  Math.max(
    requestsPerSecond === null ? 0 : requests / requestsPerSecond,
    bytesPerSecond === null ? 0 : bytes / bytesPerSecond,
  );

export const hasRate = (limits: RunLimits | undefined): limits is RunLimits =>
  limits !== undefined && (limits.requestsPerSecond !== null || limits.bytesPerSecond !== null);
