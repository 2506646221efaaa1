/**
 * Where the bytes are: small ones in memory, larger ones each in a file of its own under one directory.
 *
 * A blob is counted by reference, because a multipart upload completes, and a copy is made, by pointing at bytes that
 * are already there. Its file goes when the last reference does. No key is ever part of a file's name.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { DigestName } from './digests.ts';
import { createBlobWriter } from './blob-writer.ts';
import { createFileThread } from './file-thread.ts';
import { createThreadWriter } from './thread-writer.ts';
import { createWriteBuffers } from './write-buffers.ts';
import { createYoungCollection } from './young-collection.ts';
import type { BlobWriter } from './blob.ts';

export interface BlobStore {
  /** For so many bytes, or fewer where they are given up. Their digests are computed as they pass. */
  writer(lengthBytes: number, digests: ReadonlySet<DigestName>): BlobWriter;
  /** Ends the thread that serves large bodies, if there is one. */
  close(): Promise<void>;
}

/**
 * From here on a body is digested and written on another thread. MD5 alone takes over a second for 1 GB; of a smaller body that is less
 * than the way to the thread and back.
 */
const THREAD_BYTES = 1024 * 1024;

export const createBlobStore = (directory: string): BlobStore => {
  mkdirSync(directory, { recursive: true });
  const buffers = createWriteBuffers();
  const thread = createFileThread();
  const countForCollection = createYoungCollection();
  let files = 0;
  return {
    writer: (lengthBytes, digests) => {
      files += 1;
      const path = join(directory, `${process.pid}-${files}`);
      const writer =
        lengthBytes < THREAD_BYTES
          ? createBlobWriter(path, buffers, digests)
          : createThreadWriter(path, buffers, thread.create(path, digests));
      return {
        ...writer,
        write: (chunk) => {
          countForCollection(chunk.length);
          return writer.write(chunk);
        },
      };
    },
    close: () => thread.close(),
  };
};
