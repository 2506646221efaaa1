/**
 * Object content that is made up while it is sent: the byte at each position follows from a name and the position alone, so
 * that any range can be made again, to compare with, and nothing is kept.
 *
 * It is the AES-128-CTR keystream of the name: a block counter is a position, and the bytes do not compress.
 */
import { createCipheriv, createHash } from 'node:crypto';
import { Readable } from 'node:stream';

/** A range of generated content. */
export interface GeneratedRange {
  /** Names the content: another name gives other bytes. */
  seed: string;
  /** Position of the first byte. */
  offset: number;
  lengthBytes: number;
}

/** The range as a stream. Takes 256 KiB of memory however long it is. */
export const generatedStream = (range: GeneratedRange): Readable =>
  Readable.from(generatedChunks(range), { objectMode: false, highWaterMark: CHUNK_BYTES });

/** The range in one piece: for small ones. */
export const generatedBuffer = (range: GeneratedRange): Buffer => Buffer.concat([...generatedChunks(range)]);

const CHUNK_BYTES = 256 * 1024;
const BLOCK_BYTES = 16;
const ZEROS = Buffer.alloc(CHUNK_BYTES);

function* generatedChunks({ seed, offset, lengthBytes }: GeneratedRange): Generator<Buffer> {
  const key = createHash('sha256').update(seed).digest().subarray(0, BLOCK_BYTES);
  const cipher = createCipheriv('aes-128-ctr', key, counterBlock(Math.floor(offset / BLOCK_BYTES)));
  cipher.update(ZEROS.subarray(0, offset % BLOCK_BYTES));
  for (let left = lengthBytes; left > 0; left -= CHUNK_BYTES) {
    yield cipher.update(ZEROS.subarray(0, Math.min(left, CHUNK_BYTES)));
  }
}

const counterBlock = (block: number): Buffer => {
  const counter = Buffer.alloc(BLOCK_BYTES);
  counter.writeBigUInt64BE(BigInt(block), BLOCK_BYTES - 8);
  return counter;
};
