/**
 * Lists by plain alphabetic bisection, as earlier tools do. Keys are treated as numbers whose digits are the 95 printable ASCII characters.
 * After each page, the rest of the range is cut halfway between its two ends, and free workers list the two halves.
 */
import { compareKeys } from '../src/lib/listing/key-order.ts';
import type { Entries, Keyed, ListPage } from '../src/lib/listing/page.ts';

interface Slice {
  after: string;
  /** The last key of the slice; null if the slice extends to the end of the bucket. */
  upTo: string | null;
}

/** Lists a bucket and returns the number of keys. */
export const listByBisection = async (
  listPage: ListPage<Keyed>,
  { workers, pageSize }: { workers: number; pageSize: number },
): Promise<number> => {
  const waiting: Slice[] = [{ after: '', upTo: null }];
  let keys = 0;
  let underWay = 0;
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const list = async ({ after, upTo }: Slice): Promise<void> => {
    const { entries, next } = await listPage({
      prefix: '',
      after: { key: after, versionId: null },
      maxKeys: pageSize,
    });
    const last = entries.at(-1)?.key ?? after;
    if (next !== null && (upTo === null || compareKeys(last, upTo) < 0)) {
      keys += entries.length;
      const middle = middleOf(last, upTo);
      if (middle === null) waiting.push({ after: last, upTo });
      else waiting.push({ after: last, upTo: middle }, { after: middle, upTo });
    } else {
      const count = upTo === null ? entries.length : countUpTo(entries, upTo);
      keys += count;
    }
  };
  const ended = (): void => {
    underWay -= 1;
    fill();
  };
  const fill = (): void => {
    while (underWay < workers) {
      // The oldest slice is taken first because it is most likely the largest.
      const slice = waiting.shift();
      if (slice === undefined) break;
      underWay += 1;
      void list(slice).then(ended, reject);
    }
    if (underWay === 0) resolve(keys);
  };
  fill();
  return promise;
};

const countUpTo = (entries: Entries<Keyed>, upTo: string): number => {
  let count = entries.length;
  while (count > 0 && compareKeys(entries.at(count - 1)?.key ?? '', upTo) > 0) count -= 1;
  return count;
};

const FIRST = 0x20;
const BASE = 95;

/** Returns a text halfway between the two texts. Returns null if there is none. */
const middleOf = (after: string, upTo: string | null): string | null => {
  let middle = '';
  let low = 0;
  let high = 0;
  for (let index = 0; index < 1_000; index += 1) {
    low = digitAt(after, index);
    high = upTo === null && index === 0 ? BASE : upTo === null ? low : digitAt(upTo, index);
    if (low === high) {
      middle += after[index] ?? ' ';
      continue;
    }
    // If the two digits are adjacent, no digit fits between them. In that case, the lower digit is kept. The digit after it is chosen
    // halfway between the next digit of `after` and the highest digit.
    if (high - low > 1) return inside(middle + characterOf(Math.floor((low + high) / 2)), after, upTo);
    const next = Math.floor((digitAt(after, index + 1) + BASE) / 2);
    return inside(middle + characterOf(low) + characterOf(next), after, upTo);
  }
  return null;
};

const inside = (middle: string, after: string, upTo: string | null): string | null =>
  compareKeys(middle, after) > 0 && (upTo === null || compareKeys(middle, upTo) < 0) ? middle : null;

const digitAt = (text: string, index: number): number =>
  Math.max(0, Math.min(BASE - 1, (text.charCodeAt(index) || FIRST) - FIRST));
const characterOf = (digit: number): string => String.fromCharCode(FIRST + Math.min(BASE - 1, digit));
