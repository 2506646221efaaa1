/**
 * Generated key sets of any size. Each key is derived from a number when it is needed, so a set takes at most eight bytes of memory per
 * key.
 */
import { compareKeys } from '../src/lib/listing/key-order.ts';

export interface KeySet {
  readonly size: number;
  /** Returns the key with this rank. Keys are ranked in S3's order, ascending. */
  keyAt(rank: number): string;
  /** Returns the approximate rank of a key. Present only if such a rank can be computed. */
  near?(key: string): number;
}

/** Returns the rank of the first key that sorts after `after`. */
export const rankBehind = ({ size, keyAt, near }: KeySet, after: string): number => {
  let low = 0;
  let high = size;
  const rank = near?.(after) ?? Number.NaN;
  if (rank - 3 >= 0 && compareKeys(keyAt(rank - 3), after) <= 0) low = rank - 2;
  if (rank + 3 < size && compareKeys(keyAt(rank + 3), after) > 0) high = rank + 3;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (compareKeys(keyAt(middle), after) <= 0) low = middle + 1;
    else high = middle;
  }
  return low;
};

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0');

/** Returns sorted random integers below 2^48, uniformly distributed. */
const randomNumbers = (size: number, seed: number): Float64Array => {
  const random = randomOf(seed);
  const numbers = new Float64Array(size);
  for (let index = 0; index < size; index += 1) numbers[index] = Math.floor(random() * 2 ** 48);
  return numbers.sort();
};

/** Returns a seeded generator of numbers in [0, 1). Uses mulberry32, which is called twice for each number to get 53 bits. */
export const randomOf = (seed: number): (() => number) => {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
  return () => (next() * 2 ** 21 + (next() >>> 11)) / 2 ** 53;
};

/** Keys of twelve random hexadecimal digits. */
export const uniform = (size: number): KeySet => {
  const numbers = randomNumbers(size, 1);
  return { size, keyAt: (rank) => hex(numbers[rank] ?? 0, 12) };
};

/** Random keys in the format of UUIDs, `xxxxxxxx-xxxx-4xxx-8xxx-xxxxxxxxxxxx`. */
export const uuids = (size: number): KeySet => {
  const numbers = randomNumbers(size, 2);
  return {
    size,
    keyAt(rank) {
      const digits = hex(numbers[rank] ?? 0, 12);
      return `${digits.slice(0, 8)}-${digits.slice(8)}-4${digits.slice(0, 3)}-8${digits.slice(1, 4)}-${digits}`;
    },
  };
};

/** Keys in a thousand folders, one of which holds 99.9 % of the keys. The keys are numbered consecutively. */
export const oneFolder = (size: number): KeySet => {
  const folders = 1_000;
  const outside = Math.floor(size / 1_000);
  const before = Math.ceil((500 * outside) / (folders - 1));
  const small = (index: number): string => {
    const folder = Math.floor((index * (folders - 1)) / outside);
    const name = folder < 500 ? folder : folder + 1;
    return `folder-${String(name).padStart(4, '0')}/file-${String(index).padStart(9, '0')}`;
  };
  const inside = size - outside;
  return {
    size,
    keyAt(rank) {
      if (rank < before) return small(rank);
      if (rank < before + inside) return `folder-0500/file-${String(rank - before).padStart(9, '0')}`;
      return small(rank - inside);
    },
  };
};

/** Keys that all begin with the same 900 bytes. */
export const commonPrefix = (size: number): KeySet => {
  const numbers = randomNumbers(size, 3);
  const prefix = 'a-very-long-folder-name-of-fifty-characters-in-all/'.repeat(18).slice(0, 900);
  return { size, keyAt: (rank) => prefix + hex(numbers[rank] ?? 0, 12) };
};

const LETTERS = [
  'abcdefghijklmnopqrstuvwxyz',
  'αβγδεζηθικλμνξοπρστυφχψω',
  'абвгдежзийклмнопрстуфхцчшщ',
  'あいうえおかきくけこさしすせそたちつてと',
  '가나다라마바사아자차카타파하',
  '\ue000\uf8ff\uff21\uff22\uff23',
  '😀😁😂😃😄🚀🚁🚂🚃🚄',
].join('');

