/** Amounts as text for people. Always English, whatever the machine's language is, because reports are compared with each other. */

const WHOLE = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });
const PRECISE = new Intl.NumberFormat('en-US', { maximumSignificantDigits: 3 });

/** `1,234,567`. */
export const countText = (count: number): string => WHOLE.format(count);

/** `1 key`, `2 keys`. */
export const countOf = (count: number, one: string, many = `${one}s`): string =>
  `${countText(count)} ${count === 1 ? one : many}`;

/** In powers of 1,024 and three digits, as S3's own pages do: `0 B`, `17.2 KiB`, `1.25 TiB`. */
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

/** US$ to the cent; less than a cent is shown as `under $0.01`. */
export const dollarText = (dollars: number): string => {
  if (dollars === 0) return '$0';
  return dollars < 0.01 ? 'under $0.01' : `$${dollars.toLocaleString('en-US', CENTS)}`;
};

const CENTS = { minimumFractionDigits: 2, maximumFractionDigits: 2 };
