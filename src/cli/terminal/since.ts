import { CliError } from './errors.ts';
import type { ParsedOptions } from './command.ts';

const UNIT_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/**
 * Returns the value of an option that takes a time like `2026-11-01T00:00:00Z` or an age like `2h`, in milliseconds since the
 * epoch. Returns null if the option was not given. Throws {@link CliError} for any other value.
 */
export const timeOption = (options: ParsedOptions, name: string, nowMs: number): number | null => {
  const text = options.value(name);
  if (text === null) return null;
  const [, amount, unit = ''] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  if (amount !== undefined) return nowMs - Number(amount) * (UNIT_MS[unit] ?? 0);
  const ms = ISO_TIME.test(text) ? Date.parse(text) : Number.NaN;
  if (!Number.isNaN(ms)) return ms;
  throw new CliError(
    'bad-value',
    `--${name} takes an age like 30m, 2h or 3d, or a time like 2026-11-01T00:00:00Z, not ${JSON.stringify(text)}.`,
  );
};

/** A date, or a date with a time and a zone. `Date.parse` alone would take `5` for a month. */
const ISO_TIME = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2}))?$/;