/** Random words of Latin, Greek, Cyrillic, Japanese and Hangul letters and of emoji. The emoji are above U+FFFF. */
export const unicode = (size: number): KeySet => {
  const letters = [...new Intl.Segmenter().segment(LETTERS)].map(({ segment }) => segment).sort(compareKeys);
  const numbers = randomNumbers(size, 4);
  const base = letters.length;
  const places = Math.floor(48 / Math.log2(base));
  return {
    size,
    keyAt(rank) {
      let rest = Math.floor(((numbers[rank] ?? 0) / 2 ** 48) * base ** places);
      const word: string[] = [];
      for (let place = 0; place < places; place += 1) {
        word.unshift(letters[rest % base] ?? '');
        rest = Math.floor(rest / base);
      }
      return word.join('');
    },
  };
};

/** Keys like `logs/year=2019/month=01/day=02/hour=03/…` from seven years. Each year has more keys than the year before. */
export const dates = (size: number): KeySet => {
  const numbers = randomNumbers(size, 5);
  const two = (value: number): string => String(value).padStart(2, '0');
  const startMs = Date.UTC(2019, 0, 1);
  const spanMs = Date.UTC(2026, 0, 1) - startMs;
  return {
    size,
    keyAt(rank) {
      const share = (numbers[rank] ?? 0) / 2 ** 48;
      // The square root turns a uniform distribution into one that is denser towards the end.
      const at = new Date(startMs + Math.floor(Math.sqrt(share) * spanMs));
      const detail = hex(rank, 8);
      return `logs/year=${at.getUTCFullYear()}/month=${two(at.getUTCMonth() + 1)}/day=${two(at.getUTCDate())}/hour=${two(at.getUTCHours())}/part-${two(at.getUTCMinutes())}${two(at.getUTCSeconds())}-${detail}.parquet`;
    },
  };
};

/** Keys in folders, each of which holds twice as many keys as the folder before it. */
export const nested = (size: number): KeySet => {
  const numbers = randomNumbers(size, 6);
  return {
    size,
    keyAt(rank) {
      // The number of leading zero bits determines the folder. Half of the keys are in the last folder, a quarter in the folder before it,
      // and so on.
      const bits = (numbers[rank] ?? 0).toString(2).padStart(48, '0');
      const level = Math.min(bits.indexOf('1') === -1 ? 47 : bits.indexOf('1'), 40);
      return `tenant-${String(99 - level)}/${hex(Number.parseInt(bits.slice(level), 2), 12)}`;
    },
  };
};

/** Keys that are distributed almost evenly and take no memory, for sets of a billion keys. */
export const evenly = (size: number): KeySet => {
  const step = 2 ** 48 / size;
  return {
    size,
    // The key space is divided into steps, and each step contains one key.
    near: (key) => Math.floor(Number.parseInt(key.slice(0, 12).padEnd(12, '0'), 16) / step),
    keyAt: (rank) => hex(Math.floor((rank + ((rank * 0.618_033_988_749_895) % 1)) * step), 12),
  };
};

/** The key sets that are listed. The aim of each set is a share of the ideal speed-up, in percent. */
export const KEY_SETS: readonly { name: string; make: (size: number) => KeySet; aim: string }[] = [
  { name: 'uniform', make: uniform, aim: '≥ 95' },
  { name: 'UUIDs', make: uuids, aim: '≥ 80' },
  { name: 'one folder with 99.9 %', make: oneFolder, aim: '≥ 80' },
  { name: 'common prefix of 900 bytes', make: commonPrefix, aim: '≥ 80' },
  { name: 'Unicode', make: unicode, aim: '≥ 80' },
  { name: 'by date and hour', make: dates, aim: '≥ 80' },
  { name: 'folders twice as large each', make: nested, aim: '≥ 80' },
];
