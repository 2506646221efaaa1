/**
 * The three CRCs S3 stores: CRC32 (zlib's own), CRC32C and CRC64NVME (slicing by eight, 64 bits kept as two halves).
 *
 * S3 computes CRC64NVME for every object that comes without a checksum, so this runs over most bytes written.
 */
import { crc32 as zlibCrc32 } from 'node:zlib';

/** A running CRC. `digest` answers big-endian bytes, as S3 encodes them. */
export interface Crc {
  update(chunk: Buffer): void;
  digest(): Buffer;
}

export const createCrc32 = (): Crc => {
  let value = 0;
  return {
    update: (chunk) => {
      value = zlibCrc32(chunk, value);
    },
    digest: () => uint32(value),
  };
};

export const createCrc32c = (): Crc => {
  let value = 0;
  return {
    update: (chunk) => {
      value = updateCrc32c(value, chunk);
    },
    digest: () => uint32(value),
  };
};

export const createCrc64Nvme = (): Crc => {
  const state = new Int32Array(2);
  return {
    update: (chunk) => updateCrc64(state, chunk),
    digest: () => Buffer.concat([uint32(state[1] ?? 0), uint32(state[0] ?? 0)]),
  };
};

/** Reflected polynomials, low half and high half. */
export const POLYNOMIALS = {
  CRC32: 0xedb88320n,
  CRC32C: 0x82f63b78n,
  CRC64NVME: 0x9a6c9329ac4bc9b5n,
} as const;

const uint32 = (value: number): Buffer => {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes;
};

const slicingTables = (polynomialLow: number, polynomialHigh: number) => {
  const low = new Int32Array(2048);
  const high = new Int32Array(2048);
  for (let byte = 0; byte < 256; byte += 1) {
    let l = byte;
    let h = 0;
    for (let bit = 0; bit < 8; bit += 1) {
      const carry = l & 1;
      l = (l >>> 1) | (h << 31);
      h >>>= 1;
      if (carry !== 0) {
        l ^= polynomialLow;
        h ^= polynomialHigh;
      }
    }
    low[byte] = l;
    high[byte] = h;
  }
  for (let at = 256; at < 2048; at += 1) {
    const l = low[at - 256] ?? 0;
    const h = high[at - 256] ?? 0;
    low[at] = ((l >>> 8) | (h << 24)) ^ (low[l & 255] ?? 0);
    high[at] = (h >>> 8) ^ (high[l & 255] ?? 0);
  }
  return { low, high };
};

const CRC64 = slicingTables(0xac4bc9b5 | 0, 0x9a6c9329 | 0);
// A 32-bit CRC is the 64-bit one whose high half is always zero.
const CRC32C = slicingTables(0x82f63b78 | 0, 0).low;

/** Bytes before the first one that a 32-bit view may start at. */
const misalignment = (chunk: Buffer): number => Math.min((4 - (chunk.byteOffset & 3)) & 3, chunk.length);

const NO_WORDS = new Int32Array(0);

/** What is too short for a pair of words may end before the first place that a view may start at. */
const words = (chunk: Buffer, start: number): Int32Array =>
  chunk.length - start < 8
    ? NO_WORDS
    : new Int32Array(chunk.buffer, chunk.byteOffset + start, ((chunk.length - start) >> 3) * 2);

/* The non-null assertions below stand in the innermost loops: table indices are masked to the table's size. */
const updateCrc64 = (state: Int32Array, chunk: Buffer): void => {
  const { low: L, high: H } = CRC64;
  let low = ~state[0]!;
  let high = ~state[1]!;
  let at = 0;
  const bytewise = (end: number): void => {
    for (; at < end; at += 1) {
      const index = (low ^ chunk[at]!) & 255;
      low = ((low >>> 8) | (high << 24)) ^ L[index]!;
      high = (high >>> 8) ^ H[index]!;
    }
  };
  bytewise(misalignment(chunk));
  const view = words(chunk, at);
  for (let word = 0; word < view.length; word += 2) {
    const x = view[word]! ^ low;
    const y = view[word + 1]! ^ high;
    const a = 1792 + (x & 255);
    const b = 1536 + ((x >>> 8) & 255);
    const c = 1280 + ((x >>> 16) & 255);
    const d = 1024 + (x >>> 24);
    const e = 768 + (y & 255);
    const f = 512 + ((y >>> 8) & 255);
    const g = 256 + ((y >>> 16) & 255);
    const h = y >>> 24;
    low = L[a]! ^ L[b]! ^ L[c]! ^ L[d]! ^ L[e]! ^ L[f]! ^ L[g]! ^ L[h]!;
    high = H[a]! ^ H[b]! ^ H[c]! ^ H[d]! ^ H[e]! ^ H[f]! ^ H[g]! ^ H[h]!;
  }
  at += view.length * 4;
  bytewise(chunk.length);
  state[0] = ~low;
  state[1] = ~high;
};

const updateCrc32c = (value: number, chunk: Buffer): number => {
  const T = CRC32C;
  let crc = ~value;
  let at = 0;
  const bytewise = (end: number): void => {
    for (; at < end; at += 1) crc = (crc >>> 8) ^ T[(crc ^ chunk[at]!) & 255]!;
  };
  bytewise(misalignment(chunk));
  const view = words(chunk, at);
  for (let word = 0; word < view.length; word += 2) {
    const x = view[word]! ^ crc;
    const y = view[word + 1]!;
    crc =
      T[1792 + (x & 255)]! ^
      T[1536 + ((x >>> 8) & 255)]! ^
      T[1280 + ((x >>> 16) & 255)]! ^
      T[1024 + (x >>> 24)]! ^
      T[768 + (y & 255)]! ^
      T[512 + ((y >>> 8) & 255)]! ^
      T[256 + ((y >>> 16) & 255)]! ^
      T[y >>> 24]!;
  }
  at += view.length * 4;
  bytewise(chunk.length);
  return ~crc;
};
