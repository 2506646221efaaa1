/**
 * Object content that is generated while it is sent. The byte at each position depends only on the position and on the name of the content.
 * Therefore nothing is stored, and any range can be generated again for a comparison.
 *
 * The content is an AES-128-CTR keystream. The key is derived from the name, and the block counter from the position. These bytes cannot be
 * compressed.
 */
import { createCipheriv, createHash } from 'node:crypto';
import { Readable } from 'node:stream';

/** A range of generated content. */
export interface GeneratedRange {
  /** The name of the content. Contents with different names have different bytes. */
  seed: string;
  /** The position of the first byte. */
  offset: number;
  lengthBytes: number;
}

/** Generates the range as a stream, which takes 256 KiB of memory regardless of its length. */
export const generatedStream = (range: GeneratedRange): Readable =>
  Readable.from(generatedChunks(range), { objectMode: false, highWaterMark: CHUNK_BYTES });

/** Generates the range as one buffer. Meant for small ranges. */
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
