/**
 * Generates content from a seed and a position, so that terabytes of content need no storage. The content consists of blocks of 64 KiB,
 * which differ only in their stamps. A stamp contains the block's number, so it shows where in the content a piece belongs. The same seed
 * always gives the same bytes.
 */
import { createHash } from 'node:crypto';
import type { CrcAlgorithm } from '../crc-combine.ts';
import { createSparseCrc, type SparseCrc } from './sparse-crc.ts';

export const BLOCK_BYTES = 64 * 1024;
/** Size of the stamp at the beginning of each block. It consists of eight bytes that occur only in stamps, and the block's number. */
export const STAMP_BYTES = 16;
/** Minimum size of a piece that is stored as generated content. A shorter piece is stored like any other body. */
export const SMALLEST_SPARSE_BYTES = 2 * BLOCK_BYTES;

export interface Generator {
  readonly seed: number;
  /** Yields the content from `position`. A yielded buffer stays valid during the next read, but is overwritten by the read after that. */
  read(position: number, lengthBytes: number): Iterable<Buffer>;
  /** Returns the index in `bytes` of the first byte that differs from the content at `position`; -1 if all bytes are equal. */
  difference(bytes: Buffer, position: number): number;
  /** Returns the position of the bytes in the content, according to the first stamp in them; null if they contain no stamp. */
  locate(bytes: Buffer): number | null;
  /**
   * Returns the ETag of a piece, 32 hexadecimal digits. It is the MD5 of the bytes for a piece of at most 4 MiB. The MD5 of terabytes would
   * take too long, so for a larger piece it is the MD5 of the seed, the position and the length.
   */
  etag(position: number, lengthBytes: number): string;
  /** Returns the CRC of the bytes in big-endian order. This takes milliseconds for any length. */
  crc(algorithm: CrcAlgorithm, position: number, lengthBytes: number): Buffer;
}

/** Creates the generator of a seed, which must be a whole number. */
export const createGenerator = (seed: number): Generator => {
  const block = createHash('shake256', { outputLength: BLOCK_BYTES })
    .update(`sparse object ${seed}`)
    .digest();
  block.fill(0, 8, STAMP_BYTES);
  const magic = block.subarray(0, 8);
  const crcs = new Map<CrcAlgorithm, SparseCrc>();
  const generator: Generator = {
    seed,
    read: (position, lengthBytes) => readBlocks(block, position, lengthBytes),
    difference: (bytes, position) => findDifference(block, bytes, position),
    locate: (bytes) => {
      const at = bytes.indexOf(magic);
      if (at < 0 || at + STAMP_BYTES > bytes.length) return null;
      const position = Number(bytes.readBigUInt64BE(at + 8)) * BLOCK_BYTES - at;
      return position >= 0 && Number.isSafeInteger(position) ? position : null;
    },
    etag: (position, lengthBytes) => {
      const md5 = createHash('md5');
      if (lengthBytes > LARGEST_DIGESTED_BYTES)
        md5.update(`sparse content ${seed} ${position} ${lengthBytes}`);
      else for (const chunk of generator.read(position, lengthBytes)) md5.update(chunk);
      return md5.digest('hex');
    },
    crc: (algorithm, position, lengthBytes) => {
      const crc = crcs.get(algorithm) ?? createSparseCrc(algorithm, block, generator.read);
      crcs.set(algorithm, crc);
      return crc(position, lengthBytes);
    },
  };
  return generator;
};

/**
 * Maximum size, in bytes, of a piece whose ETag is its real MD5. It is below the minimum size of a part, so in an upload only the last part
 * can be read for its MD5.
 */
const LARGEST_DIGESTED_BYTES = 4 * 1024 * 1024;

const READ_BLOCKS = 4;

/** Yields the content from two alternating buffers. After the first use of a buffer, only the stamps in it change. */
function* readBlocks(block: Buffer, position: number, lengthBytes: number): Iterable<Buffer> {
  const buffers: Buffer[] = [];
  const end = position + lengthBytes;
  let at = position;
  // A piece inside a single block is copied without the rest of the block. Tests create thousands of small objects, and copying whole
  // blocks would take most of their time.
  if (lengthBytes > 0 && Math.floor((end - 1) / BLOCK_BYTES) === Math.floor(position / BLOCK_BYTES)) {
    yield pieceOfBlock(block, position, lengthBytes);
    return;
  }
  for (let turn = 0; at < end; turn = 1 - turn) {
    const first = Math.floor(at / BLOCK_BYTES);
    const blocks = Math.min(READ_BLOCKS, Math.ceil(end / BLOCK_BYTES) - first);
    const buffer = (buffers[turn] ??= repeated(block, blocks));
    for (let index = 0; index < blocks; index += 1)
      buffer.writeBigUInt64BE(BigInt(first + index), index * BLOCK_BYTES + 8);
    const offset = at - first * BLOCK_BYTES;
    const chunk = buffer.subarray(offset, Math.min(buffer.length, offset + end - at));
    at += chunk.length;
    yield chunk;
  }
}

const pieceOfBlock = (block: Buffer, position: number, lengthBytes: number): Buffer => {
  const number = Math.floor(position / BLOCK_BYTES);
  const offset = position - number * BLOCK_BYTES;
  const piece = Buffer.from(block.subarray(offset, offset + lengthBytes));
  if (offset < STAMP_BYTES) {
    const stamp = Buffer.from(block.subarray(0, STAMP_BYTES));
    stamp.writeBigUInt64BE(BigInt(number), 8);
    stamp.copy(piece, 0, offset);
  }
  return piece;
};

const repeated = (block: Buffer, times: number): Buffer => {
  const buffer = Buffer.allocUnsafeSlow(times * BLOCK_BYTES);
  for (let index = 0; index < times; index += 1) block.copy(buffer, index * BLOCK_BYTES);
  return buffer;
};

const findDifference = (block: Buffer, bytes: Buffer, position: number): number => {
  const stamp = Buffer.from(block.subarray(0, STAMP_BYTES));
  for (let at = 0; at < bytes.length;) {
    const number = Math.floor((position + at) / BLOCK_BYTES);
    const inBlock = position + at - number * BLOCK_BYTES;
    const isStamp = inBlock < STAMP_BYTES;
    if (isStamp) stamp.writeBigUInt64BE(BigInt(number), 8);
    const expected = isStamp ? stamp.subarray(inBlock) : block.subarray(inBlock);
    const length = Math.min(expected.length, bytes.length - at);
    if (bytes.compare(expected, 0, length, at, at + length) !== 0) {
      for (let index = 0; index < length; index += 1)
        if (bytes[at + index] !== expected[index]) return at + index;
    }
    at += length;
  }
  return -1;
};
