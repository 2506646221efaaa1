/**
 * Formats amounts as text for people. The text is always English, whatever the machine's language is, because people compare
 * reports with each other.
 */

const WHOLE = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });
const PRECISE = new Intl.NumberFormat('en-US', { maximumSignificantDigits: 3 });

/** Formats a number like `1,234,567`. */
export const countText = (count: number): string => WHOLE.format(count);

/** Formats a number with its noun: `1 key`, `2 keys`. */
export const countOf = (count: number, one: string, many = `${one}s`): string =>
  `${countText(count)} ${count === 1 ? one : many}`;

/** Formats bytes in powers of 1,024 with three digits, as S3's own pages do: `0 B`, `17.2 KiB`, `1.25 TiB`. */
export const byteText = (bytes: number): string => {
  let amount = bytes;
  let unit = 0;
  while (amount >= 999.5 && unit < UNITS.length - 1) {
    amount /= 1_024;
    unit += 1;
  }
  return `${PRECISE.format(amount)} ${UNITS[unit] ?? ''}`;
};

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'];

/** Adds up amounts that each have a name. */
export const sumOf = (amounts: Record<string, number>): number =>
  Object.values(amounts).reduce((sum, each) => sum + each, 0);

/** Formats US$ to the cent. Less than a cent is shown as `under $0.01`. */
export const dollarText = (dollars: number): string => {
  if (dollars === 0) return '$0';
  return dollars < 0.01 ? 'under $0.01' : `$${dollars.toLocaleString('en-US', CENTS)}`;
};

const CENTS = { minimumFractionDigits: 2, maximumFractionDigits: 2 };
