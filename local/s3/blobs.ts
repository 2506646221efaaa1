/**
 * Where the bytes are: small ones in memory, larger ones each in a file of its own under one directory.
 *
 * A blob is counted by reference, because a multipart upload completes, and a copy is made, by pointing at bytes that
 * are already there. Its file goes when the last reference does. No key is ever part of a file's name.
 */
import { mkdirSync } from 'node:fs';
import { open, rm, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { CrcAlgorithm } from './crc-combine.ts';

/** Bytes that do not change. Starts with one reference, its maker's. */
export interface Blob {
  readonly sizeBytes: number;
  retain(): void;
  release(): void;
  /** Yields the bytes from `offset`. A yielded buffer is only valid until the next one but one is asked for. */
  read(offset: number, lengthBytes: number): AsyncIterable<Buffer>;
  /** Of bytes that are made up as they are read: what is known of them without reading. */
  readonly generated?: GeneratedContent;
}

export interface GeneratedBlob extends Blob {
  readonly generated: GeneratedContent;
}

export interface GeneratedContent {
  /** Hexadecimal, see the generator. */
  etag(offset: number, lengthBytes: number): string;
  crc(algorithm: CrcAlgorithm, offset: number, lengthBytes: number): Buffer;
  /** Both as one, when the next one is of the same content and begins where this one ends. */
  followedBy(next: Blob): Blob | null;
  readonly seed: number;
  readonly position: number;
}

/** Takes bytes in order. Await a returned promise before the next write, so that memory stays bounded. */
export interface BlobWriter {
  write(chunk: Buffer): Promise<void> | undefined;
  finish(): Promise<Blob>;
  /** Forgets what was written. */
  abort(): Promise<void>;
}

export interface BlobStore {
  writer(): BlobWriter;
}

const IN_MEMORY_BYTES = 64 * 1024;
const WRITE_BYTES = 1024 * 1024;
const READ_BYTES = 256 * 1024;

export const createBlobStore = (directory: string): BlobStore => {
  mkdirSync(directory, { recursive: true });
  let files = 0;
  return {
    writer: () => {
      files += 1;
      return createWriter(join(directory, `${process.pid}-${files}`));
    },
  };
};

const createWriter = (path: string): BlobWriter => {
  let chunks: Buffer[] = [];
  let bufferedBytes = 0;
  let sizeBytes = 0;
  let file: FileHandle | undefined;
  let inFlight: Promise<void> = Promise.resolve();

  const flush = async (): Promise<void> => {
    const batch = chunks;
    const batchBytes = bufferedBytes;
    chunks = [];
    bufferedBytes = 0;
    // One write runs while the next batch is collected.
    await inFlight;
    inFlight = (async () => {
      file ??= await open(path, 'w');
      await writeAll(file, batch, batchBytes);
    })();
    // Reported by whoever awaits it next; without this a failure in between would be an unhandled rejection.
    inFlight.catch(() => undefined);
  };

  return {
    write: (chunk) => {
      chunks.push(chunk);
      bufferedBytes += chunk.length;
      sizeBytes += chunk.length;
      return bufferedBytes >= WRITE_BYTES ? flush() : undefined;
    },
    finish: async () => {
      if (sizeBytes <= IN_MEMORY_BYTES) return memoryBlob(ownCopy(chunks, sizeBytes));
      await flush();
      await inFlight;
      await file?.close();
      return fileBlob(path, sizeBytes);
    },
    abort: async () => {
      chunks = [];
      await inFlight.catch(() => undefined);
      if (file === undefined) return;
      await file.close();
      await rm(path, { force: true });
    },
  };
};

const writeAll = async (file: FileHandle, batch: Buffer[], batchBytes: number): Promise<void> => {
  const { bytesWritten } = await file.writev(batch);
  if (bytesWritten === batchBytes) return;
  // The rare short write (a nearly full disk): go on byte-exactly, or fail with the file system's own error.
  const rest = Buffer.concat(batch).subarray(bytesWritten);
  for (let at = 0; at < rest.length;) at += (await file.write(rest, at)).bytesWritten;
};

/** A socket's chunk is a window on a 64 KiB slab: kept as it is, a 100-byte object would hold all of that. */
const ownCopy = (chunks: Buffer[], sizeBytes: number): Buffer => {
  const bytes = Buffer.allocUnsafeSlow(sizeBytes);
  let at = 0;
  for (const chunk of chunks) at += chunk.copy(bytes, at);
  return bytes;
};

const memoryBlob = (bytes: Buffer): Blob => ({
  sizeBytes: bytes.length,
  retain: () => undefined,
  release: () => undefined,
  read: async function* (offset, lengthBytes) {
    if (lengthBytes > 0) yield bytes.subarray(offset, offset + lengthBytes);
  },
});

const fileBlob = (path: string, sizeBytes: number): Blob => {
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

/** Two buffers in turn: the file is read into one while the reader's socket still holds the other. */
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
