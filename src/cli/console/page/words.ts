/** Formats amounts and times for the page. */
import { countText } from '../../../lib/text/amounts.ts';
import { shortDuration } from '../../../lib/text/duration.ts';

/** Describes how long before `at` a time is. */
export const ago = (time: string | number, at: string | number): string =>
  `${shortDuration(Math.max(0, (new Date(at).getTime() - new Date(time).getTime()) / 1_000))} ago`;

/** The day and the time in UTC, as in logs: `11-22 10:00:05Z`. */
export const clock = (time: string | number): string =>
  `${new Date(time).toISOString().slice(5, 19).replace('T', ' ')}Z`;

export const perSecond = (rate: number): string => {
  if (rate === 0) return '0/s';
  return rate < 0.1 ? `${(rate * 60).toFixed(1)}/min` : `${rate < 10 ? rate.toFixed(1) : countText(rate)}/s`;
};

export const share = (done: number, all: number | null): number | null =>
  all === null || all === 0 ? null : Math.min(1, done / all);
