/** Keeps a body in memory or in a file, and digests it as it comes, all on this thread. */
import { open, rm, type FileHandle } from 'node:fs/promises';
import { createDigester, type DigestName } from './digests.ts';
import { fileBlob, memoryBlob } from './stored-blob.ts';
import type { WriteBuffers } from './write-buffers.ts';
import type { BlobWriter } from './blob.ts';

const IN_MEMORY_BYTES = 64 * 1024;

export const createBlobWriter = (
  path: string,
  buffers: WriteBuffers,
  names: ReadonlySet<DigestName>,
): BlobWriter => {
  const digester = createDigester(names);
  let first: Buffer[] = [];
  let sizeBytes = 0;
  let buffer: Buffer | null = null;
  let usedBytes = 0;
  let file: FileHandle | undefined;
  let inFlight: Promise<void> = Promise.resolve();

  /** Chunks are copied, so that none lives for long: see `young-collection.ts`. */
  const append = (chunk: Buffer): Promise<void> | undefined => {
    buffer ??= buffers.take();
    const copiedBytes = chunk.copy(buffer, usedBytes);
    usedBytes += copiedBytes;
    return usedBytes < buffer.length ? undefined : flush(chunk.subarray(copiedBytes));
  };

  const flush = async (rest: Buffer): Promise<void> => {
    const full = buffer;
    const fullBytes = usedBytes;
    buffer = null;
    usedBytes = 0;
    if (full === null) return;
    // One write runs while the next buffer is filled.
    const previous = inFlight;
    inFlight = (async () => {
      try {
        await previous;
        file ??= await open(path, 'w');
        await writeAll(file, full.subarray(0, fullBytes));
      } finally {
        buffers.giveBack(full);
      }
    })();
    // Reported by whoever awaits it next; without this a failure in between would be an unhandled rejection.
    inFlight.catch(() => undefined);
    await previous;
    if (rest.length > 0) await append(rest);
  };

  return {
    write: (chunk) => {
      digester.update(chunk);
      sizeBytes += chunk.length;
      if (sizeBytes <= IN_MEMORY_BYTES) {
        first.push(chunk);
        return undefined;
      }
      if (first.length === 0) return append(chunk);
      const all = Buffer.concat([...first, chunk]);
      first = [];
      return append(all);
    },
    finish: async () => {
      const digests = digester.digests();
      if (sizeBytes <= IN_MEMORY_BYTES) return { blob: memoryBlob(ownCopy(first, sizeBytes)), digests };
      await flush(NOTHING);
      await inFlight;
      await file?.close();
      return { blob: fileBlob(path, sizeBytes), digests };
    },
    abort: async () => {
      first = [];
      if (buffer !== null) buffers.giveBack(buffer);
      buffer = null;
      await inFlight.catch(() => undefined);
      if (file === undefined) return;
      await file.close();
      await rm(path, { force: true });
    },
  };
};

const NOTHING = Buffer.alloc(0);

/** A short write (a nearly full disk) is rare: go on byte-exactly, or fail with the file system's own error. */
const writeAll = async (file: FileHandle, bytes: Buffer): Promise<void> => {
  for (let at = 0; at < bytes.length;) at += (await file.write(bytes, at)).bytesWritten;
};

/** A socket's chunk is a window on a 64 KiB slab: kept as it is, a 100-byte object would hold all of that. */
const ownCopy = (chunks: Buffer[], sizeBytes: number): Buffer => {
  const bytes = Buffer.allocUnsafeSlow(sizeBytes);
  let at = 0;
  for (const chunk of chunks) at += chunk.copy(bytes, at);
  return bytes;
};
