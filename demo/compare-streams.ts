/** Compares two streams byte by byte. Only one chunk of each stream is in memory. */
import type { Readable } from 'node:stream';

/**
 * Returns the position of the first byte that differs, or null if the streams are equal. If the shorter stream equals the beginning of the
 * other, returns the length of the shorter stream. `onBytes` is called for each stretch of equal bytes with the number of bytes in that
 * stretch.
 */
export const firstDifference = async (
  one: Readable,
  other: Readable,
  onBytes: (bytes: number) => void = () => {},
): Promise<number | null> => {
  const left = createCursor(one);
  const right = createCursor(other);
  try {
    for (let position = 0; ;) {
      const [a, b] = await Promise.all([left.chunk(), right.chunk()]);
      if (a === null || b === null) return a === b ? null : position;
      const length = Math.min(a.length, b.length);
      if (a.compare(b, 0, length, 0, length) !== 0) return position + unequalAt(a, b);
      left.advance(length);
      right.advance(length);
      onBytes(length);
      position += length;
    }
  } finally {
    one.destroy();
    other.destroy();
  }
};

interface Cursor {
  /** Returns the rest of the current chunk or, if nothing of it is left, the next chunk. Returns null at the end of the stream. */
  chunk(): Promise<Buffer | null>;
  advance(bytes: number): void;
}

const createCursor = (stream: Readable): Cursor => {
  const chunks: AsyncIterator<Buffer> = stream[Symbol.asyncIterator]();
  let rest: Buffer | null = null;
  return {
    async chunk() {
      while (rest === null || rest.length === 0) {
        const next = await chunks.next();
        if (next.done === true) return null;
        rest = next.value;
      }
      return rest;
    },
    advance(bytes) {
      rest = rest?.subarray(bytes) ?? null;
    },
  };
};

const unequalAt = (a: Buffer, b: Buffer): number => a.findIndex((byte, index) => byte !== b[index]);
