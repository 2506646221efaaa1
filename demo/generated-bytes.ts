/**
 * Object content that is generated while it is sent. The byte at each position depends only on a name and the position, so any range
 * can be generated again for a comparison, and nothing is stored.
 *
 * The content is the AES-128-CTR keystream of the name: the block counter is the position, and the bytes do not compress.
 */
import { createCipheriv, createHash } from 'node:crypto';
import { Readable } from 'node:stream';

/** A range of generated content. */
export interface GeneratedRange {
  /** The name of the content. Other names give other bytes. */
  seed: string;
  /** Position of the first byte. */
  offset: number;
  lengthBytes: number;
}

/** The range as a stream, which takes 256 KiB of memory whatever its length. */
export const generatedStream = (range: GeneratedRange): Readable =>
  Readable.from(generatedChunks(range), { objectMode: false, highWaterMark: CHUNK_BYTES });

/** The range in one buffer, for small ranges. */
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
