/**
 * The order in which S3 lists keys: the order of their UTF-8 bytes ("List results are always returned in UTF-8 binary order", S3
 * User Guide, "Listing object keys programmatically"). It is also the order of code points. JavaScript compares strings
 * differently.
 */

/**
 * The greatest code point. Appended to a prefix, it gives a text that sorts behind all keys with the prefix, except keys that
 * begin with that text.
 */
export const LAST_CODE_POINT = '\u{10ffff}';

/** Returns a negative number, zero or a positive number, as `sort` expects. */
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

/** Returns the length of the longest common prefix of both texts, in code units. The prefix never splits a surrogate pair. */
export const commonPrefixLength = (one: string, other: string): number => {
  const length = Math.min(one.length, other.length);
  let index = 0;
  while (index < length && one.charCodeAt(index) === other.charCodeAt(index)) index += 1;
  return boundaryAt(one, index);
};

/** Returns `index`, or the index before it if `index` would split a surrogate pair. */
export const boundaryAt = (text: string, index: number): number =>
  index > 0 && index < text.length && isLeading(text.charCodeAt(index - 1)) ? index - 1 : index;

export const byteLength = (key: string): number => Buffer.byteLength(key, 'utf8');

/** Surrogates encode code points above U+FFFF, so they must sort behind U+E000 to U+FFFF. */
const byteRank = (unit: number): number => {
  if (unit < 0xd800) return unit;
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800;
};

const isLeading = (unit: number): boolean => unit >= 0xd800 && unit < 0xdc00;
