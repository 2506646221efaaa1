/** Blobs in memory and in files. */
import { open, rm } from 'node:fs/promises';
import type { Blob } from './blob.ts';

const READ_BYTES = 256 * 1024;

export const memoryBlob = (bytes: Buffer): Blob => ({
  sizeBytes: bytes.length,
  retain: () => undefined,
  release: () => undefined,
  read: async function* (offset, lengthBytes) {
    if (lengthBytes > 0) yield bytes.subarray(offset, offset + lengthBytes);
  },
});

export const fileBlob = (path: string, sizeBytes: number): Blob => {
  let references = 1;
  return {
    sizeBytes,
    retain: () => {
      references += 1;
    },
    release: () => {
      references -= 1;
      if (references === 0) void rm(path, { force: true });
    },
    read: (offset, lengthBytes) => readFile(path, offset, lengthBytes),
  };
};

/** Reads a file into two alternating buffers, so that one can be filled while the caller's socket still sends the other. */
async function* readFile(path: string, offset: number, lengthBytes: number): AsyncIterable<Buffer> {
  const file = await open(path, 'r');
  try {
    const capacity = Math.min(READ_BYTES, lengthBytes);
    const buffers = [Buffer.allocUnsafeSlow(capacity), Buffer.allocUnsafeSlow(capacity)] as const;
    const end = offset + lengthBytes;
    let position = offset;
    const readInto = (buffer: Buffer) => file.read(buffer, 0, Math.min(capacity, end - position), position);
    for (let turn = 0; position < end; turn = 1 - turn) {
      const buffer = turn === 0 ? buffers[0] : buffers[1];
      const { bytesRead } = await readInto(buffer);
      if (bytesRead === 0) throw new Error('An object file of the local S3 is shorter than it was written');
      position += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await file.close();
  }
}
