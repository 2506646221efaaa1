/** Writes a body to memory or to a file, and computes its digests, all on this thread. */
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
  const file = createFileWriter(path, buffers);
  let first: Buffer[] = [];
  let sizeBytes = 0;
  return {
    write: (chunk) => {
      digester.update(chunk);
      sizeBytes += chunk.length;
      if (sizeBytes <= IN_MEMORY_BYTES) {
        first.push(chunk);
        return undefined;
      }
      if (first.length === 0) return file.append(chunk);
      const all = Buffer.concat([...first, chunk]);
      first = [];
      return file.append(all);
    },
    finish: async () => {
      const digests = await digester.digests();
      if (sizeBytes <= IN_MEMORY_BYTES) return { blob: memoryBlob(ownCopy(first, sizeBytes)), digests };
      await file.finish();
      return { blob: fileBlob(path, sizeBytes), digests };
    },
    abort: async () => {
      first = [];
      await file.abort();
    },
  };
};

interface FileWriter {
  append(chunk: Buffer): Promise<void> | undefined;
  finish(): Promise<void>;
  abort(): Promise<void>;
}

/** Opens the file with the first full buffer. */
const createFileWriter = (path: string, buffers: WriteBuffers): FileWriter => {
  let buffer: Buffer | null = null;
  let usedBytes = 0;
  let file: FileHandle | undefined;
  let inFlight: Promise<void> = Promise.resolve();

  /** Copies the chunk into a buffer, so that the chunk's own memory can be freed soon. `young-collection.ts` explains why. */
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
    // The full buffer is written while the caller fills the next buffer.
    const previous = inFlight;
    inFlight = (async () => {
      try {
        await previous;
        file ??= await open(path, 'w');
        await writeFully(file, full.subarray(0, fullBytes));
      } finally {
        buffers.giveBack(full);
      }
    })();
    // Prevents an unhandled rejection: a later `await` of this promise reports the failure.
    inFlight.catch(() => undefined);
    await previous;
    if (rest.length > 0) await append(rest);
  };

  return {
    append,
    finish: async () => {
      await flush(NO_BYTES);
      await inFlight;
      await file?.close();
    },
    abort: async () => {
      if (buffer !== null) buffers.giveBack(buffer);
      buffer = null;
      await inFlight.catch(() => undefined);
      if (file === undefined) return;
      await file.close();
      await rm(path, { force: true });
    },
  };
};

const NO_BYTES = Buffer.alloc(0);

/**
 * Writes all bytes. A nearly full disk may accept only some of them; the next write then reports the error of the file system, or succeeds.
 */
const writeFully = async (file: FileHandle, bytes: Buffer): Promise<void> => {
  for (let at = 0; at < bytes.length;) at += (await file.write(bytes, at)).bytesWritten;
};

/**
 * Copies the chunks into memory of their exact size. A socket's chunk is a view of a 64 KiB slab, so even an object of 100 bytes would
 * otherwise keep the whole slab in memory.
 */
const ownCopy = (chunks: Buffer[], sizeBytes: number): Buffer => {
  const bytes = Buffer.allocUnsafeSlow(sizeBytes);
  let at = 0;
  for (const chunk of chunks) at += chunk.copy(bytes, at);
  return bytes;
};
