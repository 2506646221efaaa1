/** Formats sizes, times and rates for people. */

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

/** Formats a size, for example `0 B`, `46.9 KiB` or `1 GiB`. */
export const formatBytes = (bytes: number): string => {
  let value = bytes;
  let unit = 0;
  // The rounded value is compared. Otherwise 1023.96 KiB would be shown as 1024.0 KiB.
  while (Math.round(value * 10) / 10 >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  const text = value.toFixed(value >= 100 ? 0 : 1).replace(/\.0$/, '');
  return `${text} ${UNITS[unit]}`;
};

/** Formats a time in seconds, for example `0.04 s`, `3.2 s` or `75 s`. */
export const formatSeconds = (milliseconds: number): string => {
  const seconds = milliseconds / 1000;
  const digits = seconds < 0.1 ? 2 : seconds < 60 ? 1 : 0;
  return `${seconds.toFixed(digits)} s`;
};

/** Formats a rate in MB/s. A MB is a million bytes here, as is usual for networks. */
export const formatRate = (bytes: number, milliseconds: number): string => {
  const megabytesPerSecond = bytes / 1e6 / (milliseconds / 1000);
  return `${megabytesPerSecond.toFixed(megabytesPerSecond < 10 ? 1 : 0)} MB/s`;
};

/** Returns the smallest value in the list that is at least as large as the given share of all values. Returns 0 for an empty list. */
export const quantile = (values: readonly number[], share: number): number => {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
};
