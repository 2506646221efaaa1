/**
 * The order in which S3 lists keys: by their UTF-8 bytes, which is the order of code points, not that of JavaScript strings
 * ("List results are always returned in UTF-8 binary order", S3 User Guide, "Listing object keys programmatically").
 */

/** The greatest code point: of all keys with a prefix, only those that begin with prefix + this code point come after it. */
export const LAST_CODE_POINT = '\u{10ffff}';

/** Negative, zero or positive, as `sort` expects it. */
export const compareKeys = (one: string, other: string): number => {
  if (one === other) return 0;
  const length = Math.min(one.length, other.length);
  for (let index = 0; index < length; index += 1) {
    const a = one.charCodeAt(index);
    const b = other.charCodeAt(index);
    if (a !== b) return byteRank(a) - byteRank(b);
  }
  return one.length - other.length;
};

/** The number of code units that both begin with; never ends within a surrogate pair. */
export const commonPrefixLength = (one: string, other: string): number => {
  const length = Math.min(one.length, other.length);
  let index = 0;
  while (index < length && one.charCodeAt(index) === other.charCodeAt(index)) index += 1;
  return boundaryAt(one, index);
};

/** The last index at or before `index` that does not split a surrogate pair. */
export const boundaryAt = (text: string, index: number): number =>
  index > 0 && index < text.length && isLeading(text.charCodeAt(index - 1)) ? index - 1 : index;

export const byteLength = (key: string): number => Buffer.byteLength(key, 'utf8');

/** Surrogates stand for code points above all others, so they sort behind U+E000 to U+FFFF. */
const byteRank = (unit: number): number => {
  if (unit < 0xd800) return unit;
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800;
};

const isLeading = (unit: number): boolean => unit >= 0xd800 && unit < 0xdc00;
