/**
 * Content that is made up from its position, so that terabytes of it need no room: blocks of 64 KiB, all alike but for a stamp that
 * numbers them. The same seed gives the same bytes; the stamps tell where in the content a piece comes from.
 */
import { createHash } from 'node:crypto';
import type { CrcAlgorithm } from '../crc-combine.ts';
import { createSparseCrc, type SparseCrc } from './sparse-crc.ts';

export const BLOCK_BYTES = 64 * 1024;
/** A block begins with eight bytes that no other place of it has, and its number. */
export const STAMP_BYTES = 16;
/** Of a shorter piece everything is computed from its bytes, and it is stored like any other. */
export const SMALLEST_SPARSE_BYTES = 2 * BLOCK_BYTES;

export interface Generator {
  readonly seed: number;
  /** The content from there on. A yielded buffer is only valid until the next one but one is asked for. */
  read(position: number, lengthBytes: number): Iterable<Buffer>;
  /** Where the first difference is, counted within `bytes`, were they content from `position` on; -1 for none. */
  difference(bytes: Buffer, position: number): number;
  /** From where in the content these bytes are, going by the first stamp in them; null where there is none. */
  locate(bytes: Buffer): number | null;
  /**
   * 32 hexadecimal digits in place of an MD5, which for terabytes nobody can compute: those of the seed, the position and the
   * length. A piece under 128 KiB has its real MD5.
   */
  etag(position: number, lengthBytes: number): string;
  /** The real one. Milliseconds for any length. */
  crc(algorithm: CrcAlgorithm, position: number, lengthBytes: number): Buffer;
}

/** `seed`: a whole number. */
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
      if (lengthBytes >= SMALLEST_SPARSE_BYTES)
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

const READ_BLOCKS = 4;

/** Two buffers in turn, as blobs read, no larger than needed: only the stamps are ever written anew. */
function* readBlocks(block: Buffer, position: number, lengthBytes: number): Iterable<Buffer> {
  const buffers: Buffer[] = [];
  const end = position + lengthBytes;
  let at = position;
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
