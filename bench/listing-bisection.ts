/**
 * Plain alphabetic bisection, as in earlier tools. The 95 printable ASCII characters are the digits. The rest of a range behind a page
 * is cut in the middle between its two ends, and the next free worker lists each half.
 */
import { compareKeys } from '../src/lib/listing/key-order.ts';
import type { Entries, Keyed, ListPage } from '../src/lib/listing/page.ts';

interface Slice {
  after: string;
  /** Null: to the end of the bucket. */
  upTo: string | null;
}

/** Returns the number of keys. */
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
      // The oldest slices are the largest.
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

/** A text half-way between the two; null: there is none. */
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
    // Adjacent digits leave no room between them: the next digit halves the rest behind the lower one.
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
