/**
 * Parses a size like `5MB`, `5 MiB`, `1.5GiB` or `500` into bytes. MB is a million bytes, MiB is 1,024 × 1,024. For any other text,
 * returns a message that says what is wrong.
 */
export const parseByteSize = (text: string): number | string => {
  const [, digits = '', unit = ''] = /^(\d+(?:\.\d+)?) ?([A-Za-z]*)$/.exec(text.trim()) ?? [];
  if (digits === '') return `${JSON.stringify(text)} is no size: write it like 5MB or 5MiB`;
  const factor = Object.hasOwn(UNITS, unit) ? UNITS[unit] : undefined;
  if (factor === undefined) return unknownUnit(digits, unit);
  // In floating point, 1.1 × 1,000 is not exactly 1,100.
  const bytes = Math.round(Number(digits) * factor);
  const isWhole = Math.abs(Number(digits) * factor - bytes) < 1e-6 * factor;
  return isWhole ? bytes : `${text.trim()} is no whole number of bytes`;
};

const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  B: 1,
  kB: 1e3,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
};

const unknownUnit = (digits: string, unit: string): string => {
  const [letter = ''] = /^[kmgt](?=i?b?$)/i.exec(unit) ?? [];
  if (letter === '') return `${unit} is no unit of sizes: write B, KB, MB, GB, TB, KiB, MiB, GiB or TiB`;
  const upper = letter.toUpperCase();
  return `${unit} can mean two sizes: write ${digits}${upper}B (powers of 1,000) or ${digits}${upper}iB (powers of 1,024)`;
};
