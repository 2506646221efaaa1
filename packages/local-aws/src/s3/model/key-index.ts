/**
 * An index of keys in UTF-8 byte order, as S3 lists them.
 *
 * The keys are stored in many short sorted lists (chunks). So adding a key to a bucket with a million keys moves only a few hundred strings.
 */
export interface KeyIndex<T> {
  readonly size: number;
  get(key: string): T | undefined;
  set(key: string, value: T): void;
  delete(key: string): void;
  /** Yields the entries from `orderKey` on, in order. The index must not change during the iteration. */
  from(orderKey: string): Iterable<{ orderKey: string; value: T }>;
  values(): Iterable<T>;
}

/**
 * Returns the UTF-8 bytes of a key as a string of characters 0–255. Comparing such strings compares the bytes. Comparing the original
 * JavaScript strings would place characters beyond U+FFFF before U+E000.
 */
export const orderKeyOf = (key: string): string =>
  ASCII.test(key) ? key : Buffer.from(key, 'utf8').toString('latin1');

/** The inverse of {@link orderKeyOf}. */
export const keyOfOrderKey = (orderKey: string): string =>
  ASCII.test(orderKey) ? orderKey : Buffer.from(orderKey, 'latin1').toString('utf8');

// oxlint-disable-next-line no-control-regex -- the range of ASCII begins with control characters
const ASCII = /^[\u0000-\u007f]*$/;
const MAX_CHUNK = 512;

export const createKeyIndex = <T>(): KeyIndex<T> => {
  const byKey = new Map<string, T>();
  const chunks: string[][] = [];

  const insert = (orderKey: string): void => {
    const at = chunkFor(chunks, orderKey);
    const chunk = chunks[at];
    if (chunk === undefined) {
      chunks.push([orderKey]);
      return;
    }
    chunk.splice(lowerBound(chunk, orderKey), 0, orderKey);
    if (chunk.length > MAX_CHUNK) chunks.splice(at + 1, 0, chunk.splice(chunk.length >> 1));
  };

  const remove = (orderKey: string): void => {
    const at = chunkFor(chunks, orderKey);
    const chunk = chunks[at];
    if (chunk === undefined) return;
    chunk.splice(lowerBound(chunk, orderKey), 1);
    if (chunk.length === 0) chunks.splice(at, 1);
  };

  function* from(orderKey: string): Iterable<{ orderKey: string; value: T }> {
    let at = chunkFor(chunks, orderKey);
    let inside = lowerBound(chunks[at] ?? [], orderKey);
    for (let chunk = chunks[at]; chunk !== undefined; chunk = chunks[at]) {
      for (; inside < chunk.length; inside += 1) {
        const found = chunk[inside] ?? '';
        const value = byKey.get(found);
        if (value !== undefined) yield { orderKey: found, value };
      }
      at += 1;
      inside = 0;
    }
  }

  return {
    get size() {
      return byKey.size;
    },
    get: (key) => byKey.get(orderKeyOf(key)),
    set: (key, value) => {
      const orderKey = orderKeyOf(key);
      if (!byKey.has(orderKey)) insert(orderKey);
      byKey.set(orderKey, value);
    },
    delete: (key) => {
      const orderKey = orderKeyOf(key);
      if (byKey.delete(orderKey)) remove(orderKey);
    },
    from,
    values: () => byKey.values(),
  };
};

/**
 * Returns the index of the chunk that a key belongs to: the last chunk whose first key is not greater than the key, or else the first
 * chunk.
 */
const chunkFor = (chunks: string[][], orderKey: string): number => {
  let low = 0;
  let high = chunks.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((chunks[middle]?.[0] ?? '') <= orderKey) low = middle + 1;
    else high = middle;
  }
  return Math.max(low - 1, 0);
};

const lowerBound = (sorted: string[], orderKey: string): number => {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] ?? '') < orderKey) low = middle + 1;
    else high = middle;
  }
  return low;
};
