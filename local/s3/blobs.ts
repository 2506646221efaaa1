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
import { createYoungCollection } from './young-collection.ts';

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
const WRITE_BYTES = 256 * 1024;
const READ_BYTES = 256 * 1024;

export const createBlobStore = (directory: string): BlobStore => {
  mkdirSync(directory, { recursive: true });
  const buffers = createBuffers();
  const countForCollection = createYoungCollection();
  let files = 0;
  return {
    writer: () => {
      files += 1;
      const writer = createWriter(join(directory, `${process.pid}-${files}`), buffers);
      return {
        ...writer,
        write: (chunk) => {
          countForCollection(chunk.length);
          return writer.write(chunk);
        },
      };
    },
  };
};

/** Buffers to write files from. They are kept for the next upload, since a new one costs more than what is copied into it. */
interface Buffers {
  take(): Buffer;
  giveBack(buffer: Buffer): void;
}

const SPARE_BUFFERS = 16;

const createBuffers = (): Buffers => {
  const spare: Buffer[] = [];
  return {
    take: () => spare.pop() ?? Buffer.allocUnsafeSlow(WRITE_BYTES),
    giveBack: (buffer) => {
      if (spare.length < SPARE_BUFFERS) spare.push(buffer);
    },
  };
};

const createWriter = (path: string, buffers: Buffers): BlobWriter => {
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
      if (sizeBytes <= IN_MEMORY_BYTES) return memoryBlob(ownCopy(first, sizeBytes));
      await flush(NOTHING);
      await inFlight;
      await file?.close();
      return fileBlob(path, sizeBytes);
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
