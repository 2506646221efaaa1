import type { ParsedOptions } from './command.ts';
import type { ValueSpec } from './option-value.ts';

const UNIT_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** The value of an option that takes a time like `2026-11-01T00:00:00Z` or an age like `2h`. */
export const TIME_VALUE = {
  value: 'TIME',
  check: (text) =>
    timeOf(text, 0) === null ? 'takes an age like 30m, 2h or 3d, or a time like 2026-11-01T00:00:00Z' : null,
} as const satisfies ValueSpec;

/** Returns the value of such an option in milliseconds since the epoch. Returns null if the option was not given. */
export const timeOption = (options: ParsedOptions, name: string, nowMs: number): number | null => {
  const text = options.value(name);
  return text === null ? null : timeOf(text, nowMs);
};

const timeOf = (text: string, nowMs: number): number | null => {
  const [, amount, unit = ''] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  if (amount !== undefined) return nowMs - Number(amount) * (UNIT_MS[unit] ?? 0);
  const ms = ISO_TIME.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(ms) ? null : ms;
};

/** Matches a date, or a date with a time and a zone. `Date.parse` alone would read `5` as a month. */
const ISO_TIME = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2}))?$/;
