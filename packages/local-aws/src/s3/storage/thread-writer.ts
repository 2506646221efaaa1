/** Stores a large body in a file. Another thread computes the digests and writes the file. */
import type { ThreadFile } from './file-thread.ts';
import { fileBlob } from './stored-blob.ts';
import type { WriteBuffers } from './write-buffers.ts';
import type { BlobWriter } from './blob.ts';

/** How many buffers of one body the thread may hold while the next buffer is filled. */
const BUFFERS_AT_THREAD = 3;

/** Creates a writer that passes full buffers to the thread. It does not touch a buffer until the thread has returned it. */
export const createThreadWriter = (path: string, buffers: WriteBuffers, file: ThreadFile): BlobWriter => {
  let sizeBytes = 0;
  let buffer: Buffer | null = null;
  let usedBytes = 0;
  const atThread: Promise<void>[] = [];

  const append = (chunk: Buffer): Promise<void> | undefined => {
    buffer ??= buffers.take();
    const copiedBytes = chunk.copy(buffer, usedBytes);
    usedBytes += copiedBytes;
    return usedBytes < buffer.length ? undefined : makeRoom(buffer, chunk.subarray(copiedBytes));
  };

  const makeRoom = async (full: Buffer, rest: Buffer): Promise<void> => {
    send(full);
    if (atThread.length > BUFFERS_AT_THREAD) await atThread.shift();
    if (rest.length > 0) await append(rest);
  };

  const send = (full: Buffer): void => {
    const sent = file.append(full, usedBytes).then((empty) => buffers.giveBack(empty));
    // Prevents an unhandled rejection: a later `await` of this promise reports the failure.
    sent.catch(() => undefined);
    atThread.push(sent);
    buffer = null;
    usedBytes = 0;
  };

  return {
    write: (chunk) => {
      sizeBytes += chunk.length;
      return append(chunk);
    },
    finish: async () => {
      if (buffer !== null) send(buffer);
      await Promise.all(atThread);
      return { digests: await file.finish(), blob: fileBlob(path, sizeBytes) };
    },
    abort: async () => {
      if (buffer !== null) buffers.giveBack(buffer);
      buffer = null;
      await file.abandon();
    },
  };
};
