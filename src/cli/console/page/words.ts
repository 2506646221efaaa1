/** Formats amounts and times for the page. */
import { byteText, countText } from '../../../lib/text/amounts.ts';
import { isReadable, type NotReadable, type Readable } from '../../../lib/state/deployment-state.ts';
import type { State } from '../api.ts';

/** Formats a duration briefly, so that it fits into a cell: `1.8 s`, `45 s`, `12 min`, `3 h`, `2 d`. */
export const short = (seconds: number): string => {
  if (seconds < 10) return `${seconds.toFixed(1).replace(/\.0$/, '')} s`;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min`;
  return seconds < 172_800 ? `${Math.round(seconds / 3_600)} h` : `${Math.round(seconds / 86_400)} d`;
};

/** Describes how long before `at` a time is. */
export const ago = (iso: string, at: string | number): string =>
  `${short(Math.max(0, (new Date(at).getTime() - Date.parse(iso)) / 1_000))} ago`;

/** The day and the time in UTC, as in logs: `11-22 10:00:05Z`. */
export const clock = (time: string | number): string =>
  `${new Date(time).toISOString().slice(5, 19).replace('T', ' ')}Z`;

export const perSecond = (rate: number): string => {
  if (rate === 0) return '0/s';
  return rate < 0.1 ? `${(rate * 60).toFixed(1)}/min` : `${rate < 10 ? rate.toFixed(1) : countText(rate)}/s`;
};

export const bytesPerSecond = (rate: number): string => `${byteText(Math.round(rate))}/s`;

export { isReadable as known };

/** Returns the text of a part of the state, or a question mark if that part may not be read. */
export const textOf = <Value extends object | number | string | null>(
  value: Readable<Value>,
  text: (found: Exclude<Value, NotReadable>) => string,
): string => (isReadable(value) ? text(value) : '?');

export const share = (done: number, all: number | null): number | null =>
  all === null || all === 0 ? null : Math.min(1, done / all);

/** Returns how many messages a queue holds, or null if the number is unknown. */
export const countIn = (queue: State['deadLetters']['live'] | undefined): number | null =>
  queue === undefined || !isReadable(queue.messages)
    ? null
    : queue.messages.visible + queue.messages.inFlight + queue.messages.delayed;
